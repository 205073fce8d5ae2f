#include <algorithm>
#include <cstdint>
#include <iterator>

#include "objects.h"

namespace vnet {

namespace {

// Where the member of a side lies in a tuple, and its bit for CTA_FILTER (CTA_FILTER_F_* of
// net/netfilter/nf_conntrack_netlink.c). Addresses have two names there, by family.
struct Part {
  const char* name;
  const char* nest;
  const char* attribute;
  const char* attribute6;
  uint32_t bit;
};
constexpr Part kParts[] = {
    {"source", "ip", "source", "source6", 1 << 0},
    {"destination", "ip", "destination", "destination6", 1 << 1},
    {"protocol", "proto", "number", nullptr, 1 << 3},
    {"sourcePort", "proto", "sourcePort", nullptr, 1 << 4},
    {"destinationPort", "proto", "destinationPort", nullptr, 1 << 5},
};
constexpr const char* kSides[] = {"original", "reply"};

bool equal(const Value* a, const Value* b) {
  if (!a || !b) return false;
  if (a->string()) return b->string() && *a->string() == *b->string();
  return a->integer() && b->integer() && *a->integer() == *b->integer();
}

bool is_six(const Value& v) { return v.string() && v.string()->find(':') != std::string::npos; }

// { source: …, protocol: … } -> { ip: { source: … }, proto: { number: … } }
Value tuple_of(const Value& side, int64_t* bits) {
  Map ip;
  Map proto;
  for (const Part& p : kParts) {
    const Value* v = side.get(p.name);
    if (!v) continue;
    bool six = p.attribute6 && is_six(*v);
    // The kernel takes IPv6 addresses that are equal for different ones: it negates what
    // ipv6_addr_cmp answers (ctnetlink_filter_match_tuple, seen on 6.18). They are compared here.
    if (six) continue;
    *bits |= p.bit;
    (p.attribute6 ? ip : proto).emplace_back(p.attribute, *v);
  }
  Map tuple;
  // A misspelt member would widen the filter: the encoder refuses it by its name.
  for (const auto& member : side.map() ? *side.map() : Map{}) {
    bool known = std::any_of(std::begin(kParts), std::end(kParts),
                             [&](const Part& p) { return member.first == p.name; });
    if (!known) tuple.push_back(member);
  }
  if (!ip.empty()) tuple.emplace_back("ip", Value(std::move(ip)));
  if (!proto.empty()) tuple.emplace_back("proto", Value(std::move(proto)));
  return Value(std::move(tuple));
}

bool side_fits(const Value& side, const Value* tuple) {
  for (const Part& p : kParts) {
    const Value* want = side.get(p.name);
    if (!want) continue;
    const Value* nest = tuple ? tuple->get(p.nest) : nullptr;
    const Value* have = nest ? nest->get(p.attribute) : nullptr;
    if (nest && !have && p.attribute6) have = nest->get(p.attribute6);
    if (!equal(want, have)) return false;
  }
  return true;
}

bool masked_fits(const Value& filter, const char* name, const char* mask_name, const Value& entry) {
  const Value* want = filter.get(name);
  if (!want || !want->integer()) return true;
  int64_t mask = filter.number(mask_name, UINT32_MAX);
  return (entry.number(name, 0) & mask) == (*want->integer() & mask);
}

bool fits(const Value& filter, const Value& entry) {
  for (const char* name : kSides) {
    const Value* side = filter.get(name);
    if (side && !side_fits(*side, entry.get(name))) return false;
  }
  int64_t family = filter.number("family", 0);
  if (family && entry.number("family", 0) != family) return false;
  const Value* zone = filter.get("zone");
  if (zone && zone->integer() && entry.number("zone", 0) != *zone->integer()) return false;
  return masked_fits(filter, "mark", "markMask", entry) &&
         masked_fits(filter, "status", "statusMask", entry);
}

// With `precise` the tuples go into CTA_FILTER, which kernels before 5.8 lack.
Value query(const Value& filter, bool precise) {
  Map args;
  for (const auto& [name, value] : filter.map() ? *filter.map() : Map{}) {
    if (name != "original" && name != "reply") args.emplace_back(name, value);
  }
  if (!precise) return Value(std::move(args));
  Map flags;
  for (const char* name : kSides) {
    const Value* side = filter.get(name);
    if (!side) continue;
    int64_t bits = 0;
    Value tuple = tuple_of(*side, &bits);
    if (bits == 0 && tuple.map()->empty()) continue;
    args.emplace_back(name, std::move(tuple));
    flags.emplace_back(name, Value(bits));
  }
  if (!flags.empty()) args.emplace_back("filter", Value(std::move(flags)));
  return Value(std::move(args));
}

}  // namespace

const Filter kConntrackFilter = {query, fits};

}  // namespace vnet
