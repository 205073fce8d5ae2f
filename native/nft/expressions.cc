// The expressions of rules. Each is a name and a table; the kernel's own tables are in
// net/netfilter/nft_*.c, their attributes in linux/netfilter/nf_tables.h.
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kPayload[] = {
    {NFTA_PAYLOAD_DREG, "dreg", Type::kBe32},
    {NFTA_PAYLOAD_BASE, "base", Type::kBe32},
    {NFTA_PAYLOAD_OFFSET, "offset", Type::kBe32},
    {NFTA_PAYLOAD_LEN, "length", Type::kBe32},
    {NFTA_PAYLOAD_SREG, "sreg", Type::kBe32},
    {NFTA_PAYLOAD_CSUM_TYPE, "checksumType", Type::kBe32},
    {NFTA_PAYLOAD_CSUM_OFFSET, "checksumOffset", Type::kBe32},
    {NFTA_PAYLOAD_CSUM_FLAGS, "checksumFlags", Type::kBe32},
};
const Attr kMeta[] = {
    {NFTA_META_DREG, "dreg", Type::kBe32},
    {NFTA_META_KEY, "key", Type::kBe32},
    {NFTA_META_SREG, "sreg", Type::kBe32},
};
const Attr kCt[] = {
    {NFTA_CT_DREG, "dreg", Type::kBe32},
    {NFTA_CT_KEY, "key", Type::kBe32},
    {NFTA_CT_DIRECTION, "direction", Type::kU8},
    {NFTA_CT_SREG, "sreg", Type::kBe32},
};
const Attr kFib[] = {
    {NFTA_FIB_DREG, "dreg", Type::kBe32},
    {NFTA_FIB_RESULT, "result", Type::kBe32},
    {NFTA_FIB_FLAGS, "flags", Type::kBe32},
};
const Attr kCmp[] = {
    {NFTA_CMP_SREG, "sreg", Type::kBe32},
    {NFTA_CMP_OP, "op", Type::kBe32},
    {NFTA_CMP_DATA, "data", Type::kNest, &kNftData},
};
const Attr kBitwise[] = {
    {NFTA_BITWISE_SREG, "sreg", Type::kBe32},
    {NFTA_BITWISE_DREG, "dreg", Type::kBe32},
    {NFTA_BITWISE_LEN, "length", Type::kBe32},
    {NFTA_BITWISE_MASK, "mask", Type::kNest, &kNftData},
    {NFTA_BITWISE_XOR, "xor", Type::kNest, &kNftData},
    {NFTA_BITWISE_OP, "op", Type::kBe32},
    {NFTA_BITWISE_DATA, "data", Type::kNest, &kNftData},
};
const Attr kLookup[] = {
    {NFTA_LOOKUP_SET, "set", Type::kString},   {NFTA_LOOKUP_SREG, "sreg", Type::kBe32},
    {NFTA_LOOKUP_DREG, "dreg", Type::kBe32},   {NFTA_LOOKUP_SET_ID, "setId", Type::kBe32},
    {NFTA_LOOKUP_FLAGS, "flags", Type::kBe32},
};
const Attr kDynset[] = {
    {NFTA_DYNSET_SET_NAME, "set", Type::kString},
    {NFTA_DYNSET_SET_ID, "setId", Type::kBe32},
    {NFTA_DYNSET_OP, "op", Type::kBe32},
    {NFTA_DYNSET_SREG_KEY, "keySreg", Type::kBe32},
    {NFTA_DYNSET_SREG_DATA, "dataSreg", Type::kBe32},
    {NFTA_DYNSET_TIMEOUT, "timeout", Type::kBe64},
};
const Attr kImmediate[] = {
    {NFTA_IMMEDIATE_DREG, "dreg", Type::kBe32},
    {NFTA_IMMEDIATE_DATA, "data", Type::kNest, &kNftData},
};
const Attr kNat[] = {
    {NFTA_NAT_TYPE, "type", Type::kBe32},
    {NFTA_NAT_FAMILY, "family", Type::kBe32},
    {NFTA_NAT_REG_ADDR_MIN, "addressMin", Type::kBe32},
    {NFTA_NAT_REG_ADDR_MAX, "addressMax", Type::kBe32},
    {NFTA_NAT_REG_PROTO_MIN, "portMin", Type::kBe32},
    {NFTA_NAT_REG_PROTO_MAX, "portMax", Type::kBe32},
    {NFTA_NAT_FLAGS, "flags", Type::kBe32},
};
const Attr kMasq[] = {
    {NFTA_MASQ_FLAGS, "flags", Type::kBe32},
    {NFTA_MASQ_REG_PROTO_MIN, "portMin", Type::kBe32},
    {NFTA_MASQ_REG_PROTO_MAX, "portMax", Type::kBe32},
};
const Attr kCounter[] = {
    {NFTA_COUNTER_BYTES, "bytes", Type::kBe64},
    {NFTA_COUNTER_PACKETS, "packets", Type::kBe64},
};

const NftExpression kAll[] = {
    {"payload", Table(kPayload)}, {"meta", Table(kMeta)},     {"ct", Table(kCt)},
    {"fib", Table(kFib)},         {"cmp", Table(kCmp)},       {"bitwise", Table(kBitwise)},
    {"lookup", Table(kLookup)},   {"dynset", Table(kDynset)}, {"immediate", Table(kImmediate)},
    {"nat", Table(kNat)},         {"masq", Table(kMasq)},     {"counter", Table(kCounter)},
};

}  // namespace

const NftExpression* nft_expression(std::string_view name) {
  for (const NftExpression& e : kAll) {
    if (name == e.name) return &e;
  }
  return nullptr;
}

}  // namespace vnet
