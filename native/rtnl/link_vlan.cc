#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ifla_vlan_flags: the bits, and which of them to change; we change all that we know.
constexpr uint32_t kKnownFlags = 0x1f;

void encode_flags(const Attr& a, const Value& v, Encoder& e) {
  const int64_t* bits = v.integer();
  if (!bits || *bits < 0 || *bits > kKnownFlags) return e.fail("must be an integer from 0 to 31");
  uint32_t flags[2] = {static_cast<uint32_t>(*bits), kKnownFlags};
  e.out.attribute(a.type, flags, sizeof flags);
}

Value decode_flags(View v) {
  uint32_t bits = 0;
  if (!v.read(0, &bits)) return Value();
  return Value(int64_t{bits});
}

const Custom kFlags = {encode_flags, decode_flags};

const Attr kVlanAttrs[] = {
    {IFLA_VLAN_ID, "id", Type::kU16},
    {IFLA_VLAN_PROTOCOL, "protocol", Type::kBe16},
    {IFLA_VLAN_FLAGS, "flags", kFlags},
};

const Kind kKinds[] = {{"vlan", kVlanAttrs}};

}  // namespace

const KindList kVlanKinds = kKinds;

}  // namespace vnet
