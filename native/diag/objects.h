// The objects of sock_diag, one file each.
#pragma once

#include <linux/netlink.h>

#include "../wire/object.h"

namespace vnet {

inline constexpr Family kSockDiag{"sock_diag", NETLINK_SOCK_DIAG};

extern const Object kInetSocket;  // TCP and UDP: linux/inet_diag.h

}  // namespace vnet
