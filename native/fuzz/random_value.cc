#include "random_value.h"

#include <string_view>

#include "../nft/objects.h"
#include "../rtnl/objects.h"

namespace vnet::fuzz {

namespace {

constexpr int kMaxDepth = 4;
constexpr size_t kMostElements = 4;

std::string text(Source& s) {
  std::string out;
  for (uint8_t b : s.bytes(20)) out += static_cast<char>('a' + b % 26);
  return out;
}

std::string mac(Source& s) {
  std::string out;
  char two[4];
  for (int i = 0; i < 6; i++) {
    std::snprintf(two, sizeof two, i ? ":%02x" : "%02x", s.byte());
    out += two;
  }
  return out;
}

std::string address(Source& s) {
  uint8_t bytes[16];
  size_t size = s.chance(128) ? 4 : 16;
  for (size_t i = 0; i < size; i++) bytes[i] = s.byte();
  return format_address({bytes, size});
}

Value link_info(Source& s, int depth) {
  static constexpr const char* kNames[] = {"veth",   "bridge", "macvlan", "macvtap", "ifb",
                                           "vxlan",  "dummy",  "vlan",    "ipvlan",  "vrf",
                                           "ipvtap", "tun",    "geneve",  "gre"};
  const LinkKind* kind = link_kind(kNames[s.below(std::size(kNames))]);
  Map m;
  m.emplace_back("kind", Value(std::string(kind ? kind->name : "dummy")));
  if (kind && s.chance(200)) m.emplace_back("data", Value(table_value(s, kind->data, depth + 1)));
  return Value(std::move(m));
}

Value expressions(Source& s, int depth) {
  static constexpr const char* kNames[] = {
      "payload", "meta", "ct",     "fib",     "cmp",    "bitwise", "lookup",
      "dynset",  "nat",  "masq",   "counter", "range",  "redir",   "reject",
      "limit",   "log",  "objref", "quota",   "numgen", "hash",    "immediate"};
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) {
    const NftNamed* known = nft_expression(kNames[s.below(std::size(kNames))]);
    if (!known) continue;
    Map m;
    m.emplace_back("expr", Value(std::string(known->name)));
    m.emplace_back("data", Value(table_value(s, known->data, depth + 1)));
    list.emplace_back(std::move(m));
  }
  return Value(std::move(list));
}

Value hops(Source& s) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) {
    Map m;
    m.emplace_back("link", Value(static_cast<int64_t>(s.number(4) & INT32_MAX)));
    m.emplace_back("weight", Value(int64_t{s.byte()} + 1));
    m.emplace_back("flags", Value(int64_t{s.byte()}));
    if (s.chance(128)) m.emplace_back("via", Value(address(s)));
    list.emplace_back(std::move(m));
  }
  return Value(std::move(list));
}

Value names(Source& s) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) list.emplace_back(text(s));
  return Value(std::move(list));
}

Value lifetime(Source& s) {
  Map m;
  m.emplace_back("preferred", Value(static_cast<int64_t>(s.number(4))));
  m.emplace_back("valid", Value(static_cast<int64_t>(s.number(4))));
  return Value(std::move(m));
}

// Attributes whose shape only their own code knows. The rest is left out, not guessed at.
Value custom_value(Source& s, const Attr& a, int depth) {
  std::string_view name(a.name);
  if (name == "info") return link_info(s, depth);
  if (name == "expressions") return expressions(s, depth);
  if (name == "hops") return hops(s);
  if (name == "altNames") return names(s);
  if (name == "lifetime") return lifetime(s);
  if (name == "peer") return Value(object_value(s, kLink));
  if (name == "priority") {
    return Value(int64_t{static_cast<int32_t>(static_cast<uint32_t>(s.number(4)))});
  }
  return {};
}

Value list_value(Source& s, const Table& table, int depth) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) {
    list.emplace_back(table_value(s, table, depth + 1));
  }
  return Value(std::move(list));
}

