// The rtnetlink objects, one file each, and the link kinds, one file each.
#pragma once

#include <linux/netlink.h>

#include "../wire/object.h"

namespace vnet {

extern const Object kLink;           // linux/if_link.h
extern const Object kLinkProperty;   // other names of a link: IFLA_PROP_LIST
extern const Object kBridgePort;     // AF_BRIDGE view of a link: IFLA_PROTINFO
extern const Object kAddressObject;  // linux/if_addr.h
extern const Object kRoute;          // linux/rtnetlink.h
extern const Object kNeighbour;      // linux/neighbour.h
extern const Object kNextHop;        // linux/nexthop.h
extern const Object kRule;           // linux/fib_rules.h
extern const Object kNsid;           // linux/net_namespace.h

inline constexpr Family kRtnl{"rtnetlink", NETLINK_ROUTE};

// What link kinds put into IFLA_INFO_DATA, a file for one or a few that are alike.
extern const KindList kVethKinds;
extern const KindList kBridgeKinds;
extern const KindList kMacvlanKinds;
extern const KindList kVxlanKinds;
extern const KindList kVlanKinds;
extern const KindList kIpvlanKinds;
extern const KindList kVrfKinds;
extern const KindList kTunKinds;

extern const Table kBridgePortAttrs;  // IFLA_BRPORT_*
extern const KindList kBridgeSlave;   // the same as IFLA_INFO_SLAVE_DATA

}  // namespace vnet
