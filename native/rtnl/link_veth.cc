#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "objects.h"

namespace vnet {

namespace {

// VETH_INFO_PEER { struct ifinfomsg, IFLA_* }: a message in an attribute, so no NLA_F_NESTED.
void encode_peer(const Attr& a, const Value& v, Encoder& e) {
  size_t at = e.out.begin_nest(a.type);
  e.object(kLink, v);
  e.out.end_nest(at);
}

Value decode_peer(View v) { return decode_object(kLink, v); }

std::string name_in_peer(View v, size_t offset) { return attribute_name(kLink, v, offset); }

const Custom kPeer = {encode_peer, decode_peer, name_in_peer};

const Attr kVethAttrs[] = {{VETH_INFO_PEER, "peer", Type::kCustom, nullptr, &kPeer}};

}  // namespace

const LinkKind kVeth = {"veth", Table(kVethAttrs)};

}  // namespace vnet
