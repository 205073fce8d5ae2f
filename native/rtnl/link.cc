#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "objects.h"

namespace vnet {

namespace {

const KindList* const kKindLists[] = {&kVethKinds, &kBridgeKinds, &kMacvlanKinds, &kVxlanKinds,
                                      &kVlanKinds, &kIpvlanKinds, &kVrfKinds,     &kTunKinds};
const KindList* const kSlaveLists[] = {&kBridgeSlave};
const Kinds kData = {.selector = "kind", .lists = kKindLists};
const Kinds kSlaveData = {.selector = "slaveKind", .lists = kSlaveLists};

// The kind of a link and its settings; the same of what it is a port of, which only the kernel
// tells here.
const Attr kInfoAttrs[] = {
    {IFLA_INFO_KIND, "kind", Type::kString},
    {IFLA_INFO_DATA, "data", kData},
    {IFLA_INFO_SLAVE_KIND, "slaveKind", Type::kString, Mode::kDecode},
    {IFLA_INFO_SLAVE_DATA, "slaveData", kSlaveData, Mode::kDecode},
    {IFLA_INFO_XSTATS, "statistics", Type::kBytes, Mode::kDecode},
};
const Table kInfo(kInfoAttrs, "kind");

// struct rtnl_link_stats64: u64 counters in this order; newer kernels add at the end.
const Field kStatisticsFields[] = {{"rxPackets", 0, Type::kU64},
                                   {"txPackets", 8, Type::kU64},
                                   {"rxBytes", 16, Type::kU64},
                                   {"txBytes", 24, Type::kU64},
                                   {"rxErrors", 32, Type::kU64},
                                   {"txErrors", 40, Type::kU64},
                                   {"rxDropped", 48, Type::kU64},
                                   {"txDropped", 56, Type::kU64},
                                   {"multicast", 64, Type::kU64},
                                   {"collisions", 72, Type::kU64},
                                   {"rxLengthErrors", 80, Type::kU64},
                                   {"rxOverErrors", 88, Type::kU64},
                                   {"rxCrcErrors", 96, Type::kU64},
                                   {"rxFrameErrors", 104, Type::kU64},
                                   {"rxFifoErrors", 112, Type::kU64},
                                   {"rxMissedErrors", 120, Type::kU64},
                                   {"txAborted", 128, Type::kU64},
                                   {"txCarrierErrors", 136, Type::kU64},
                                   {"txFifoErrors", 144, Type::kU64},
                                   {"txHeartbeatErrors", 152, Type::kU64},
                                   {"txWindowErrors", 160, Type::kU64},
                                   {"rxCompressed", 168, Type::kU64},
                                   {"txCompressed", 176, Type::kU64},
                                   {"rxNoHandler", 184, Type::kU64},
                                   {"rxOtherHostDropped", 192, Type::kU64}};
const Struct kStatistics = {sizeof(uint64_t) * 25, kStatisticsFields, {}};

const Attr kXdpAttrs[] = {{IFLA_XDP_ATTACHED, "attached", Type::kU8},
                          {IFLA_XDP_PROG_ID, "program", Type::kU32}};
const Table kXdp(kXdpAttrs);

// Attributes that are newer than the headers of the oldest system that this builds on.
// linux/if_link.h, enum that starts with IFLA_UNSPEC.
constexpr uint16_t kTsoMaxSize = 59;
constexpr uint16_t kTsoMaxSegs = 60;
constexpr uint16_t kAllMulti = 61;
constexpr uint16_t kGsoIpv4MaxSize = 63;
constexpr uint16_t kGroIpv4MaxSize = 64;
constexpr uint16_t kDevlinkPort = 62;
constexpr uint16_t kDpllPin = 65;
constexpr uint16_t kMaxPacingOffloadHorizon = 66;
constexpr uint16_t kNetnsImmutable = 67;
constexpr uint16_t kHeadroom = 68;
constexpr uint16_t kTailroom = 69;

const Attr kNameAttrs[] = {{IFLA_ALT_IFNAME, "name", Type::kString}};
const Table kNames(kNameAttrs);

// Nests that nearly every link has, and nearly always empty.
Value decode_seldom(View v) { return v.size ? Value(Bytes(v.data, v.data + v.size)) : Value(); }

void refuse(const Attr&, const Value&, Encoder& e) { e.fail("cannot be set"); }

const Custom kSeldom = {refuse, decode_seldom};

// struct ifinfomsg
const Field kLinkFields[] = {{"family", 0, Type::kU8},
                             {"deviceType", 2, Type::kU16},
                             {"index", 4, Type::kLink},
                             {"flags", 8, Type::kU32},
                             {"change", 12, Type::kU32}};

const Attr kLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ADDRESS, "mac", Type::kMac},
    {IFLA_BROADCAST, "broadcast", Type::kMac, Mode::kDecode},
    {IFLA_PERM_ADDRESS, "permanentMac", Type::kMac, Mode::kDecode},
    {IFLA_MTU, "mtu", Type::kU32},
    {IFLA_MIN_MTU, "minMtu", Type::kU32, Mode::kDecode},
    {IFLA_MAX_MTU, "maxMtu", Type::kU32, Mode::kDecode},
    {IFLA_LINK, "link", Type::kLink},
    {IFLA_LINK_NETNSID, "linkNetnsId", Type::kI32},
    {IFLA_NEW_NETNSID, "newNetnsId", Type::kI32, Mode::kDecode},
    {IFLA_NEW_IFINDEX, "newIndex", Type::kLink},
    {IFLA_TARGET_NETNSID, "targetNetnsId", Type::kI32},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_TXQLEN, "txQueueLength", Type::kU32},
    {IFLA_OPERSTATE, "operState", Type::kU8},
    {IFLA_LINKMODE, "linkMode", Type::kU8},
    {IFLA_CARRIER, "carrier", Type::kU8},
    {IFLA_CARRIER_CHANGES, "carrierChanges", Type::kU32, Mode::kDecode},
    {IFLA_CARRIER_UP_COUNT, "carrierUpCount", Type::kU32, Mode::kDecode},
    {IFLA_CARRIER_DOWN_COUNT, "carrierDownCount", Type::kU32, Mode::kDecode},
    {IFLA_IFALIAS, "alias", Type::kString},
    {IFLA_ALT_IFNAME, "altName", Type::kString},
    {IFLA_PROP_LIST, "altNames", Type::kRow, kNames},
    {IFLA_GROUP, "group", Type::kU32},
    {IFLA_PROMISCUITY, "promiscuity", Type::kU32, Mode::kDecode},
    {kAllMulti, "allMulticast", Type::kU32, Mode::kDecode},
    {IFLA_PHYS_PORT_ID, "physicalPortId", Type::kBytes, Mode::kDecode},
    {IFLA_PHYS_SWITCH_ID, "physicalSwitchId", Type::kBytes, Mode::kDecode},
    {IFLA_PHYS_PORT_NAME, "physicalPortName", Type::kString, Mode::kDecode},
    {IFLA_PROTO_DOWN, "protocolDown", Type::kU8},
    {IFLA_QDISC, "qdisc", Type::kString, Mode::kDecode},
    {IFLA_NUM_TX_QUEUES, "txQueues", Type::kU32},
    {IFLA_NUM_RX_QUEUES, "rxQueues", Type::kU32},
    {IFLA_GSO_MAX_SEGS, "gsoMaxSegments", Type::kU32},
    {IFLA_GSO_MAX_SIZE, "gsoMaxSize", Type::kU32},
    {IFLA_GRO_MAX_SIZE, "groMaxSize", Type::kU32},
    {kGsoIpv4MaxSize, "gsoIpv4MaxSize", Type::kU32},
    {kGroIpv4MaxSize, "groIpv4MaxSize", Type::kU32},
    {kTsoMaxSize, "tsoMaxSize", Type::kU32, Mode::kDecode},
    {kTsoMaxSegs, "tsoMaxSegments", Type::kU32, Mode::kDecode},
    {IFLA_PARENT_DEV_NAME, "parentDevice", Type::kString, Mode::kDecode},
    {IFLA_PARENT_DEV_BUS_NAME, "parentBus", Type::kString, Mode::kDecode},
    {IFLA_NET_NS_FD, "netns", Type::kNetNs, Mode::kEncode},
    {IFLA_EXT_MASK, "extMask", Type::kU32, Mode::kEncode},
    {IFLA_LINKINFO, "info", Type::kNest, kInfo},
    {IFLA_STATS64, "statistics", Type::kStruct, kStatistics, Mode::kDecode},
    {IFLA_STATS, "stats", Type::kSkip},             // the same in 32 bits
    {IFLA_MAP, "map", Type::kSkip},                 // ISA memory and interrupt numbers
    {IFLA_AF_SPEC, "familySettings", Type::kSkip},  // sysctls tell it
    {IFLA_XDP, "xdp", Type::kNest, kXdp, Mode::kDecode},
    {kDevlinkPort, "devlinkPort", kSeldom},
    {kDpllPin, "dpllPin", kSeldom},
    {kMaxPacingOffloadHorizon, "maxPacingOffloadHorizon", Type::kU32, Mode::kDecode},
    {kNetnsImmutable, "netnsImmutable", Type::kU8, Mode::kDecode},
    {kHeadroom, "headroom", Type::kU16, Mode::kDecode},
    {kTailroom, "tailroom", Type::kU16, Mode::kDecode},
};

