#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kHookAttrs[] = {
    {NFTA_HOOK_HOOKNUM, "number", Type::kBe32},
    {NFTA_HOOK_PRIORITY, "priority", Type::kCustom, nullptr, &kNftPriority},
    {NFTA_HOOK_DEV, "device", Type::kString},
    {NFTA_HOOK_DEVS, "devices", Type::kCustom, nullptr, &kNftDevices},
};
const Table kHook(kHookAttrs);

const Attr kAttrs[] = {
    {NFTA_CHAIN_TABLE, "table", Type::kString},
    {NFTA_CHAIN_NAME, "name", Type::kString},
    {NFTA_CHAIN_HANDLE, "handle", Type::kBe64},
    {NFTA_CHAIN_HOOK, "hook", Type::kNest, &kHook},
    {NFTA_CHAIN_POLICY, "policy", Type::kBe32},
    {NFTA_CHAIN_TYPE, "type", Type::kString},
    {NFTA_CHAIN_COUNTERS, "counters", Type::kNest, &kNftCounter},
    {NFTA_CHAIN_FLAGS, "flags", Type::kBe32},
    {NFTA_CHAIN_ID, "id", Type::kBe32},
    {NFTA_CHAIN_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_CHAIN_USERDATA, "userdata", Type::kBytes},
};

}  // namespace

const Object kNftChain = {"nft.chain",
                          4,
                          kNfFields,
                          1,
                          Table(kAttrs),
                          nft_type(NFT_MSG_NEWCHAIN),
                          0,
                          nft_type(NFT_MSG_DELCHAIN),
                          nft_type(NFT_MSG_GETCHAIN),
                          nft_type(kNftDestroyChain)};

}  // namespace vnet
