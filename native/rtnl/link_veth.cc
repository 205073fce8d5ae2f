#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "objects.h"

namespace vnet {

namespace {

// VETH_INFO_PEER { struct ifinfomsg, IFLA_* }: a message in an attribute.
const Attr kVethAttrs[] = {{VETH_INFO_PEER, "peer", Type::kStruct, kLink.body}};

const Kind kKinds[] = {{"veth", kVethAttrs}};

}  // namespace

const KindList kVethKinds = kKinds;

}  // namespace vnet
