#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

const Field kNfFields[1] = {{"family", 0, Type::kU8}};
const EventKind kNftEvents = {"nft", &kNft, {NFNLGRP_NFTABLES}, NFNL_SUBSYS_NFTABLES};

namespace {

const Attr kAttrs[] = {
    {NFTA_TABLE_NAME, "name", Type::kString},
    {NFTA_TABLE_FLAGS, "flags", Type::kBe32},
    {NFTA_TABLE_USE, "use", Type::kBe32, Mode::kDecode},
    {NFTA_TABLE_HANDLE, "handle", Type::kBe64},
    {NFTA_TABLE_USERDATA, "userdata", Type::kBytes},
    {NFTA_TABLE_OWNER, "owner", Type::kBe32, Mode::kDecode},
};

const Attr kGenerationAttrs[] = {
    {NFTA_GEN_ID, "id", Type::kBe32},
    {NFTA_GEN_PROC_PID, "pid", Type::kBe32},
    {NFTA_GEN_PROC_NAME, "process", Type::kString},
};

const Notice kTableNotices[] = {
    {&kNftEvents, nft_type(NFT_MSG_NEWTABLE), nft_type(NFT_MSG_DELTABLE)}};

const Notice kGenerationNotices[] = {{&kNftEvents, nft_type(NFT_MSG_NEWGEN)}};

}  // namespace

const Object kNftTable = {
    .name = "nft.table",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWTABLE),
              .del = nft_type(NFT_MSG_DELTABLE),
              .get = nft_type(NFT_MSG_GETTABLE),
              .destroy = nft_type(kNftDestroyTable)},
    .notices = kTableNotices,
};

// Closes the notifications of a transaction.
const Object kNftGeneration = {
    .name = "nft.generation",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kGenerationAttrs},
    .types = {.get = nft_type(NFT_MSG_GETGEN)},
    .notices = kGenerationNotices,
};

}  // namespace vnet