Value attribute_value(Source& s, const Attr& a, int depth) {
  switch (a.kind) {
    case Type::kU8:
      return Value(int64_t{s.byte()});
    case Type::kU16:
    case Type::kBe16:
      return Value(static_cast<int64_t>(s.number(2)));
    case Type::kU32:
    case Type::kBe32:
      return Value(static_cast<int64_t>(s.number(4)));
    case Type::kI32:
      return Value(int64_t{static_cast<int32_t>(static_cast<uint32_t>(s.number(4)))});
    case Type::kU64:
    case Type::kBe64:
      return Value(static_cast<int64_t>(s.number(8)));
    case Type::kLink:
      return Value(static_cast<int64_t>(s.number(4) & INT32_MAX));
    case Type::kString:
      return Value(text(s));
    case Type::kMac:
      return Value(mac(s));
    case Type::kAddress:
      return Value(address(s));
    case Type::kBytes:
      return Value(s.bytes(40));
    case Type::kFlag:
      return Value(true);
    case Type::kNest:
      return Value(table_value(s, *a.nest, depth + 1));
    case Type::kList:
      return list_value(s, *a.nest, depth);
    case Type::kCustom:
      return custom_value(s, a, depth);
    default:
      return {};
  }
}

}  // namespace

uint64_t Source::number(size_t bytes) {
  uint64_t n = 0;
  for (size_t i = 0; i < bytes; i++) n = n << 8 | byte();
  return n;
}

Bytes Source::bytes(size_t most) {
  Bytes out(below(most + 1));
  for (uint8_t& b : out) b = byte();
  return out;
}

Value any_value(Source& s, int depth) {
  switch (s.below(depth < kMaxDepth ? 9 : 6)) {
    case 0:
      return {};
    case 1:
      return Value(s.chance(128));
    case 2:
      return Value(static_cast<int64_t>(s.number(8)));
    case 3:
      return Value(int64_t{s.byte()});
    case 4: {
      Bytes b = s.bytes(24);
      return Value(std::string(b.begin(), b.end()));
    }
    case 5:
      return Value(s.bytes(24));
    case 6:
      return Value(Ref{s.byte(), s.chance(128)});
    case 7: {
      List list(s.below(kMostElements));
      for (Value& v : list) v = any_value(s, depth + 1);
      return Value(std::move(list));
    }
    default: {
      Map m;
      for (size_t n = s.below(kMostElements); n > 0; n--) {
        m.emplace_back(text(s), any_value(s, depth + 1));
      }
      return Value(std::move(m));
    }
  }
}

Map table_value(Source& s, const Table& table, int depth) {
  Map m;
  for (size_t i = 0; i < table.count && depth < kMaxDepth && !s.empty(); i++) {
    const Attr& a = table.attrs[i];
    // A type that two names share comes back under the first.
    if (a.mode != Mode::kBoth || table.by_type(a.type) != &a || !s.chance(100)) continue;
    Value v = attribute_value(s, a, depth);
    if (!v.null()) m.emplace_back(a.name, std::move(v));
  }
  return m;
}

Map object_value(Source& s, const Object& object) {
  Map m;
  for (size_t i = 0; i < object.field_count; i++) {
    const Field& f = object.fields[i];
    auto n = static_cast<int64_t>(s.number(f.size));
    m.emplace_back(f.name, Value(f.link ? n & INT32_MAX : n));
  }
  for (auto& [name, value] : table_value(s, object.attrs)) {
    bool taken = false;
    for (size_t i = 0; i < object.field_count; i++) taken |= name == object.fields[i].name;
    if (!taken) m.emplace_back(name, std::move(value));
  }
  return m;
}

bool equal(const Value& a, const Value& b) { return contains(a, b) && contains(b, a); }

bool contains(const Value& whole, const Value& part) {
  if (part.null()) return true;
  if (const bool* p = part.boolean()) return whole.boolean() && *whole.boolean() == *p;
  if (const int64_t* p = part.integer()) return whole.integer() && *whole.integer() == *p;
  if (const std::string* p = part.string()) return whole.string() && *whole.string() == *p;
  if (const Bytes* p = part.bytes()) return whole.bytes() && *whole.bytes() == *p;
  if (const List* p = part.list()) {
    if (!whole.list() || whole.list()->size() != p->size()) return false;
    for (size_t i = 0; i < p->size(); i++) {
      if (!contains((*whole.list())[i], (*p)[i])) return false;
    }
    return true;
  }
  if (const Map* p = part.map()) {
    if (!whole.map()) return false;
    for (const auto& [name, value] : *p) {
      const Value* there = whole.get(name);
      if (!value.null() && (!there || !contains(*there, value))) return false;
    }
    return true;
  }
  return false;
}

}  // namespace vnet::fuzz
