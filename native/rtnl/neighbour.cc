#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ndmsg
const Field kFields[] = {
    {"family", 0, 1}, {"link", 4, 4, true}, {"state", 8, 2}, {"flags", 10, 1}, {"type", 11, 1}};

// struct nda_cacheinfo: times since, in hundredths of a second (USER_HZ).
const Field kCacheFields[] = {{"confirmed", 0, 4}, {"used", 4, 4}, {"updated", 8, 4}};
const Object kCacheStruct = {"cache", 16, kCacheFields, 3, Table(), 0, 0, 0, 0};
Value decode_cache(View v) { return decode_object(kCacheStruct, v); }
void refuse(const Attr&, const Value&, Encoder& e) { e.fail("cannot be set"); }
const Custom kCache = {refuse, decode_cache};

const Attr kAttrs[] = {
    {NDA_DST, "address", Type::kAddress},
    {NDA_LLADDR, "mac", Type::kMac},
    {NDA_PROBES, "probes", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {NDA_VLAN, "vlan", Type::kU16},
    {NDA_MASTER, "master", Type::kLink},
    {NDA_PROTOCOL, "protocol", Type::kU8},
    {NDA_IFINDEX, "outLink", Type::kLink},
    {NDA_PORT, "port", Type::kBe16},
    {NDA_VNI, "vni", Type::kU32},
    {NDA_SRC_VNI, "sourceVni", Type::kU32},
    {NDA_LINK_NETNSID, "linkNetnsId", Type::kI32},
    {NDA_FLAGS_EXT, "extendedFlags", Type::kU32},
    {NDA_CACHEINFO, "cache", Type::kCustom, nullptr, &kCache},
};

}  // namespace

const Object kNeighbour = {"neighbour",  12, kFields,      5,           Table(kAttrs),
                           RTM_NEWNEIGH, 0,  RTM_DELNEIGH, RTM_GETNEIGH};

}  // namespace vnet
