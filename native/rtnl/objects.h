// The rtnetlink objects, one file each, and the link kinds, one file each.
#pragma once

#include <string>
#include <string_view>

#include "../wire/schema.h"

namespace vnet {

extern const Object kLink;           // linux/if_link.h
extern const Object kLinkProperty;   // other names of a link: IFLA_PROP_LIST
extern const Object kBridgePort;     // AF_BRIDGE view of a link: IFLA_PROTINFO
extern const Object kAddressObject;  // linux/if_addr.h
extern const Object kRoute;          // linux/rtnetlink.h
extern const Object kNeighbour;      // linux/neighbour.h
extern const Object kRule;           // linux/fib_rules.h
extern const Object kNsid;           // linux/net_namespace.h

// What a link kind puts into IFLA_INFO_DATA.
struct LinkKind {
  const char* name;
  Table data;
};
extern const LinkKind kVeth;
extern const LinkKind kBridge;
extern const LinkKind kMacvlan;
extern const LinkKind kMacvtap;
extern const LinkKind kVxlan;
extern const LinkKind kVlan;
extern const LinkKind kIpvlan;
extern const LinkKind kVrf;
extern const LinkKind kTun;
extern const Table kBridgePortAttrs;

const LinkKind* link_kind(std::string_view name);

// What the kernel is asked for instead of `args`. Without a mask it offers each link of a dump a
// page, and ends the dump without a word at one that needs more; with any mask it looks for the
// largest first (net/core/rtnetlink.c, rtnl_calcit).
Value dump_arguments(const Object& object, const Value& args);
// Whether an entry is one that a dump asks for, where the kernel does not look itself (see
// Socket::strict). References must have been put in place.
bool dump_selects(const Object& object, const Value& args, const Value& entry);
// What is wrong with a dump there whose entries do not tell enough to be looked through, or empty.
std::string needs_strict_dump(const Object& object, const Value& args);

// What `flush` needs: whether an entry of a dump is one of those that the filter means, and the
// arguments that delete it.
bool flush_selects(const Value& filter, const Value& entry);
Value flush_arguments(const Object& object, const Value& entry);

}  // namespace vnet
