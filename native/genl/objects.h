// The objects of generic netlink, one file each.
#pragma once

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "../wire/object.h"

namespace vnet {

// The family that knows all others; its number is fixed (linux/genetlink.h).
inline constexpr Family kNlctrl{"nlctrl", NETLINK_GENERIC, 2, GENL_ID_CTRL};

// Its number is looked up by its name.
inline constexpr Family kEthtool{"ethtool", NETLINK_GENERIC, 1};

// struct genlmsghdr. Requests get command and version from the object's record.
extern const Field kGenericFields[2];
extern const Object kGenericFamily;     // what a family can do, and its number: CTRL_ATTR_*
extern const Object kEthtoolLinkState;  // whether there is a carrier: ETHTOOL_A_LINKSTATE_*

}  // namespace vnet
