#include <linux/ethtool_netlink.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kHeaderAttrs[] = {
    {ETHTOOL_A_HEADER_DEV_INDEX, "link", Type::kLink},
    {ETHTOOL_A_HEADER_DEV_NAME, "name", Type::kString},
    {ETHTOOL_A_HEADER_FLAGS, "flags", Type::kU32},
};
const Table kHeader(kHeaderAttrs);

// Newer than the headers of the oldest system that this builds on: linux/ethtool_netlink.h, enum
// that starts with ETHTOOL_A_LINKSTATE_UNSPEC.
constexpr uint16_t kTimesDown = 7;

const Attr kAttrs[] = {
    {ETHTOOL_A_LINKSTATE_HEADER, "header", Type::kNest, kHeader},
    {ETHTOOL_A_LINKSTATE_LINK, "detected", Type::kU8, Mode::kDecode},
    {ETHTOOL_A_LINKSTATE_SQI, "quality", Type::kU32, Mode::kDecode},
    {ETHTOOL_A_LINKSTATE_SQI_MAX, "qualityMax", Type::kU32, Mode::kDecode},
    {ETHTOOL_A_LINKSTATE_EXT_STATE, "reason", Type::kU8, Mode::kDecode},
    {ETHTOOL_A_LINKSTATE_EXT_SUBSTATE, "detail", Type::kU8, Mode::kDecode},
    {kTimesDown, "timesDown", Type::kU32, Mode::kDecode},
};

}  // namespace

const Object kEthtoolLinkState = {
    .name = "ethtool.linkState",
    .family = kEthtool,
    .body = {sizeof(genlmsghdr), kGenericFields, kAttrs},
    .types = {.get = ETHTOOL_MSG_LINKSTATE_GET},
    .since = "5.6",
};

}  // namespace vnet
