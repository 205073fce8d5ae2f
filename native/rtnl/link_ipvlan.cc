#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kIpvlanAttrs[] = {{IFLA_IPVLAN_MODE, "mode", Type::kU16},
                             {IFLA_IPVLAN_FLAGS, "flags", Type::kU16}};

const Kind kKinds[] = {{"ipvlan", kIpvlanAttrs}};

}  // namespace

const KindList kIpvlanKinds = kKinds;

}  // namespace vnet
