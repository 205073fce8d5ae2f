// Expressions that count, and the reference to a named object that does.
#include <linux/netfilter/nf_tables.h>

#include "../objects.h"

namespace vnet {

namespace {

const Attr kCounter[] = {
    {NFTA_COUNTER_BYTES, "bytes", Type::kBe64},
    {NFTA_COUNTER_PACKETS, "packets", Type::kBe64},
};
const Attr kLimit[] = {
    {NFTA_LIMIT_RATE, "rate", Type::kBe64},   {NFTA_LIMIT_UNIT, "unit", Type::kBe64},
    {NFTA_LIMIT_BURST, "burst", Type::kBe32}, {NFTA_LIMIT_TYPE, "type", Type::kBe32},
    {NFTA_LIMIT_FLAGS, "flags", Type::kBe32},
};
const Attr kQuota[] = {
    {NFTA_QUOTA_BYTES, "bytes", Type::kBe64},
    {NFTA_QUOTA_FLAGS, "flags", Type::kBe32},
    {NFTA_QUOTA_CONSUMED, "consumed", Type::kBe64},
};
const Attr kConnlimit[] = {
    {NFTA_CONNLIMIT_COUNT, "count", Type::kBe32},
    {NFTA_CONNLIMIT_FLAGS, "flags", Type::kBe32},
};
const Attr kLast[] = {
    {NFTA_LAST_SET, "set", Type::kBe32},
    {NFTA_LAST_MSECS, "milliseconds", Type::kBe64},
};
const Attr kObjref[] = {
    {NFTA_OBJREF_IMM_TYPE, "type", Type::kBe32}, {NFTA_OBJREF_IMM_NAME, "name", Type::kString},
    {NFTA_OBJREF_SET_SREG, "sreg", Type::kBe32}, {NFTA_OBJREF_SET_NAME, "set", Type::kString},
    {NFTA_OBJREF_SET_ID, "setId", Type::kBe32},
};

const Kind kAll[] = {
    {"counter", kCounter},     {"limit", kLimit}, {"quota", kQuota},
    {"connlimit", kConnlimit}, {"last", kLast},   {"objref", kObjref},
};

const Attr kCtHelper[] = {
    {NFTA_CT_HELPER_NAME, "name", Type::kString},
    {NFTA_CT_HELPER_L3PROTO, "family", Type::kBe16},
    {NFTA_CT_HELPER_L4PROTO, "protocol", Type::kU8},
};

const Kind kObjectKinds[] = {
    {"counter", kCounter, NFT_OBJECT_COUNTER},
    {"quota", kQuota, NFT_OBJECT_QUOTA},
    {"ctHelper", kCtHelper, NFT_OBJECT_CT_HELPER},
    {"limit", kLimit, NFT_OBJECT_LIMIT},
};
constexpr KindList kObjectList = kObjectKinds;
const KindList* const kObjectLists[] = {&kObjectList};
// { counter: {…} }, or { raw: bytes } for a type that has no table here.
const Kinds kObjectData = {.selector = "type", .lists = kObjectLists, .named = true, .raw = "raw"};

const Attr kAttrs[] = {
    {NFTA_OBJ_TABLE, "table", Type::kString},
    {NFTA_OBJ_NAME, "name", Type::kString},
    {NFTA_OBJ_TYPE, "type", Type::kBe32},
    {NFTA_OBJ_DATA, "data", kObjectData},
    {NFTA_OBJ_USE, "use", Type::kBe32, Mode::kDecode},
    {NFTA_OBJ_HANDLE, "handle", Type::kBe64},
    {NFTA_OBJ_USERDATA, "userdata", Type::kBytes},
};

const Notice kObjectNotices[] = {{&kNftEvents, nft_type(NFT_MSG_NEWOBJ), nft_type(NFT_MSG_DELOBJ)}};

}  // namespace

const Table kNftCounter(kCounter);
const KindList kNftStateful = kAll;

const Object kNftObject = {
    .name = "nft.object",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWOBJ),
              .del = nft_type(NFT_MSG_DELOBJ),
              .get = nft_type(NFT_MSG_GETOBJ),
              .destroy = nft_type(kNftDestroyObject),
              .reset = nft_type(NFT_MSG_GETOBJ_RESET)},
    .notices = kObjectNotices,
};

}  // namespace vnet
