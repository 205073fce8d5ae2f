#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

// enum IFLA_MACVLAN_*. The list of source addresses (mode 16) stays as bytes.
const Attr kMacvlanAttrs[] = {
    {IFLA_MACVLAN_MODE, "mode", Type::kU32},
    {IFLA_MACVLAN_FLAGS, "flags", Type::kU16},
    {IFLA_MACVLAN_MACADDR_COUNT, "sourceCount", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_MACVLAN_BC_QUEUE_LEN, "broadcastQueueLength", Type::kU32},
    {IFLA_MACVLAN_BC_QUEUE_LEN_USED, "broadcastQueueUsed", Type::kU32, nullptr, nullptr,
     Mode::kDecode},
};

}  // namespace

const LinkKind kMacvlan = {"macvlan", Table(kMacvlanAttrs)};
// A macvlan whose frames go to a character device: the same settings (drivers/net/macvtap.c).
const LinkKind kMacvtap = {"macvtap", Table(kMacvlanAttrs)};

}  // namespace vnet
