// Expressions that bring something into registers, or write a register back to where it came from.
#include <linux/netfilter/nf_tables.h>

#include "../objects.h"

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
const Attr kExthdr[] = {
    {NFTA_EXTHDR_DREG, "dreg", Type::kBe32},     {NFTA_EXTHDR_TYPE, "type", Type::kU8},
    {NFTA_EXTHDR_OFFSET, "offset", Type::kBe32}, {NFTA_EXTHDR_LEN, "length", Type::kBe32},
    {NFTA_EXTHDR_FLAGS, "flags", Type::kBe32},   {NFTA_EXTHDR_OP, "op", Type::kBe32},
    {NFTA_EXTHDR_SREG, "sreg", Type::kBe32},
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
const Attr kRt[] = {
    {NFTA_RT_DREG, "dreg", Type::kBe32},
    {NFTA_RT_KEY, "key", Type::kBe32},
};
const Attr kSocket[] = {
    {NFTA_SOCKET_KEY, "key", Type::kBe32},
    {NFTA_SOCKET_DREG, "dreg", Type::kBe32},
    {NFTA_SOCKET_LEVEL, "level", Type::kBe32},
};
const Attr kXfrm[] = {
    {NFTA_XFRM_DREG, "dreg", Type::kBe32},
    {NFTA_XFRM_KEY, "key", Type::kBe32},
    {NFTA_XFRM_DIR, "direction", Type::kU8},
    {NFTA_XFRM_SPNUM, "position", Type::kBe32},
};
const Attr kOsf[] = {
    {NFTA_OSF_DREG, "dreg", Type::kBe32},
    {NFTA_OSF_TTL, "ttl", Type::kU8},
    {NFTA_OSF_FLAGS, "flags", Type::kBe32},
};
const Attr kNumgen[] = {
    {NFTA_NG_DREG, "dreg", Type::kBe32},
    {NFTA_NG_MODULUS, "modulus", Type::kBe32},
    {NFTA_NG_TYPE, "type", Type::kBe32},
    {NFTA_NG_OFFSET, "offset", Type::kBe32},
};
const Attr kHash[] = {
    {NFTA_HASH_SREG, "sreg", Type::kBe32},  {NFTA_HASH_DREG, "dreg", Type::kBe32},
    {NFTA_HASH_LEN, "length", Type::kBe32}, {NFTA_HASH_MODULUS, "modulus", Type::kBe32},
    {NFTA_HASH_SEED, "seed", Type::kBe32},  {NFTA_HASH_OFFSET, "offset", Type::kBe32},
    {NFTA_HASH_TYPE, "type", Type::kBe32},
};
const Attr kImmediate[] = {
    {NFTA_IMMEDIATE_DREG, "dreg", Type::kBe32},
    {NFTA_IMMEDIATE_DATA, "data", Type::kNest, kNftData},
};

const Kind kAll[] = {
    {"payload", kPayload}, {"exthdr", kExthdr}, {"meta", kMeta},     {"ct", kCt},
    {"fib", kFib},         {"rt", kRt},         {"socket", kSocket}, {"xfrm", kXfrm},
    {"osf", kOsf},         {"numgen", kNumgen}, {"hash", kHash},     {"immediate", kImmediate},
};

}  // namespace

const KindList kNftLoading = kAll;

}  // namespace vnet
