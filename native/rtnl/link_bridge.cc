#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kBridgeAttrs[] = {
    {IFLA_BR_FORWARD_DELAY, "forwardDelay", Type::kU32},
    {IFLA_BR_HELLO_TIME, "helloTime", Type::kU32},
    {IFLA_BR_MAX_AGE, "maxAge", Type::kU32},
    {IFLA_BR_AGEING_TIME, "ageingTime", Type::kU32},
    {IFLA_BR_STP_STATE, "stp", Type::kU32},
    {IFLA_BR_PRIORITY, "priority", Type::kU16},
    {IFLA_BR_VLAN_FILTERING, "vlanFiltering", Type::kU8},
    {IFLA_BR_MCAST_SNOOPING, "multicastSnooping", Type::kU8},
};

}  // namespace

const LinkKind kBridge = {"bridge", Table(kBridgeAttrs)};

const Attr kPortAttrs[] = {
    {IFLA_BRPORT_STATE, "state", Type::kU8},
    {IFLA_BRPORT_PRIORITY, "priority", Type::kU16},
    {IFLA_BRPORT_COST, "cost", Type::kU32},
    {IFLA_BRPORT_MODE, "hairpin", Type::kU8},
    {IFLA_BRPORT_GUARD, "guard", Type::kU8},
    {IFLA_BRPORT_FAST_LEAVE, "fastLeave", Type::kU8},
    {IFLA_BRPORT_LEARNING, "learning", Type::kU8},
    {IFLA_BRPORT_UNICAST_FLOOD, "flood", Type::kU8},
    {IFLA_BRPORT_PROXYARP, "proxyArp", Type::kU8},
    {IFLA_BRPORT_ISOLATED, "isolated", Type::kU8},
    {IFLA_BRPORT_NEIGH_SUPPRESS, "neighbourSuppress", Type::kU8},
};
const Table kBridgePortAttrs(kPortAttrs);

namespace {

const Field kPortFields[] = {{"family", 0, 1}, {"index", 4, 4, true}};

// IFLA_PROTINFO with NLA_F_NESTED holds IFLA_BRPORT_*; without the flag it is one state byte
// (net/bridge/br_netlink.c, br_setlink).
const Attr kPortLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_PROTINFO, "port", Type::kNest, &kBridgePortAttrs},
};

}  // namespace

const Object kBridgePort = {"bridgePort", 16, kPortFields, 2, Table(kPortLinkAttrs), 0,
                            RTM_SETLINK,  0,  RTM_GETLINK};

}  // namespace vnet
