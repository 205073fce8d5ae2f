#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kHookAttrs[] = {
    {NFTA_HOOK_HOOKNUM, "number", Type::kBe32},
    {NFTA_HOOK_PRIORITY, "priority", Type::kBeI32},
    {NFTA_HOOK_DEV, "device", Type::kString},
    {NFTA_HOOK_DEVS, "devices", Type::kRow, kNftDevices},
};
const Table kHook(kHookAttrs);

const Attr kAttrs[] = {
    {NFTA_CHAIN_TABLE, "table", Type::kString},
    {NFTA_CHAIN_NAME, "name", Type::kString},
    {NFTA_CHAIN_HANDLE, "handle", Type::kBe64},
    {NFTA_CHAIN_HOOK, "hook", Type::kNest, kHook},
    {NFTA_CHAIN_POLICY, "policy", Type::kBe32},
    {NFTA_CHAIN_TYPE, "type", Type::kString},
    {NFTA_CHAIN_COUNTERS, "counters", Type::kNest, kNftCounter},
    {NFTA_CHAIN_FLAGS, "flags", Type::kBe32},
    {NFTA_CHAIN_ID, "id", Type::kBe32},
    {NFTA_CHAIN_USE, "use", Type::kBe32, Mode::kDecode},
    {NFTA_CHAIN_USERDATA, "userdata", Type::kBytes},
};

const Notice kChainNotices[] = {
    {&kNftEvents, nft_type(NFT_MSG_NEWCHAIN), nft_type(NFT_MSG_DELCHAIN)}};

}  // namespace

const Object kNftChain = {
    .name = "nft.chain",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWCHAIN),
              .del = nft_type(NFT_MSG_DELCHAIN),
              .get = nft_type(NFT_MSG_GETCHAIN),
              .destroy = nft_type(kNftDestroyChain)},
    .notices = kChainNotices,
};

}  // namespace vnet
