#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kFieldAttrs[] = {{NFTA_SET_FIELD_LEN, "length", Type::kBe32}};
const Table kField(kFieldAttrs);

const Attr kDescriptionAttrs[] = {
    {NFTA_SET_DESC_SIZE, "size", Type::kBe32},
    {NFTA_SET_DESC_CONCAT, "concat", Type::kList, kField},
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
    {NFTA_SET_DESC, "description", Type::kNest, kDescription},
    {NFTA_SET_ID, "id", Type::kBe32},
    {NFTA_SET_TIMEOUT, "timeout", Type::kBe64},
    {NFTA_SET_GC_INTERVAL, "gcInterval", Type::kBe32},
    {NFTA_SET_USERDATA, "userdata", Type::kBytes},
    // Later than the headers here: NFTA_SET_TYPE (the data structure), NFTA_SET_COUNT.
    {19, "backend", Type::kString, Mode::kDecode},
    {20, "count", Type::kBe32, Mode::kDecode},
    {NFTA_SET_OBJ_TYPE, "objectType", Type::kBe32},
    {NFTA_SET_HANDLE, "handle", Type::kBe64},
    {NFTA_SET_EXPR, "expr", Type::kNest, kNftExpression},
    {NFTA_SET_EXPRESSIONS, "expressions", Type::kList, kNftExpression},
};

const Attr kVerdictAttrs[] = {
    {NFTA_VERDICT_CODE, "code", Type::kBe32},
    {NFTA_VERDICT_CHAIN, "chain", Type::kString},
    {NFTA_VERDICT_CHAIN_ID, "chainId", Type::kBe32},
};
const Table kVerdict(kVerdictAttrs);

const Attr kDataAttrs[] = {
    {NFTA_DATA_VALUE, "value", Type::kBytes},
    {NFTA_DATA_VERDICT, "verdict", Type::kNest, kVerdict},
};

}  // namespace

const Table kNftData(kDataAttrs);

