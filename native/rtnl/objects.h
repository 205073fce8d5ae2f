// The rtnetlink objects, one file each, and the link kinds, one file each.
#pragma once

#include <string_view>

#include "../wire/schema.h"

namespace vnet {

extern const Object kLink;           // linux/if_link.h
extern const Object kBridgePort;     // AF_BRIDGE view of a link: IFLA_PROTINFO
extern const Object kAddressObject;  // linux/if_addr.h
extern const Object kRoute;          // linux/rtnetlink.h
extern const Object kNeighbour;      // linux/neighbour.h
extern const Object kNsid;           // linux/net_namespace.h

// What a link kind puts into IFLA_INFO_DATA.
struct LinkKind {
  const char* name;
  Table data;
};
extern const LinkKind kVeth;
extern const LinkKind kBridge;
extern const Table kBridgePortAttrs;

const LinkKind* link_kind(std::string_view name);

}  // namespace vnet
