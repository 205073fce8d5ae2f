// The rtnetlink objects, one file each, and the link kinds, one file each.
#pragma once

#include <linux/netlink.h>

#include <string>

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

// What the kernel is asked for instead of `args`. Without a mask it offers each link of a dump a
// page, and ends the dump without a word at one that needs more; with any mask it looks for the
// largest first (net/core/rtnetlink.c, rtnl_calcit).
Value dump_arguments(const Object& object, const Value& args);
// Whether an entry is one that a dump asks for, where the kernel does not look itself (see
// Socket::strict). References must have been put in place.
bool dump_selects(const Object& object, const Value& args, const Value& entry);
// What is wrong with a dump there whose entries do not tell enough to be looked through, or empty.
std::string needs_strict_dump(const Object& object, const Value& args);

}  // namespace vnet
