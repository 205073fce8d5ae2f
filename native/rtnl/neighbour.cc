#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ndmsg
const Field kFields[] = {
    {"family", 0, 1}, {"link", 4, 4, true}, {"state", 8, 2}, {"flags", 10, 1}, {"type", 11, 1}};

const Attr kAttrs[] = {
    {NDA_DST, "address", Type::kAddress},
    {NDA_LLADDR, "mac", Type::kMac},
    {NDA_PROBES, "probes", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {NDA_VLAN, "vlan", Type::kU16},
    {NDA_MASTER, "master", Type::kLink},
    {NDA_PROTOCOL, "protocol", Type::kU8},
    {NDA_CACHEINFO, "cache", Type::kBytes, nullptr, nullptr, Mode::kDecode},
};

}  // namespace

const Object kNeighbour = {"neighbour",  12, kFields,      5,           Table(kAttrs),
                           RTM_NEWNEIGH, 0,  RTM_DELNEIGH, RTM_GETNEIGH};

}  // namespace vnet
