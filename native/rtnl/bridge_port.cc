#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// Attributes that are newer than the headers of the oldest system that this builds on.
// linux/if_link.h, enum that starts with IFLA_BRPORT_UNSPEC.
constexpr uint16_t kMacAuthBypass = 40;
constexpr uint16_t kMulticastGroups = 41;
constexpr uint16_t kMulticastGroupsMax = 42;
constexpr uint16_t kNeighbourVlanSuppress = 43;

const Attr kPortAttrs[] = {
    {IFLA_BRPORT_STATE, "state", Type::kU8},
    {IFLA_BRPORT_PRIORITY, "priority", Type::kU16},
    {IFLA_BRPORT_COST, "cost", Type::kU32},
    {IFLA_BRPORT_MODE, "hairpin", Type::kU8},
    {IFLA_BRPORT_GUARD, "guard", Type::kU8},
    {IFLA_BRPORT_PROTECT, "rootBlock", Type::kU8},
    {IFLA_BRPORT_FAST_LEAVE, "fastLeave", Type::kU8},
    {IFLA_BRPORT_LEARNING, "learning", Type::kU8},
    {IFLA_BRPORT_LEARNING_SYNC, "learningSync", Type::kU8},
    {IFLA_BRPORT_UNICAST_FLOOD, "flood", Type::kU8},
    {IFLA_BRPORT_MCAST_FLOOD, "multicastFlood", Type::kU8},
    {IFLA_BRPORT_BCAST_FLOOD, "broadcastFlood", Type::kU8},
    {IFLA_BRPORT_MCAST_TO_UCAST, "multicastToUnicast", Type::kU8},
    {IFLA_BRPORT_MULTICAST_ROUTER, "multicastRouter", Type::kU8},
    {IFLA_BRPORT_PROXYARP, "proxyArp", Type::kU8},
    {IFLA_BRPORT_PROXYARP_WIFI, "proxyArpWifi", Type::kU8},
    {IFLA_BRPORT_NEIGH_SUPPRESS, "neighbourSuppress", Type::kU8},
    {kNeighbourVlanSuppress, "neighbourVlanSuppress", Type::kU8},
    {IFLA_BRPORT_ISOLATED, "isolated", Type::kU8},
    {IFLA_BRPORT_LOCKED, "locked", Type::kU8},
    {kMacAuthBypass, "macAuthBypass", Type::kU8},
    {IFLA_BRPORT_VLAN_TUNNEL, "vlanTunnel", Type::kU8},
    {IFLA_BRPORT_GROUP_FWD_MASK, "groupForwardMask", Type::kU16},
    {IFLA_BRPORT_BACKUP_PORT, "backupPort", Type::kLink},
    {IFLA_BRPORT_FLUSH, "flush", Type::kFlag, nullptr, nullptr, Mode::kEncode},
    {IFLA_BRPORT_ROOT_ID, "rootId", Type::kBytes, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_BRIDGE_ID, "bridgeId", Type::kBytes, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_DESIGNATED_PORT, "designatedPort", Type::kU16, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_DESIGNATED_COST, "designatedCost", Type::kU16, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_ID, "id", Type::kU16, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_NO, "number", Type::kU16, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_TOPOLOGY_CHANGE_ACK, "topologyChangeAck", Type::kU8, nullptr, nullptr,
     Mode::kDecode},
    {IFLA_BRPORT_CONFIG_PENDING, "configPending", Type::kU8, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_MESSAGE_AGE_TIMER, "messageAgeTimer", Type::kU64, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_FORWARD_DELAY_TIMER, "forwardDelayTimer", Type::kU64, nullptr, nullptr,
     Mode::kDecode},
    {IFLA_BRPORT_HOLD_TIMER, "holdTimer", Type::kU64, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_MRP_RING_OPEN, "mrpRingOpen", Type::kU8, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_MRP_IN_OPEN, "mrpInOpen", Type::kU8, nullptr, nullptr, Mode::kDecode},
    {IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, "multicastHostsLimit", Type::kU32},
    {IFLA_BRPORT_MCAST_EHT_HOSTS_CNT, "multicastHosts", Type::kU32, nullptr, nullptr,
     Mode::kDecode},
    {kMulticastGroups, "multicastGroups", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {kMulticastGroupsMax, "multicastGroupsMax", Type::kU32},
    {IFLA_BRPORT_PAD, "pad", Type::kSkip},
};

// struct bridge_vlan_info
const Field kVlanFields[] = {{"flags", 0, 2}, {"id", 2, 2}};
const Object kVlanStruct = {"vlan", 4, kVlanFields, 2, Table(), 0, 0, 0, 0};

const Attr kSpecAttrs[] = {{IFLA_BRIDGE_FLAGS, "flags", Type::kU16},
                           {IFLA_BRIDGE_MODE, "mode", Type::kU16}};

// IFLA_AF_SPEC { IFLA_BRIDGE_FLAGS, IFLA_BRIDGE_MODE, any number of IFLA_BRIDGE_VLAN_INFO }
void encode_spec(const Attr& a, const Value& v, Encoder& e) {
  const Map* map = v.map();
  if (!map) return e.fail("must be an object");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  Map rest = *map;
  std::erase_if(rest, [](const auto& member) { return member.first == "vlans"; });
  e.attributes(Table(kSpecAttrs), Value(std::move(rest)));
  const Value* vlans = v.get("vlans");
  if (vlans && !vlans->list()) return e.fail("vlans must be a list");
  for (size_t i = 0; vlans && i < vlans->list()->size() && !e.failed(); i++) {
    e.path.push_back("vlans." + std::to_string(i));
    size_t one = e.out.begin_nest(IFLA_BRIDGE_VLAN_INFO);
    e.object(kVlanStruct, (*vlans->list())[i]);
    e.out.end_nest(one);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_spec(View v) {
  Map m;
  List vlans;
  AttributeCursor c(v);
  while (c.next()) {
    if (c.type == IFLA_BRIDGE_VLAN_INFO) vlans.push_back(decode_object(kVlanStruct, c.value));
  }
  m.emplace_back("vlans", Value(std::move(vlans)));
  return Value(std::move(m));
}

std::string name_in_spec(View v, size_t offset) {
  AttributeCursor c(v);
  size_t vlan = 0;
  while (c.next()) {
    bool here = offset >= c.offset && offset < c.offset + sizeof(nlattr) + c.value.size;
    if (c.type == IFLA_BRIDGE_VLAN_INFO) {
      if (here) return "vlans." + std::to_string(vlan);
      vlan++;
    } else if (here) {
      return name_in(Table(kSpecAttrs), v, offset);
    }
  }
  return {};
}

const Custom kSpec = {encode_spec, decode_spec, name_in_spec};

// struct ifinfomsg
const Field kPortFields[] = {{"family", 0, 1}, {"index", 4, 4, true}};

// IFLA_PROTINFO with NLA_F_NESTED holds IFLA_BRPORT_*; without the flag it is one state byte
// (net/bridge/br_netlink.c, br_setlink).
const Attr kPortLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ADDRESS, "mac", Type::kMac, nullptr, nullptr, Mode::kDecode},
    {IFLA_MTU, "mtu", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_OPERSTATE, "operState", Type::kU8, nullptr, nullptr, Mode::kDecode},
    {IFLA_LINK, "link", Type::kLink, nullptr, nullptr, Mode::kDecode},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_EXT_MASK, "extMask", Type::kU32, nullptr, nullptr, Mode::kEncode},
    {IFLA_PROTINFO, "port", Type::kNest, &kBridgePortAttrs},
    {IFLA_AF_SPEC, "spec", Type::kCustom, nullptr, &kSpec},
};

}  // namespace

const Table kBridgePortAttrs(kPortAttrs);

const Object kBridgePort = {"bridgePort", 16,          kPortFields, 2, Table(kPortLinkAttrs), 0,
                            RTM_SETLINK,  RTM_DELLINK, RTM_GETLINK};

}  // namespace vnet
