#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

// enum IFLA_MACVLAN_*. The list of source addresses (mode 16) stays as bytes.
const Attr kMacvlanAttrs[] = {
    {IFLA_MACVLAN_MODE, "mode", Type::kU32},
    {IFLA_MACVLAN_FLAGS, "flags", Type::kU16},
    {IFLA_MACVLAN_MACADDR_COUNT, "sourceCount", Type::kU32, Mode::kDecode},
    {IFLA_MACVLAN_BC_QUEUE_LEN, "broadcastQueueLength", Type::kU32},
    {IFLA_MACVLAN_BC_QUEUE_LEN_USED, "broadcastQueueUsed", Type::kU32, Mode::kDecode},
};

// A macvtap is a macvlan whose frames go to a character device (drivers/net/macvtap.c).
const Kind kKinds[] = {{"macvlan", kMacvlanAttrs}, {"macvtap", kMacvlanAttrs}};

}  // namespace

const KindList kMacvlanKinds = kKinds;

}  // namespace vnet
