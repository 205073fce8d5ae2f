#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

const Field kNfFields[2] = {{"family", 0, 1}, {"version", 1, 1}};

namespace {

const Attr kAttrs[] = {
    {NFTA_TABLE_NAME, "name", Type::kString},
    {NFTA_TABLE_FLAGS, "flags", Type::kBe32},
    {NFTA_TABLE_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_TABLE_HANDLE, "handle", Type::kBe64},
    {NFTA_TABLE_USERDATA, "userdata", Type::kBytes},
    {NFTA_TABLE_OWNER, "owner", Type::kBe32, nullptr, nullptr, Mode::kDecode},
};

const Attr kGenerationAttrs[] = {
    {NFTA_GEN_ID, "id", Type::kBe32},
    {NFTA_GEN_PROC_PID, "pid", Type::kBe32},
    {NFTA_GEN_PROC_NAME, "process", Type::kString},
};

}  // namespace

const Object kNftTable = {"nft.table",
                          4,
                          kNfFields,
                          1,
                          Table(kAttrs),
                          nft_type(NFT_MSG_NEWTABLE),
                          0,
                          nft_type(NFT_MSG_DELTABLE),
                          nft_type(NFT_MSG_GETTABLE),
                          nft_type(kNftDestroyTable)};

const Object kNftGeneration = {
    "nft.generation", 4, kNfFields, 1, Table(kGenerationAttrs), 0, 0, 0, nft_type(NFT_MSG_GETGEN)};

}  // namespace vnet
