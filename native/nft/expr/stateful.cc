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

const NftNamed kAll[] = {
    {"counter", Table(kCounter)},     {"limit", Table(kLimit)}, {"quota", Table(kQuota)},
    {"connlimit", Table(kConnlimit)}, {"last", Table(kLast)},   {"objref", Table(kObjref)},
};

const Attr kCtHelper[] = {
    {NFTA_CT_HELPER_NAME, "name", Type::kString},
    {NFTA_CT_HELPER_L3PROTO, "family", Type::kBe16},
    {NFTA_CT_HELPER_L4PROTO, "protocol", Type::kU8},
};

// By NFT_OBJECT_*.
const NftNamed kObjects[] = {
    {"", Table()},
    {"counter", Table(kCounter)},
    {"quota", Table(kQuota)},
    {"ctHelper", Table(kCtHelper)},
    {"limit", Table(kLimit)},
};
constexpr size_t kObjectTypes = sizeof kObjects / sizeof kObjects[0];

// { counter: {…} }, or { raw: bytes } for a type that has no table here.
void encode_object_data(const Attr& a, const Value& v, Encoder& e) {
  const Map* map = v.map();
  if (!map || map->size() != 1) return e.fail("must hold one member, such as counter");
  const auto& [name, data] = map->front();
  if (name == "raw" && data.bytes()) {
    return e.out.attribute(a.type, data.bytes()->data(), data.bytes()->size());
  }
  for (size_t i = 1; i < kObjectTypes; i++) {
    if (name != kObjects[i].name) continue;
    size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
    e.path.push_back(name);
    e.attributes(kObjects[i].data, data);
    e.path.pop_back();
    return e.out.end_nest(at);
  }
  e.fail("holds no known kind of object");
}

Value decode_object_data(View v, const Map& siblings) {
  int64_t type = 0;
  for (const auto& [name, value] : siblings) {
    if (name == "type" && value.integer()) type = *value.integer();
  }
  Map out;
  if (type > 0 && static_cast<size_t>(type) < kObjectTypes) {
    Map data;
    decode_attributes(kObjects[type].data, v, data);
    out.emplace_back(kObjects[type].name, Value(std::move(data)));
  } else {
    out.emplace_back("raw", Value(Bytes(v.data, v.data + v.size)));
  }
  return Value(std::move(out));
}

const Custom kObjectData = {encode_object_data, nullptr, nullptr, decode_object_data};

const Attr kAttrs[] = {
    {NFTA_OBJ_TABLE, "table", Type::kString},
    {NFTA_OBJ_NAME, "name", Type::kString},
    {NFTA_OBJ_TYPE, "type", Type::kBe32},
    {NFTA_OBJ_DATA, "data", Type::kCustom, nullptr, &kObjectData},
    {NFTA_OBJ_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_OBJ_HANDLE, "handle", Type::kBe64},
    {NFTA_OBJ_USERDATA, "userdata", Type::kBytes},
};

}  // namespace

const Table kNftCounter(kCounter);
const NftNamedList kNftStateful = {kAll, sizeof kAll / sizeof kAll[0]};

const Object kNftObject = {"nft.object",
                           4,
                           kNfFields,
                           1,
                           Table(kAttrs),
                           nft_type(NFT_MSG_NEWOBJ),
                           0,
                           nft_type(NFT_MSG_DELOBJ),
                           nft_type(NFT_MSG_GETOBJ),
                           nft_type(kNftDestroyObject),
                           nft_type(NFT_MSG_GETOBJ_RESET)};

}  // namespace vnet
