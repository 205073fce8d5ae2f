#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kFieldAttrs[] = {{NFTA_SET_FIELD_LEN, "length", Type::kBe32}};
const Table kField(kFieldAttrs);

const Attr kDescriptionAttrs[] = {
    {NFTA_SET_DESC_SIZE, "size", Type::kBe32},
    {NFTA_SET_DESC_CONCAT, "concat", Type::kList, &kField},
};
const Table kDescription(kDescriptionAttrs);

const Attr kAttrs[] = {
    {NFTA_SET_TABLE, "table", Type::kString},
    {NFTA_SET_NAME, "name", Type::kString},
    {NFTA_SET_FLAGS, "flags", Type::kBe32},
    {NFTA_SET_KEY_TYPE, "keyType", Type::kBe32},
    {NFTA_SET_KEY_LEN, "keyLength", Type::kBe32},
    {NFTA_SET_DATA_TYPE, "dataType", Type::kBe32},
    {NFTA_SET_DATA_LEN, "dataLength", Type::kBe32},
    {NFTA_SET_POLICY, "policy", Type::kBe32},
    {NFTA_SET_DESC, "description", Type::kNest, &kDescription},
    {NFTA_SET_ID, "id", Type::kBe32},
    {NFTA_SET_TIMEOUT, "timeout", Type::kBe64},
    {NFTA_SET_GC_INTERVAL, "gcInterval", Type::kBe32},
    {NFTA_SET_USERDATA, "userdata", Type::kBytes},
    {NFTA_SET_HANDLE, "handle", Type::kBe64},
};

const Attr kVerdictAttrs[] = {
    {NFTA_VERDICT_CODE, "code", Type::kBe32},
    {NFTA_VERDICT_CHAIN, "chain", Type::kString},
};
const Table kVerdict(kVerdictAttrs);

const Attr kDataAttrs[] = {
    {NFTA_DATA_VALUE, "value", Type::kBytes},
    {NFTA_DATA_VERDICT, "verdict", Type::kNest, &kVerdict},
};

}  // namespace

const Table kNftData(kDataAttrs);

namespace {

const Attr kElementAttrs[] = {
    {NFTA_SET_ELEM_KEY, "key", Type::kNest, &kNftData},
    {NFTA_SET_ELEM_KEY_END, "keyEnd", Type::kNest, &kNftData},
    {NFTA_SET_ELEM_DATA, "data", Type::kNest, &kNftData},
    {NFTA_SET_ELEM_FLAGS, "flags", Type::kBe32},
    {NFTA_SET_ELEM_TIMEOUT, "timeout", Type::kBe64},
    {NFTA_SET_ELEM_EXPIRATION, "expiration", Type::kBe64},
    {NFTA_SET_ELEM_USERDATA, "userdata", Type::kBytes},
};
const Table kElement(kElementAttrs);

const Attr kElementsAttrs[] = {
    {NFTA_SET_ELEM_LIST_TABLE, "table", Type::kString},
    {NFTA_SET_ELEM_LIST_SET, "set", Type::kString},
    {NFTA_SET_ELEM_LIST_ELEMENTS, "elements", Type::kList, &kElement},
    {NFTA_SET_ELEM_LIST_SET_ID, "setId", Type::kBe32},
};

}  // namespace

const Object kNftSet = {"nft.set",
                        4,
                        kNfFields,
                        1,
                        Table(kAttrs),
                        NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET,
                        0,
                        NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSET,
                        NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET};

const Object kNftElements = {"nft.elements",
                             4,
                             kNfFields,
                             1,
                             Table(kElementsAttrs),
                             NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM,
                             0,
                             NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM,
                             NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM};

}  // namespace vnet
