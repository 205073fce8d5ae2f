// The entries of conntrack.
#pragma once

#include <linux/netlink.h>

#include "../wire/object.h"

namespace vnet {

inline constexpr Family kCt{"conntrack", NETLINK_NETFILTER};

extern const Object kConntrack;  // linux/netfilter/nfnetlink_conntrack.h

// Which entries a list or a flush means. The filter in JavaScript's form:
// { family?, original?: side, reply?: side, mark?, markMask?, status?, statusMask?, zone? } with
// side { protocol?, source?, destination?, sourcePort?, destinationPort? }.
extern const Filter kConntrackFilter;

}  // namespace vnet
