#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kVrfAttrs[] = {{IFLA_VRF_TABLE, "table", Type::kU32}};

const Kind kKinds[] = {{"vrf", kVrfAttrs}};

}  // namespace

const KindList kVrfKinds = kKinds;

}  // namespace vnet
