#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "objects.h"

namespace vnet {

const Field kNfFields[1] = {{"family", 0, 1}};

namespace {

const Attr kAttrs[] = {
    {NFTA_TABLE_NAME, "name", Type::kString},
    {NFTA_TABLE_FLAGS, "flags", Type::kBe32},
    {NFTA_TABLE_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_TABLE_HANDLE, "handle", Type::kBe64},
    {NFTA_TABLE_USERDATA, "userdata", Type::kBytes},
};

const Attr kGenerationAttrs[] = {
    {NFTA_GEN_ID, "id", Type::kBe32},
    {NFTA_GEN_PROC_PID, "pid", Type::kBe32},
    {NFTA_GEN_PROC_NAME, "process", Type::kString},
};

constexpr uint16_t type(uint16_t message) { return NFNL_SUBSYS_NFTABLES << 8 | message; }

}  // namespace

const Object kNftTable = {"nft.table",
                          4,
                          kNfFields,
                          1,
                          Table(kAttrs),
                          type(NFT_MSG_NEWTABLE),
                          0,
                          type(NFT_MSG_DELTABLE),
                          type(NFT_MSG_GETTABLE)};

const Object kNftGeneration = {
    "nft.generation", 4, kNfFields, 1, Table(kGenerationAttrs), 0, 0, 0, type(NFT_MSG_GETGEN)};

}  // namespace vnet
