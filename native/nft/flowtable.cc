// Flowtables, and what they share with chains: lists of devices, and signed priorities.
#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

void encode_priority(const Attr& a, const Value& v, Encoder& e) {
  const int64_t* i = v.integer();
  if (!i || *i < INT32_MIN || *i > INT32_MAX) return e.fail("must be a 32-bit integer");
  e.out.scalar<uint32_t>(a.type, htobe32(static_cast<uint32_t>(*i)));
}
Value decode_priority(View v) {
  uint32_t n = 0;
  v.read(0, &n);
  return Value(int64_t{static_cast<int32_t>(be32toh(n))});
}

void encode_devices(const Attr& a, const Value& v, Encoder& e) {
  const List* list = v.list();
  if (!list) return e.fail("must be a list of interface names");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  for (const Value& name : *list) {
    if (!name.string()) return e.fail("must be a list of interface names");
    e.out.attribute(NFTA_DEVICE_NAME, name.string()->c_str(), name.string()->size() + 1);
  }
  e.out.end_nest(at);
}
Value decode_devices(View v) {
  List out;
  AttributeCursor c(v);
  while (c.next()) {
    const char* text = reinterpret_cast<const char*>(c.value.data);
    out.emplace_back(std::string(text, strnlen(text, c.value.size)));
  }
  return Value(std::move(out));
}

}  // namespace

const Custom kNftPriority = {encode_priority, decode_priority};
const Custom kNftDevices = {encode_devices, decode_devices};

namespace {

const Attr kHookAttrs[] = {
    {NFTA_FLOWTABLE_HOOK_NUM, "number", Type::kBe32},
    {NFTA_FLOWTABLE_HOOK_PRIORITY, "priority", Type::kCustom, nullptr, &kNftPriority},
    {NFTA_FLOWTABLE_HOOK_DEVS, "devices", Type::kCustom, nullptr, &kNftDevices},
};
const Table kHook(kHookAttrs);

const Attr kAttrs[] = {
    {NFTA_FLOWTABLE_TABLE, "table", Type::kString},
    {NFTA_FLOWTABLE_NAME, "name", Type::kString},
    {NFTA_FLOWTABLE_HOOK, "hook", Type::kNest, &kHook},
    {NFTA_FLOWTABLE_USE, "use", Type::kBe32, nullptr, nullptr, Mode::kDecode},
    {NFTA_FLOWTABLE_HANDLE, "handle", Type::kBe64},
    {NFTA_FLOWTABLE_FLAGS, "flags", Type::kBe32},
};

}  // namespace

const Object kNftFlowtable = {"nft.flowtable",
                              4,
                              kNfFields,
                              1,
                              Table(kAttrs),
                              nft_type(NFT_MSG_NEWFLOWTABLE),
                              0,
                              nft_type(NFT_MSG_DELFLOWTABLE),
                              nft_type(NFT_MSG_GETFLOWTABLE),
                              nft_type(kNftDestroyFlowtable)};

}  // namespace vnet
