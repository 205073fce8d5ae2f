#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct nhmsg
const Field kFields[] = {{"family", 0, Type::kU8},
                         {"scope", 1, Type::kU8},
                         {"protocol", 2, Type::kU8},
                         {"flags", 4, Type::kU32}};

// struct nexthop_grp; the weight is one less than it counts, so that a byte reaches 256.
const Field kMemberFields[] = {{"id", 0, Type::kU32}, {"weight", 4, Type::kU8}};
const Struct kMember = {sizeof(nexthop_grp), kMemberFields, {}};

// Attributes that are newer than the headers of the oldest system that this builds on: a resilient
// group (Linux 5.13). linux/nexthop.h, enums that start with NHA_UNSPEC and NHA_RES_GROUP_UNSPEC.
// Times are in hundredths of a second (USER_HZ).
constexpr uint16_t kResilient = 12;
constexpr uint16_t kOperationFlags = 14;
const Attr kResilientAttrs[] = {
    {1, "buckets", Type::kU16},
    {2, "idleTimer", Type::kU32},
    {3, "unbalancedTimer", Type::kU32},
    {4, "unbalancedTime", Type::kU64, Mode::kDecode},
};
const Table kResilientGroup(kResilientAttrs);

const Attr kAttrs[] = {
    {NHA_ID, "id", Type::kU32},
    {NHA_GROUP, "group", Type::kArray, kMember},
    {NHA_GROUP_TYPE, "groupType", Type::kU16},
    {NHA_BLACKHOLE, "blackhole", Type::kFlag},
    {NHA_OIF, "link", Type::kLink},
    {NHA_GATEWAY, "via", Type::kAddress},
    {NHA_FDB, "fdb", Type::kFlag},
    {NHA_GROUPS, "groups", Type::kFlag, Mode::kEncode},
    {NHA_MASTER, "master", Type::kLink, Mode::kEncode},
    {kResilient, "resilient", Type::kNest, kResilientGroup},
    {kOperationFlags, "operationFlags", Type::kU32},
};

constexpr EventKind kEvents{"nextHop", &kRtnl, {RTNLGRP_NEXTHOP}};
const Notice kNotices[] = {{&kEvents, RTM_NEWNEXTHOP, RTM_DELNEXTHOP}};

}  // namespace

const Object kNextHop = {
    .name = "nextHop",
    .family = kRtnl,
    .body = {sizeof(nhmsg), kFields, kAttrs},
    .types = {.create = RTM_NEWNEXTHOP, .del = RTM_DELNEXTHOP, .get = RTM_GETNEXTHOP},
    .notices = kNotices,
};

}  // namespace vnet
