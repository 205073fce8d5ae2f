#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct fib_rule_hdr; its table byte is RT_TABLE_UNSPEC for us, FRA_TABLE carries the number.
const Field kFields[] = {{"family", 0, Type::kU8},     {"toLength", 1, Type::kU8},
                         {"fromLength", 2, Type::kU8}, {"tos", 3, Type::kU8},
                         {"action", 7, Type::kU8},     {"flags", 8, Type::kU32}};

// struct fib_rule_port_range and fib_rule_uid_range: first and last, in host order.
const Field kPortFields[] = {{"first", 0, Type::kU16}, {"last", 2, Type::kU16}};
const Struct kPorts = {sizeof(fib_rule_port_range), kPortFields, {}};
const Field kUidFields[] = {{"first", 0, Type::kU32}, {"last", 4, Type::kU32}};
const Struct kUids = {sizeof(fib_rule_uid_range), kUidFields, {}};

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
    {FRA_UID_RANGE, "uids", Type::kStruct, kUids},
    {FRA_PROTOCOL, "protocol", Type::kU8},
    {FRA_IP_PROTO, "ipProtocol", Type::kU8},
    {FRA_SPORT_RANGE, "sourcePorts", Type::kStruct, kPorts},
    {FRA_DPORT_RANGE, "destinationPorts", Type::kStruct, kPorts},
};

// Members that tell rules apart, and what stands for none; the priority is not among them.
struct Part {
  const char* name;
  int64_t none = 0;
};
constexpr Part kNumbers[] = {{"family"},
                             {"fromLength"},
                             {"toLength"},
                             {"tos"},
                             {"action"},
                             {"table"},
                             {"goto"},
                             {"mark"},
                             {"tunnelId"},
                             {"flow"},
                             {"ipProtocol"},
                             {"l3mdev"},
                             {"suppressGroup", -1},
                             {"suppressPrefixLength", -1}};
constexpr const char* kTexts[] = {"from", "to", "inLink", "outLink"};
constexpr const char* kRanges[] = {"uids", "sourcePorts", "destinationPorts"};

// Bits of the mark that count: all when it is given alone (fib_nl2rule in net/core/fib_rules.c).
int64_t mask_of(const Value& rule) {
  return rule.number("mask", rule.number("mark", 0) ? 0xffffffff : 0);
}

bool same_text(const Value* a, const Value* b) {
  const std::string* x = a ? a->string() : nullptr;
  const std::string* y = b ? b->string() : nullptr;
  return x && y ? *x == *y : !x && !y;
}

bool same_range(const Value* a, const Value* b) {
  if (!a || !b) return !a && !b;
  return a->number("first", 0) == b->number("first", 0) &&
         a->number("last", 0) == b->number("last", 0);
}

bool equal_rules(const Value& asked, const Value& entry) {
  for (const Part& part : kNumbers) {
    if (asked.number(part.name, part.none) != entry.number(part.name, part.none)) return false;
  }
  for (const char* name : kTexts) {
    if (!same_text(asked.get(name), entry.get(name))) return false;
  }
  for (const char* name : kRanges) {
    if (!same_range(asked.get(name), entry.get(name))) return false;
  }
  int64_t inverted = asked.number("flags", 0) ^ entry.number("flags", 0);
  return !(inverted & FIB_RULE_INVERT) && mask_of(asked) == mask_of(entry);
}

constexpr EventKind kEvents{"rule", &kRtnl, {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE}};
const Notice kNotices[] = {{&kEvents, RTM_NEWRULE, RTM_DELRULE}};

}  // namespace

const Object kRule = {
    .name = "rule",
    .family = kRtnl,
    .body = {sizeof(fib_rule_hdr), kFields, kAttrs},
    .types = {.create = RTM_NEWRULE, .del = RTM_DELRULE, .get = RTM_GETRULE},
    .guard = Guard::kSecondLook,
    .equal = equal_rules,
    .notices = kNotices,
};

}  // namespace vnet
