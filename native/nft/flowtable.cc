// Flowtables, and what they share with chains: lists of devices.
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kDeviceAttrs[] = {{NFTA_DEVICE_NAME, "name", Type::kString}};

}  // namespace

const Table kNftDevices(kDeviceAttrs);

namespace {

const Attr kHookAttrs[] = {
    {NFTA_FLOWTABLE_HOOK_NUM, "number", Type::kBe32},
    {NFTA_FLOWTABLE_HOOK_PRIORITY, "priority", Type::kBeI32},
    {NFTA_FLOWTABLE_HOOK_DEVS, "devices", Type::kRow, kNftDevices},
};
const Table kHook(kHookAttrs);

const Attr kAttrs[] = {
    {NFTA_FLOWTABLE_TABLE, "table", Type::kString},
    {NFTA_FLOWTABLE_NAME, "name", Type::kString},
    {NFTA_FLOWTABLE_HOOK, "hook", Type::kNest, kHook},
    {NFTA_FLOWTABLE_USE, "use", Type::kBe32, Mode::kDecode},
    {NFTA_FLOWTABLE_HANDLE, "handle", Type::kBe64},
    {NFTA_FLOWTABLE_FLAGS, "flags", Type::kBe32},
};

const Notice kFlowtableNotices[] = {
    {&kNftEvents, nft_type(NFT_MSG_NEWFLOWTABLE), nft_type(NFT_MSG_DELFLOWTABLE)}};

}  // namespace

const Object kNftFlowtable = {
    .name = "nft.flowtable",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWFLOWTABLE),
              .del = nft_type(NFT_MSG_DELFLOWTABLE),
              .get = nft_type(NFT_MSG_GETFLOWTABLE),
              .destroy = nft_type(kNftDestroyFlowtable)},
    .notices = kFlowtableNotices,
};

}  // namespace vnet
