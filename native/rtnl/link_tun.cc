#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

// Netlink reports tun and tap links; only /dev/net/tun can make one (drivers/net/tun.c,
// tun_validate), so that there is nothing to encode.
const Attr kTunAttrs[] = {
    {IFLA_TUN_OWNER, "owner", Type::kU32, Mode::kDecode},
    {IFLA_TUN_GROUP, "group", Type::kU32, Mode::kDecode},
    {IFLA_TUN_TYPE, "type", Type::kU8, Mode::kDecode},
    {IFLA_TUN_PI, "packetInformation", Type::kU8, Mode::kDecode},
    {IFLA_TUN_VNET_HDR, "vnetHeader", Type::kU8, Mode::kDecode},
    {IFLA_TUN_PERSIST, "persist", Type::kU8, Mode::kDecode},
    {IFLA_TUN_MULTI_QUEUE, "multiQueue", Type::kU8, Mode::kDecode},
    {IFLA_TUN_NUM_QUEUES, "queues", Type::kU32, Mode::kDecode},
    {IFLA_TUN_NUM_DISABLED_QUEUES, "disabledQueues", Type::kU32, Mode::kDecode},
};

const Kind kKinds[] = {{"tun", kTunAttrs}};

}  // namespace

const KindList kTunKinds = kKinds;

}  // namespace vnet
