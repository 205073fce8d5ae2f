#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct rtgenmsg
const Field kFields[] = {{"family", 0, 1}};

const Attr kAttrs[] = {
    {NETNSA_NSID, "nsid", Type::kI32},
    {NETNSA_PID, "pid", Type::kU32, nullptr, nullptr, Mode::kEncode},
    {NETNSA_FD, "netns", Type::kNetNs, nullptr, nullptr, Mode::kEncode},
    {NETNSA_TARGET_NSID, "targetNsid", Type::kI32},
    {NETNSA_CURRENT_NSID, "currentNsid", Type::kI32, nullptr, nullptr, Mode::kDecode},
};

}  // namespace

// The number by which one namespace knows another (net/core/net_namespace.c).
const Object kNsid = {"nsid", sizeof(rtgenmsg), kFields,    1, Table(kAttrs), RTM_NEWNSID,
                      0,      RTM_DELNSID,      RTM_GETNSID};

}  // namespace vnet