namespace {

const Attr kElementAttrs[] = {
    {NFTA_SET_ELEM_KEY, "key", Type::kNest, kNftData},
    {NFTA_SET_ELEM_KEY_END, "keyEnd", Type::kNest, kNftData},
    {NFTA_SET_ELEM_DATA, "data", Type::kNest, kNftData},
    {NFTA_SET_ELEM_FLAGS, "flags", Type::kBe32},
    {NFTA_SET_ELEM_TIMEOUT, "timeout", Type::kBe64},
    {NFTA_SET_ELEM_EXPIRATION, "expiration", Type::kBe64},
    {NFTA_SET_ELEM_USERDATA, "userdata", Type::kBytes},
    {NFTA_SET_ELEM_EXPR, "expr", Type::kNest, kNftExpression},
    {NFTA_SET_ELEM_OBJREF, "object", Type::kString},
    {NFTA_SET_ELEM_EXPRESSIONS, "expressions", Type::kList, kNftExpression},
};
const Table kElement(kElementAttrs);

// Many elements at once without an object for each. { count, keyLength, keys } and, where there
// are such: { dataLength, data }, { flags } one byte an element, { userdata } for each element a
// byte of length and so many bytes. An element with the flag "interval end" has no data.
struct Packed {
  int64_t count = 0;
  size_t key_length = 0;
  size_t data_length = 0;
  const Bytes* keys = nullptr;
  const Bytes* data = nullptr;
  const Bytes* flags = nullptr;
  const Bytes* userdata = nullptr;
};

const Bytes* bytes_of(const Value& v, std::string_view key) {
  const Value* member = v.get(key);
  return member ? member->bytes() : nullptr;
}

bool read_packed(const Value& v, Packed* p) {
  constexpr int64_t kMost = Writer::kMaxAttribute;
  p->count = v.number("count", -1);
  int64_t key = v.number("keyLength", 0);
  int64_t data = v.number("dataLength", 0);
  if (p->count < 0 || p->count > kMost || key < 1 || key > kMost || data < 0 || data > kMost) {
    return false;
  }
  auto count = static_cast<size_t>(p->count);
  p->key_length = static_cast<size_t>(key);
  p->data_length = static_cast<size_t>(data);
  p->keys = bytes_of(v, "keys");
  p->data = bytes_of(v, "data");
  p->flags = bytes_of(v, "flags");
  p->userdata = bytes_of(v, "userdata");
  if (!p->keys || p->keys->size() != count * p->key_length) return false;
  if (data ? !p->data || p->data->size() != count * p->data_length : p->data != nullptr) {
    return false;
  }
  return !p->flags || p->flags->size() == count;
}

void put_value(Writer& out, uint16_t type, const uint8_t* from, size_t size) {
  size_t at = out.begin_nest(static_cast<uint16_t>(type | NLA_F_NESTED));
  out.attribute(NFTA_DATA_VALUE, from, size);
  out.end_nest(at);
}

void encode_packed(const Attr& a, const Value& v, Encoder& e) {
  Packed p;
  if (!read_packed(v, &p)) return e.fail("must hold count, keyLength and as many bytes");
  size_t list = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  size_t user = 0;
  for (size_t i = 0; i < static_cast<size_t>(p.count); i++) {
    size_t element = e.out.begin_nest(NFTA_LIST_ELEM | NLA_F_NESTED);
    uint8_t flags = p.flags ? (*p.flags)[i] : 0;
    if (flags) e.out.scalar<uint32_t>(NFTA_SET_ELEM_FLAGS, htobe32(flags));
    put_value(e.out, NFTA_SET_ELEM_KEY, p.keys->data() + i * p.key_length, p.key_length);
    if (p.data && !(flags & NFT_SET_ELEM_INTERVAL_END)) {
      put_value(e.out, NFTA_SET_ELEM_DATA, p.data->data() + i * p.data_length, p.data_length);
    }
    if (p.userdata) {
      size_t size = user < p.userdata->size() ? (*p.userdata)[user] : SIZE_MAX;
      if (size > p.userdata->size() - user) return e.fail("userdata ends too early");
      if (size) e.out.attribute(NFTA_SET_ELEM_USERDATA, p.userdata->data() + user + 1, size);
      user += 1 + size;
    }
    e.out.end_nest(element);
  }
  e.out.end_nest(list);
}

const Custom kPacked = {encode_packed, nullptr};

const Attr kElementsAttrs[] = {
    {NFTA_SET_ELEM_LIST_TABLE, "table", Type::kString},
    {NFTA_SET_ELEM_LIST_SET, "set", Type::kString},
    {NFTA_SET_ELEM_LIST_ELEMENTS, "elements", Type::kList, kElement},
    {NFTA_SET_ELEM_LIST_ELEMENTS, "packed", kPacked, Mode::kEncode},
    {NFTA_SET_ELEM_LIST_SET_ID, "setId", Type::kBe32},
};

const Notice kSetNotices[] = {{&kNftEvents, nft_type(NFT_MSG_NEWSET), nft_type(NFT_MSG_DELSET)}};

const Notice kElementsNotices[] = {
    {&kNftEvents, nft_type(NFT_MSG_NEWSETELEM), nft_type(NFT_MSG_DELSETELEM)}};

}  // namespace

const Object kNftSet = {
    .name = "nft.set",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWSET),
              .del = nft_type(NFT_MSG_DELSET),
              .get = nft_type(NFT_MSG_GETSET),
              .destroy = nft_type(kNftDestroySet)},
    .notices = kSetNotices,
};

// The number of the ruleset goes up when a transaction commits, but its elements join their set
// before that, and leave it after (net/netfilter/nf_tables_api.c).
const Object kNftElements = {
    .name = "nft.elements",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kElementsAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWSETELEM),
              .del = nft_type(NFT_MSG_DELSETELEM),
              .get = nft_type(NFT_MSG_GETSETELEM),
              .destroy = nft_type(kNftDestroyElements)},
    .guard = Guard::kGeneration,
    .notices = kElementsNotices,
};

}  // namespace vnet
