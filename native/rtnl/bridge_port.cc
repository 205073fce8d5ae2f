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
constexpr uint16_t kBackupNextHop = 44;

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
    {kBackupNextHop, "backupNextHop", Type::kU32},
    {IFLA_BRPORT_FLUSH, "flush", Type::kFlag, Mode::kEncode},
    {IFLA_BRPORT_ROOT_ID, "rootId", Type::kBytes, Mode::kDecode},
    {IFLA_BRPORT_BRIDGE_ID, "bridgeId", Type::kBytes, Mode::kDecode},
    {IFLA_BRPORT_DESIGNATED_PORT, "designatedPort", Type::kU16, Mode::kDecode},
    {IFLA_BRPORT_DESIGNATED_COST, "designatedCost", Type::kU16, Mode::kDecode},
    {IFLA_BRPORT_ID, "id", Type::kU16, Mode::kDecode},
    {IFLA_BRPORT_NO, "number", Type::kU16, Mode::kDecode},
    {IFLA_BRPORT_TOPOLOGY_CHANGE_ACK, "topologyChangeAck", Type::kU8, Mode::kDecode},
    {IFLA_BRPORT_CONFIG_PENDING, "configPending", Type::kU8, Mode::kDecode},
    {IFLA_BRPORT_MESSAGE_AGE_TIMER, "messageAgeTimer", Type::kU64, Mode::kDecode},
    {IFLA_BRPORT_FORWARD_DELAY_TIMER, "forwardDelayTimer", Type::kU64, Mode::kDecode},
    {IFLA_BRPORT_HOLD_TIMER, "holdTimer", Type::kU64, Mode::kDecode},
    {IFLA_BRPORT_MRP_RING_OPEN, "mrpRingOpen", Type::kU8, Mode::kDecode},
    {IFLA_BRPORT_MRP_IN_OPEN, "mrpInOpen", Type::kU8, Mode::kDecode},
    {IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, "multicastHostsLimit", Type::kU32},
    {IFLA_BRPORT_MCAST_EHT_HOSTS_CNT, "multicastHosts", Type::kU32, Mode::kDecode},
    {kMulticastGroups, "multicastGroups", Type::kU32, Mode::kDecode},
    {kMulticastGroupsMax, "multicastGroupsMax", Type::kU32},
    {IFLA_BRPORT_PAD, "pad", Type::kSkip},
};

// struct bridge_vlan_info
const Field kVlanFields[] = {{"flags", 0, Type::kU16}, {"id", 2, Type::kU16}};
const Struct kVlan = {sizeof(bridge_vlan_info), kVlanFields, {}};

const Attr kSpecAttrs[] = {
    {IFLA_BRIDGE_FLAGS, "flags", Type::kU16, Mode::kEncode},
    {IFLA_BRIDGE_MODE, "mode", Type::kU16, Mode::kEncode},
    Attr(IFLA_BRIDGE_VLAN_INFO, "vlans", Type::kStruct, kVlan).repeated(),
};
const Table kSpec(kSpecAttrs);

// struct ifinfomsg
const Field kPortFields[] = {{"family", 0, Type::kU8}, {"index", 4, Type::kLink}};

// IFLA_PROTINFO with NLA_F_NESTED holds IFLA_BRPORT_*; without the flag it is one state byte
// (net/bridge/br_netlink.c, br_setlink).
const Attr kPortLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ADDRESS, "mac", Type::kMac, Mode::kDecode},
    {IFLA_MTU, "mtu", Type::kU32, Mode::kDecode},
    {IFLA_OPERSTATE, "operState", Type::kU8, Mode::kDecode},
    {IFLA_LINK, "link", Type::kLink, Mode::kDecode},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_EXT_MASK, "extMask", Type::kU32, Mode::kEncode},
    {IFLA_PROTINFO, "port", Type::kNest, kBridgePortAttrs},
    {IFLA_AF_SPEC, "spec", Type::kNest, kSpec},
};

// Its timers run.
const char* const kPassing[] = {"port"};
constexpr EventKind kEvents{"bridgePort", &kRtnl, {RTNLGRP_LINK}};
const Notice kNotices[] = {{&kEvents, RTM_NEWLINK, RTM_DELLINK, Only::kBridge}};

const Kind kSlave[] = {{"bridge", kPortAttrs}};

}  // namespace

const Table kBridgePortAttrs(kPortAttrs);
const KindList kBridgeSlave = kSlave;

const Object kBridgePort = {
    .name = "bridgePort",
    .family = kRtnl,
    .body = {sizeof(ifinfomsg), kPortFields, kPortLinkAttrs},
    .types = {.set = RTM_SETLINK, .del = RTM_DELLINK, .get = RTM_GETLINK},
    .guard = Guard::kSecondLook,
    .passing = kPassing,
    .notices = kNotices,
};

}  // namespace vnet
