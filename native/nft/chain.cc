#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// The priority is signed, but travels as a be32.
void encode_priority(const Attr& a, const Value& v, Encoder& e) {
  const int64_t* i = v.integer();
  if (!i || *i < INT32_MIN || *i > INT32_MAX) return e.fail("must be a 32-bit integer");
  e.out.scalar<uint32_t>(a.type, htobe32(static_cast<uint32_t>(*i)));
}
Value decode_priority(View v) {
  uint32_t n = 0;
  v.read(0, &n);
  return Value(int64_t{static_cast<int32_t>(be32toh(n))});
}
const Custom kPriority = {encode_priority, decode_priority};

const Attr kHookAttrs[] = {
    {NFTA_HOOK_HOOKNUM, "number", Type::kBe32},
    {NFTA_HOOK_PRIORITY, "priority", Type::kCustom, nullptr, &kPriority},
    {NFTA_HOOK_DEV, "device", Type::kString},
};
const Table kHook(kHookAttrs);

const Attr kAttrs[] = {
    {NFTA_CHAIN_TABLE, "table", Type::kString},
    {NFTA_CHAIN_NAME, "name", Type::kString},
    {NFTA_CHAIN_HANDLE, "handle", Type::kBe64},
    {NFTA_CHAIN_HOOK, "hook", Type::kNest, &kHook},
    {NFTA_CHAIN_POLICY, "policy", Type::kBe32},
    {NFTA_CHAIN_TYPE, "type", Type::kString},
    {NFTA_CHAIN_FLAGS, "flags", Type::kBe32},
    {NFTA_CHAIN_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_CHAIN_USERDATA, "userdata", Type::kBytes},
};

}  // namespace

const Object kNftChain = {"nft.chain",
                          4,
                          kNfFields,
                          1,
                          Table(kAttrs),
                          NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN,
                          0,
                          NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELCHAIN,
                          NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN};

}  // namespace vnet