// What a link has any number of (rtnl_linkprop in net/core/rtnetlink.c): its other names.
const Attr kPropertyAttrs[] = {{IFLA_IFNAME, "name", Type::kString},
                               {IFLA_ALT_IFNAME, "altName", Type::kString},
                               {IFLA_PROP_LIST, "altNames", Type::kRow, kNames}};

constexpr EventKind kEvents{"link", &kRtnl, {RTNLGRP_LINK}};
const Notice kNotices[] = {{&kEvents, RTM_NEWLINK, RTM_DELLINK, Only::kNotBridge}};

}  // namespace

const Object kLink = {
    .name = "link",
    .family = kRtnl,
    .body = {sizeof(ifinfomsg), kLinkFields, kLinkAttrs},
    .types = {.create = RTM_NEWLINK, .set = RTM_SETLINK, .del = RTM_DELLINK, .get = RTM_GETLINK},
    .makes_link = true,
    // The kernel sends the 25 counters of a link whatever this bit says (it leaves out those of
    // IPv6); who set it does not want them read.
    .unwanted = {"extMask", RTEXT_FILTER_SKIP_STATS, IFLA_STATS64},
    .notices = kNotices,
};

const Object kLinkProperty = {
    .name = "linkProperty",
    .family = kRtnl,
    .body = {sizeof(ifinfomsg), kLinkFields, kPropertyAttrs},
    .types = {.create = RTM_NEWLINKPROP, .del = RTM_DELLINKPROP},
    .since = "5.5",
};

}  // namespace vnet
