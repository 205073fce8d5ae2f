#include <linux/genetlink.h>

#include "objects.h"

namespace vnet {

const Field kGenericFields[2] = {{"command", 0, Type::kU8}, {"messageVersion", 1, Type::kU8}};

namespace {

const Attr kOperationAttrs[] = {
    {CTRL_ATTR_OP_ID, "id", Type::kU32},
    {CTRL_ATTR_OP_FLAGS, "flags", Type::kU32},
};
const Table kOperation(kOperationAttrs);

const Attr kGroupAttrs[] = {
    {CTRL_ATTR_MCAST_GRP_NAME, "name", Type::kString},
    {CTRL_ATTR_MCAST_GRP_ID, "id", Type::kU32},
};
const Table kGroup(kGroupAttrs);

const Attr kAttrs[] = {
    {CTRL_ATTR_FAMILY_ID, "id", Type::kU16},
    {CTRL_ATTR_FAMILY_NAME, "name", Type::kString},
    {CTRL_ATTR_VERSION, "version", Type::kU32, Mode::kDecode},
    {CTRL_ATTR_HDRSIZE, "headerSize", Type::kU32, Mode::kDecode},
    {CTRL_ATTR_MAXATTR, "maxAttribute", Type::kU32, Mode::kDecode},
    {CTRL_ATTR_OPS, "operations", Type::kList, kOperation, Mode::kDecode},
    {CTRL_ATTR_MCAST_GROUPS, "groups", Type::kList, kGroup, Mode::kDecode},
};

}  // namespace

const Object kGenericFamily = {
    .name = "genl.family",
    .family = kNlctrl,
    .body = {sizeof(genlmsghdr), kGenericFields, kAttrs},
    .types = {.get = CTRL_CMD_GETFAMILY},
};

}  // namespace vnet
