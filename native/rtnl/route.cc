#include <arpa/inet.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstring>

#include "objects.h"

namespace vnet {

namespace {

// struct rtmsg; its table byte is RT_TABLE_UNSPEC for us, RTA_TABLE carries the number.
const Field kFields[] = {{"family", 0, Type::kU8},     {"toLength", 1, Type::kU8},
                         {"fromLength", 2, Type::kU8}, {"tos", 3, Type::kU8},
                         {"protocol", 5, Type::kU8},   {"scope", 6, Type::kU8},
                         {"type", 7, Type::kU8},       {"flags", 8, Type::kU32}};

const Attr kMetricAttrs[] = {
    {RTAX_LOCK, "lock", Type::kU32},
    {RTAX_RTTVAR, "rttVariance", Type::kU32},
    {RTAX_SSTHRESH, "slowStartThreshold", Type::kU32},
    {RTAX_CWND, "congestionWindow", Type::kU32},
    {RTAX_REORDERING, "reordering", Type::kU32},
    {RTAX_FEATURES, "features", Type::kU32},
    {RTAX_FASTOPEN_NO_COOKIE, "fastOpenNoCookie", Type::kU32},
    {RTAX_MTU, "mtu", Type::kU32},
    {RTAX_WINDOW, "window", Type::kU32},
    {RTAX_RTT, "rtt", Type::kU32},
    {RTAX_ADVMSS, "advmss", Type::kU32},
    {RTAX_HOPLIMIT, "hopLimit", Type::kU32},
    {RTAX_INITCWND, "initCwnd", Type::kU32},
    {RTAX_RTO_MIN, "rtoMin", Type::kU32},
    {RTAX_INITRWND, "initRwnd", Type::kU32},
    {RTAX_QUICKACK, "quickAck", Type::kU32},
};
const Table kMetrics(kMetricAttrs);

// struct rtvia: the family of the gateway, when it is not the route's, and its address.
void encode_via(const Attr& a, const Value& v, Encoder& e) {
  const std::string* text = v.string();
  uint8_t bytes[2 + 16];
  uint16_t family = text && text->find(':') != std::string::npos ? AF_INET6 : AF_INET;
  std::memcpy(bytes, &family, sizeof family);
  if (!text || inet_pton(family, text->c_str(), bytes + 2) != 1) {
    return e.fail("must be an IPv4 or IPv6 address");
  }
  e.out.attribute(a.type, bytes, family == AF_INET ? 6 : 18);
}

Value decode_via(View v) {
  View address = v.from(2);
  if (address.size != 4 && address.size != 16) return Value(Bytes(v.data, v.data + v.size));
  return Value(format_address(address));
}

const Custom kVia = {encode_via, decode_via};

const Attr kHopAttrs[] = {{RTA_GATEWAY, "via", Type::kAddress}, {RTA_VIA, "viaOther", kVia}};

// struct rtnexthop without its length, which comes last, and without the weight.
const Field kHopFields[] = {{"flags", 2, Type::kU8}, {"link", 4, Type::kLink}};
const Struct kHop = {sizeof(rtnexthop), kHopFields, kHopAttrs};

// RTA_MULTIPATH is a row of struct rtnexthop, each followed by its own attributes.
void encode_hops(const Attr& a, const Value& v, Encoder& e) {
  const List* list = v.list();
  if (!list) return e.fail("must be a list of next hops");
  size_t at = e.out.begin_nest(a.type);
  for (size_t i = 0; i < list->size() && !e.failed(); i++) {
    e.path.push_back(std::to_string(i));
    const Value& hop = (*list)[i];
    int64_t weight = hop.number("weight", 1);
    if (weight < 1 || weight > 256) return e.fail("weight must be an integer from 1 to 256");
    Map rest = hop.map() ? *hop.map() : Map{};
    std::erase_if(rest, [](const auto& member) { return member.first == "weight"; });
    size_t start = e.out.bytes().size();
    e.structure(kHop, Value(std::move(rest)));
    // rtnh_hops is the weight less one, so that a byte reaches 256.
    auto hops = static_cast<uint8_t>(weight - 1);
    e.out.patch(start + offsetof(rtnexthop, rtnh_hops), &hops, sizeof hops);
    auto length = static_cast<uint16_t>(e.out.bytes().size() - start);
    e.out.patch(start + offsetof(rtnexthop, rtnh_len), &length, sizeof length);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_hops(View v) {
  List out;
  rtnexthop h;
  while (v.read(0, &h) && h.rtnh_len >= sizeof h && h.rtnh_len <= v.size) {
    Map m;
    m.emplace_back("link", Value(int64_t{h.rtnh_ifindex}));
    m.emplace_back("weight", Value(int64_t{h.rtnh_hops} + 1));
    m.emplace_back("flags", Value(int64_t{h.rtnh_flags}));
    decode_attributes(kHopAttrs, {v.data + sizeof h, h.rtnh_len - sizeof h}, m);
    out.emplace_back(std::move(m));
    v = v.from(align4(h.rtnh_len));
  }
  return Value(std::move(out));
}

const Custom kHops = {encode_hops, decode_hops};

// struct rta_cacheinfo: only its third word tells what no other attribute does, the hundredths of
// a second (USER_HZ) until the route goes.
Value decode_expiry(View v) {
  int32_t ticks = 0;
  if (!v.read(8, &ticks) || ticks == 0) return Value();
  return Value(int64_t{ticks} / 100);
}

void refuse(const Attr&, const Value&, Encoder&) {}

const Custom kExpiry = {refuse, decode_expiry};

const Attr kAttrs[] = {
    {RTA_TABLE, "table", Type::kU32},
    {RTA_DST, "to", Type::kAddress},
    {RTA_SRC, "from", Type::kAddress},
    {RTA_GATEWAY, "via", Type::kAddress},
    {RTA_OIF, "link", Type::kLink},
    {RTA_IIF, "inLink", Type::kLink},
    {RTA_PREFSRC, "source", Type::kAddress},
    {RTA_PRIORITY, "priority", Type::kU32},
    {RTA_METRICS, "metrics", Type::kNest, kMetrics},
    {RTA_MULTIPATH, "hops", kHops},
    {RTA_PREF, "preference", Type::kU8},
    {RTA_FLOW, "flow", Type::kU32},
    {RTA_MARK, "mark", Type::kU32},
    {RTA_UID, "uid", Type::kU32},
    {RTA_TTL_PROPAGATE, "ttlPropagate", Type::kU8},
    {RTA_IP_PROTO, "ipProtocol", Type::kU8},
    {RTA_SPORT, "sourcePort", Type::kBe16},
    {RTA_DPORT, "destinationPort", Type::kBe16},
    {RTA_EXPIRES, "expires", Type::kU32},
    {RTA_NH_ID, "nextHopId", Type::kU32},
    {RTA_VIA, "viaOther", kVia},
    {RTA_CACHEINFO, "expires", kExpiry},
};

const Key kKeys[] = {{"family"}, {"toLength"}, {"tos"},  {"scope"},    {"protocol"}, {"type"},
                     {"table"},  {"to"},       {"link"}, {"priority"}, {"via"}};
const char* const kPassing[] = {"expires"};
constexpr EventKind kEvents{"route", &kRtnl, {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}};
const Notice kNotices[] = {{&kEvents, RTM_NEWROUTE, RTM_DELROUTE}};

}  // namespace

const Object kRoute = {
    .name = "route",
    .family = kRtnl,
    .body = {sizeof(rtmsg), kFields, kAttrs},
    .types = {.create = RTM_NEWROUTE, .del = RTM_DELROUTE, .get = RTM_GETROUTE},
    .guard = Guard::kRoutes,
    .passing = kPassing,
    .keys = kKeys,
    .notices = kNotices,
};

}  // namespace vnet
