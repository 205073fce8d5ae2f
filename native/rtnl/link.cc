#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// IFLA_LINKINFO { IFLA_INFO_KIND "veth", IFLA_INFO_DATA { what the kind's table says } }.
void encode_link_info(const Attr& a, const Value& v, Encoder& e) {
  const Value* kind = v.get("kind");
  if (!kind || !kind->string()) return e.fail("needs a kind");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  e.out.attribute(IFLA_INFO_KIND, kind->string()->c_str(), kind->string()->size() + 1);
  if (const Value* data = v.get("data")) {
    const LinkKind* known = link_kind(*kind->string());
    e.path.emplace_back("data");
    size_t inner = e.out.begin_nest(IFLA_INFO_DATA | NLA_F_NESTED);
    e.attributes(known ? known->data : Table{}, *data);
    e.out.end_nest(inner);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_link_info(View v) {
  Map m;
  std::string kind;
  std::string slave;
  AttributeCursor c(v);
  while (c.next()) {
    std::string text(reinterpret_cast<const char*>(c.value.data),
                     strnlen(reinterpret_cast<const char*>(c.value.data), c.value.size));
    Map data;
    if (c.type == IFLA_INFO_KIND) {
      kind = text;
      m.emplace_back("kind", Value(text));
    } else if (c.type == IFLA_INFO_SLAVE_KIND) {
      slave = text;
      m.emplace_back("slaveKind", Value(text));
    } else if (c.type == IFLA_INFO_DATA) {
      const LinkKind* known = link_kind(kind);
      decode_attributes(known ? known->data : Table{}, c.value, data);
      m.emplace_back("data", Value(std::move(data)));
    } else if (c.type == IFLA_INFO_SLAVE_DATA) {
      decode_attributes(slave == "bridge" ? kBridgePortAttrs : Table{}, c.value, data);
      m.emplace_back("slaveData", Value(std::move(data)));
    }
  }
  return Value(std::move(m));
}

const Custom kLinkInfo = {encode_link_info, decode_link_info};

}  // namespace

// struct ifinfomsg
const Field kLinkFields[] = {{"family", 0, 1},
                             {"deviceType", 2, 2},
                             {"index", 4, 4, true},
                             {"flags", 8, 4},
                             {"change", 12, 4}};

const Attr kLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ADDRESS, "mac", Type::kMac},
    {IFLA_BROADCAST, "broadcast", Type::kMac, nullptr, nullptr, Mode::kDecode},
    {IFLA_PERM_ADDRESS, "permanentMac", Type::kMac, nullptr, nullptr, Mode::kDecode},
    {IFLA_MTU, "mtu", Type::kU32},
    {IFLA_LINK, "link", Type::kLink},
    {IFLA_LINK_NETNSID, "linkNetnsId", Type::kI32},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_TXQLEN, "txQueueLength", Type::kU32},
    {IFLA_OPERSTATE, "operState", Type::kU8},
    {IFLA_IFALIAS, "alias", Type::kString},
    {IFLA_GROUP, "group", Type::kU32},
    {IFLA_PROMISCUITY, "promiscuity", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_NUM_TX_QUEUES, "txQueues", Type::kU32},
    {IFLA_NUM_RX_QUEUES, "rxQueues", Type::kU32},
    {IFLA_NET_NS_FD, "netns", Type::kNetNs, nullptr, nullptr, Mode::kEncode},
    {IFLA_EXT_MASK, "extMask", Type::kU32, nullptr, nullptr, Mode::kEncode},
    {IFLA_LINKINFO, "info", Type::kCustom, nullptr, &kLinkInfo},
};

const Object kLink = {"link",      16,          kLinkFields, 5,          Table(kLinkAttrs),
                      RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK};

const LinkKind* link_kind(std::string_view name) {
  for (const LinkKind* kind : {&kVeth, &kBridge}) {
    if (name == kind->name) return kind;
  }
  return nullptr;
}

}  // namespace vnet
