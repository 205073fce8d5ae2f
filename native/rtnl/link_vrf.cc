#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kVrfAttrs[] = {{IFLA_VRF_TABLE, "table", Type::kU32}};

}  // namespace

const LinkKind kVrf = {"vrf", Table(kVrfAttrs)};

}  // namespace vnet
