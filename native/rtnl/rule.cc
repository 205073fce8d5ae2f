#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct fib_rule_hdr; its table byte is RT_TABLE_UNSPEC for us, FRA_TABLE carries the number.
const Field kFields[] = {{"family", 0, 1}, {"toLength", 1, 1}, {"fromLength", 2, 1},
                         {"tos", 3, 1},    {"action", 7, 1},   {"flags", 8, 4}};

// struct fib_rule_port_range and fib_rule_uid_range: first and last, in host order.
const Field kPortFields[] = {{"first", 0, 2}, {"last", 2, 2}};
const Object kPortStruct = {"ports", 4, kPortFields, 2, Table(), 0, 0, 0, 0};
const Field kUidFields[] = {{"first", 0, 4}, {"last", 4, 4}};
const Object kUidStruct = {"uids", 8, kUidFields, 2, Table(), 0, 0, 0, 0};

template <const Object& kStruct>
void encode_range(const Attr& a, const Value& v, Encoder& e) {
  if (!v.map()) return e.fail("must be an object with first and last");
  size_t at = e.out.begin_nest(a.type);
  e.object(kStruct, v);
  e.out.end_nest(at);
}
template <const Object& kStruct>
Value decode_range(View v) {
  return decode_object(kStruct, v);
}

const Custom kPorts = {encode_range<kPortStruct>, decode_range<kPortStruct>};
const Custom kUids = {encode_range<kUidStruct>, decode_range<kUidStruct>};

const Attr kAttrs[] = {
    {FRA_DST, "to", Type::kAddress},
    {FRA_SRC, "from", Type::kAddress},
    {FRA_IIFNAME, "inLink", Type::kString},
    {FRA_OIFNAME, "outLink", Type::kString},
    {FRA_PRIORITY, "priority", Type::kU32},
    {FRA_TABLE, "table", Type::kU32},
    {FRA_GOTO, "goto", Type::kU32},
    {FRA_FWMARK, "mark", Type::kU32},
    {FRA_FWMASK, "mask", Type::kU32},
    {FRA_FLOW, "flow", Type::kU32},
    {FRA_TUN_ID, "tunnelId", Type::kBe64},
    {FRA_SUPPRESS_IFGROUP, "suppressGroup", Type::kI32},
    {FRA_SUPPRESS_PREFIXLEN, "suppressPrefixLength", Type::kI32},
    {FRA_L3MDEV, "l3mdev", Type::kU8},
    {FRA_UID_RANGE, "uids", Type::kCustom, nullptr, &kUids},
    {FRA_PROTOCOL, "protocol", Type::kU8},
    {FRA_IP_PROTO, "ipProtocol", Type::kU8},
    {FRA_SPORT_RANGE, "sourcePorts", Type::kCustom, nullptr, &kPorts},
    {FRA_DPORT_RANGE, "destinationPorts", Type::kCustom, nullptr, &kPorts},
};

}  // namespace

const Object kRule = {"rule",      12, kFields,     6,          Table(kAttrs),
                      RTM_NEWRULE, 0,  RTM_DELRULE, RTM_GETRULE};

}  // namespace vnet
