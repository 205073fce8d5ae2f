#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "objects.h"

namespace vnet {

namespace {

// IFLA_LINKINFO { IFLA_INFO_KIND "veth", IFLA_INFO_DATA { what the kind's table says } }.
void encode_link_info(const Attr& a, const Value& v, Encoder& e) {
  const Value* kind = v.get("kind");
  if (!kind || !kind->string()) return e.fail("needs a kind");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  e.out.attribute(IFLA_INFO_KIND, kind->string()->c_str(), kind->string()->size() + 1);
  if (const Value* data = v.get("data")) {
    const LinkKind* known = link_kind(*kind->string());
    e.path.emplace_back("data");
    size_t inner = e.out.begin_nest(IFLA_INFO_DATA | NLA_F_NESTED);
    e.attributes(known ? known->data : Table{}, *data);
    e.out.end_nest(inner);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_link_info(View v) {
  Map m;
  std::string kind;
  std::string slave;
  AttributeCursor c(v);
  while (c.next()) {
    std::string text(reinterpret_cast<const char*>(c.value.data),
                     strnlen(reinterpret_cast<const char*>(c.value.data), c.value.size));
    Map data;
    if (c.type == IFLA_INFO_KIND) {
      kind = text;
      m.emplace_back("kind", Value(text));
    } else if (c.type == IFLA_INFO_SLAVE_KIND) {
      slave = text;
      m.emplace_back("slaveKind", Value(text));
    } else if (c.type == IFLA_INFO_DATA) {
      const LinkKind* known = link_kind(kind);
      decode_attributes(known ? known->data : Table{}, c.value, data);
      m.emplace_back("data", Value(std::move(data)));
    } else if (c.type == IFLA_INFO_SLAVE_DATA) {
      decode_attributes(slave == "bridge" ? kBridgePortAttrs : Table{}, c.value, data);
      m.emplace_back("slaveData", Value(std::move(data)));
    }
  }
  return Value(std::move(m));
}

// Which attribute of IFLA_LINKINFO, and of the kind's own data, lies at the offset.
std::string name_in_link_info(View v, size_t offset) {
  std::string kind;
  AttributeCursor c(v);
  while (c.next()) {
    std::string text(reinterpret_cast<const char*>(c.value.data),
                     strnlen(reinterpret_cast<const char*>(c.value.data), c.value.size));
    if (c.type == IFLA_INFO_KIND) kind = text;
    size_t inside = c.offset + sizeof(nlattr);
    if (offset < c.offset || offset >= inside + c.value.size) continue;
    if (c.type == IFLA_INFO_KIND) return "kind";
    if (c.type != IFLA_INFO_DATA) return {};
    const LinkKind* known = link_kind(kind);
    if (!known || offset < inside) return "data";
    std::string name = name_in(known->data, c.value, offset - inside);
    return name.empty() ? "data" : "data." + name;
  }
  return {};
}

const Custom kLinkInfo = {encode_link_info, decode_link_info, name_in_link_info};

// struct rtnl_link_stats64: u64 counters in this order; newer kernels add at the end.
const char* const kStatistics[] = {
    "rxPackets",      "txPackets",    "rxBytes",         "txBytes",       "rxErrors",
    "txErrors",       "rxDropped",    "txDropped",       "multicast",     "collisions",
    "rxLengthErrors", "rxOverErrors", "rxCrcErrors",     "rxFrameErrors", "rxFifoErrors",
    "rxMissedErrors", "txAborted",    "txCarrierErrors", "txFifoErrors",  "txHeartbeatErrors",
    "txWindowErrors", "rxCompressed", "txCompressed",    "rxNoHandler",   "rxOtherHostDropped"};

Value decode_statistics(View v) {
  Map m;
  uint64_t n = 0;
  size_t at = 0;
  for (const char* name : kStatistics) {
    if (!v.read(at, &n)) break;
    m.emplace_back(name, Value(static_cast<int64_t>(n)));
    at += sizeof n;
  }
  return Value(std::move(m));
}

void refuse(const Attr&, const Value&, Encoder& e) { e.fail("cannot be set"); }

const Custom kStats = {refuse, decode_statistics};

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

// IFLA_PROP_LIST: any number of IFLA_ALT_IFNAME.
void encode_names(const Attr& a, const Value& v, Encoder& e) {
  if (!v.list()) return e.fail("must be a list of names");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  for (const Value& name : *v.list()) {
    const std::string* text = name.string();
    if (!text || text->find('\0') != std::string::npos) {
      return e.fail("must hold texts without NUL bytes");
    }
    e.out.attribute(IFLA_ALT_IFNAME, text->c_str(), text->size() + 1);
  }
  e.out.end_nest(at);
}

Value decode_names(View v) {
  List names;
  AttributeCursor c(v);
  while (c.next()) {
    if (c.type != IFLA_ALT_IFNAME) continue;
    const char* text = reinterpret_cast<const char*>(c.value.data);
    names.emplace_back(std::string(text, strnlen(text, c.value.size)));
  }
  return Value(std::move(names));
}

const Custom kAltNames = {encode_names, decode_names};

// Nests that nearly every link has, and nearly always empty.
Value decode_seldom(View v) { return v.size ? Value(Bytes(v.data, v.data + v.size)) : Value(); }

const Custom kSeldom = {refuse, decode_seldom};

}  // namespace

// struct ifinfomsg
const Field kLinkFields[] = {{"family", 0, 1},
                             {"deviceType", 2, 2},
                             {"index", 4, 4, true},
                             {"flags", 8, 4},
                             {"change", 12, 4}};

const Attr kLinkAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ADDRESS, "mac", Type::kMac},
    {IFLA_BROADCAST, "broadcast", Type::kMac, nullptr, nullptr, Mode::kDecode},
    {IFLA_PERM_ADDRESS, "permanentMac", Type::kMac, nullptr, nullptr, Mode::kDecode},
    {IFLA_MTU, "mtu", Type::kU32},
    {IFLA_MIN_MTU, "minMtu", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_MAX_MTU, "maxMtu", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_LINK, "link", Type::kLink},
    {IFLA_LINK_NETNSID, "linkNetnsId", Type::kI32},
    {IFLA_NEW_NETNSID, "newNetnsId", Type::kI32, nullptr, nullptr, Mode::kDecode},
    {IFLA_NEW_IFINDEX, "newIndex", Type::kLink},
    {IFLA_TARGET_NETNSID, "targetNetnsId", Type::kI32},
    {IFLA_MASTER, "master", Type::kLink},
    {IFLA_TXQLEN, "txQueueLength", Type::kU32},
    {IFLA_OPERSTATE, "operState", Type::kU8},
    {IFLA_LINKMODE, "linkMode", Type::kU8},
    {IFLA_CARRIER, "carrier", Type::kU8},
    {IFLA_CARRIER_CHANGES, "carrierChanges", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_CARRIER_UP_COUNT, "carrierUpCount", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_CARRIER_DOWN_COUNT, "carrierDownCount", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_IFALIAS, "alias", Type::kString},
    {IFLA_ALT_IFNAME, "altName", Type::kString},
    {IFLA_PROP_LIST, "altNames", Type::kCustom, nullptr, &kAltNames},
    {IFLA_GROUP, "group", Type::kU32},
    {IFLA_PROMISCUITY, "promiscuity", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {kAllMulti, "allMulticast", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_PROTO_DOWN, "protocolDown", Type::kU8},
    {IFLA_QDISC, "qdisc", Type::kString, nullptr, nullptr, Mode::kDecode},
    {IFLA_NUM_TX_QUEUES, "txQueues", Type::kU32},
    {IFLA_NUM_RX_QUEUES, "rxQueues", Type::kU32},
    {IFLA_GSO_MAX_SEGS, "gsoMaxSegments", Type::kU32},
    {IFLA_GSO_MAX_SIZE, "gsoMaxSize", Type::kU32},
    {IFLA_GRO_MAX_SIZE, "groMaxSize", Type::kU32},
    {kGsoIpv4MaxSize, "gsoIpv4MaxSize", Type::kU32},
    {kGroIpv4MaxSize, "groIpv4MaxSize", Type::kU32},
    {kTsoMaxSize, "tsoMaxSize", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {kTsoMaxSegs, "tsoMaxSegments", Type::kU32, nullptr, nullptr, Mode::kDecode},
    {IFLA_PARENT_DEV_NAME, "parentDevice", Type::kString, nullptr, nullptr, Mode::kDecode},
    {IFLA_PARENT_DEV_BUS_NAME, "parentBus", Type::kString, nullptr, nullptr, Mode::kDecode},
    {IFLA_NET_NS_FD, "netns", Type::kNetNs, nullptr, nullptr, Mode::kEncode},
    {IFLA_EXT_MASK, "extMask", Type::kU32, nullptr, nullptr, Mode::kEncode},
    {IFLA_LINKINFO, "info", Type::kCustom, nullptr, &kLinkInfo},
    {IFLA_STATS64, "statistics", Type::kCustom, nullptr, &kStats},
    {IFLA_STATS, "stats", Type::kSkip},             // the same in 32 bits
    {IFLA_MAP, "map", Type::kSkip},                 // ISA memory and interrupt numbers
    {IFLA_AF_SPEC, "familySettings", Type::kSkip},  // sysctls tell it
    {IFLA_XDP, "xdp", Type::kNest, &kXdp, nullptr, Mode::kDecode},
    {kDevlinkPort, "devlinkPort", Type::kCustom, nullptr, &kSeldom},
    {kDpllPin, "dpllPin", Type::kCustom, nullptr, &kSeldom},
    {kMaxPacingOffloadHorizon, "maxPacingOffloadHorizon", Type::kU32, nullptr, nullptr,
     Mode::kDecode},
    {kNetnsImmutable, "netnsImmutable", Type::kU8, nullptr, nullptr, Mode::kDecode},
    {kHeadroom, "headroom", Type::kU16, nullptr, nullptr, Mode::kDecode},
    {kTailroom, "tailroom", Type::kU16, nullptr, nullptr, Mode::kDecode},
};

const Object kLink = {"link",      16,          kLinkFields, 5,          Table(kLinkAttrs),
                      RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK};

// What a link has any number of (rtnl_linkprop in net/core/rtnetlink.c): its other names.
const Attr kLinkPropertyAttrs[] = {
    {IFLA_IFNAME, "name", Type::kString},
    {IFLA_ALT_IFNAME, "altName", Type::kString},
    {IFLA_PROP_LIST, "altNames", Type::kCustom, nullptr, &kAltNames}};

const Object kLinkProperty = {"linkProperty",  16, kLinkFields,     5, Table(kLinkPropertyAttrs),
                              RTM_NEWLINKPROP, 0,  RTM_DELLINKPROP, 0};

const LinkKind* link_kind(std::string_view name) {
  for (const LinkKind* kind :
       {&kVeth, &kBridge, &kMacvlan, &kMacvtap, &kVxlan, &kVlan, &kIpvlan, &kVrf, &kTun}) {
    if (name == kind->name) return kind;
  }
  return nullptr;
}

}  // namespace vnet
