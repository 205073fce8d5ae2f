#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct rtgenmsg
const Field kFields[] = {{"family", 0, Type::kU8}};

const Attr kAttrs[] = {
    {NETNSA_NSID, "nsid", Type::kI32},
    {NETNSA_PID, "pid", Type::kU32, Mode::kEncode},
    {NETNSA_FD, "netns", Type::kNetNs, Mode::kEncode},
    {NETNSA_TARGET_NSID, "targetNsid", Type::kI32},
    {NETNSA_CURRENT_NSID, "currentNsid", Type::kI32, Mode::kDecode},
};

constexpr EventKind kEvents{"nsid", &kRtnl, {RTNLGRP_NSID}};
const Notice kNotices[] = {{&kEvents, RTM_NEWNSID, RTM_DELNSID}};

}  // namespace

// The number by which one namespace knows another (net/core/net_namespace.c).
const Object kNsid = {
    .name = "nsid",
    .family = kRtnl,
    .body = {sizeof(rtgenmsg), kFields, kAttrs},
    .types = {.create = RTM_NEWNSID, .del = RTM_DELNSID, .get = RTM_GETNSID},
    .guard = Guard::kSecondLook,
    .notices = kNotices,
};

}  // namespace vnet
