#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ndmsg
const Field kFields[] = {{"family", 0, Type::kU8},
                         {"link", 4, Type::kLink},
                         {"state", 8, Type::kU16},
                         {"flags", 10, Type::kU8},
                         {"type", 11, Type::kU8}};

// struct nda_cacheinfo: times since, in hundredths of a second (USER_HZ).
const Field kCacheFields[] = {
    {"confirmed", 0, Type::kU32}, {"used", 4, Type::kU32}, {"updated", 8, Type::kU32}};
const Struct kCache = {sizeof(nda_cacheinfo), kCacheFields, {}};

const Attr kAttrs[] = {
    {NDA_DST, "address", Type::kAddress},
    {NDA_LLADDR, "mac", Type::kMac},
    {NDA_PROBES, "probes", Type::kU32, Mode::kDecode},
    {NDA_VLAN, "vlan", Type::kU16},
    {NDA_MASTER, "master", Type::kLink},
    {NDA_PROTOCOL, "protocol", Type::kU8},
    {NDA_IFINDEX, "outLink", Type::kLink},
    {NDA_PORT, "port", Type::kBe16},
    {NDA_VNI, "vni", Type::kU32},
    {NDA_SRC_VNI, "sourceVni", Type::kU32},
    {NDA_LINK_NETNSID, "linkNetnsId", Type::kI32},
    {NDA_FLAGS_EXT, "extendedFlags", Type::kU32},
    {NDA_CACHEINFO, "cache", Type::kStruct, kCache, Mode::kDecode},
};

// Of the flags those that tell proxies and the entries of a bridge's or link's own table.
const Key kKeys[] = {{"family"},
                     {"link"},
                     {"address"},
                     {"mac"},
                     {"vlan"},
                     {"vni"},
                     {"flags", NTF_PROXY | NTF_SELF | NTF_MASTER}};
// "outLink" only narrows the dump.
const Alias kAliases[] = {{"outLink", "link"}};
const char* const kPassing[] = {"cache", "state", "probes"};
constexpr EventKind kEvents{"neighbour", &kRtnl, {RTNLGRP_NEIGH}};
constexpr EventKind kFdbEvents{"fdb", &kRtnl, {RTNLGRP_NEIGH}};
const Notice kNotices[] = {{&kEvents, RTM_NEWNEIGH, RTM_DELNEIGH, Only::kNotBridge},
                           {&kFdbEvents, RTM_NEWNEIGH, RTM_DELNEIGH, Only::kBridge}};

}  // namespace

// Neighbours and forwarding tables have no count of changes at all (net/core/neighbour.c,
// net/bridge/br_fdb.c).
const Object kNeighbour = {
    .name = "neighbour",
    .family = kRtnl,
    .body = {sizeof(ndmsg), kFields, kAttrs},
    .types = {.create = RTM_NEWNEIGH, .del = RTM_DELNEIGH, .get = RTM_GETNEIGH},
    .guard = Guard::kSecondLook,
    .passing = kPassing,
    .keys = kKeys,
    .aliases = kAliases,
    .notices = kNotices,
};

}  // namespace vnet
