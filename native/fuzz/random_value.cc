#include "random_value.h"

#include <algorithm>
#include <string_view>

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

Value lifetime(Source& s) {
  Map m;
  m.emplace_back("preferred", Value(static_cast<int64_t>(s.number(4))));
  m.emplace_back("valid", Value(static_cast<int64_t>(s.number(4))));
  return Value(std::move(m));
}

// Attributes whose shape only their own code knows. The rest is left out, not guessed at.
Value custom_value(Source& s, const Attr& a) {
  if (a.name == "hops") return hops(s);
  if (a.name == "lifetime") return lifetime(s);
  return {};
}

const Kind* any_kind(Source& s, const Kinds& kinds) {
  const KindList& list = *kinds.lists[s.below(kinds.lists.size())];
  return &list[s.below(list.size())];
}

// The attribute and, beside it, the selector that picks what it holds.
void kind_value(Source& s, const Attr& a, const Table& table, int depth, Map& into) {
  const Kind* kind = any_kind(s, *a.kinds);
  bool by_number = table.by_name(a.kinds->selector)->kind != Type::kString;
  Value selector = by_number ? Value(kind->number) : Value(std::string(kind->name));
  std::erase_if(into, [&](const auto& m) { return m.first == a.kinds->selector; });
  into.emplace_back(a.kinds->selector, std::move(selector));
  Value data(table_value(s, kind->data, depth + 1));
  if (a.kinds->named) {
    Map one;
    one.emplace_back(kind->name, std::move(data));
    data = Value(std::move(one));
  }
  into.emplace_back(a.name, std::move(data));
}

Value list_value(Source& s, const Table& table, int depth) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) {
    list.emplace_back(table_value(s, table, depth + 1));
  }
  return Value(std::move(list));
}

Value array_value(Source& s, const Struct& each) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) list.emplace_back(struct_value(s, each, 0));
  return Value(std::move(list));
}

Value attribute_value(Source& s, const Attr& a, int depth);

Value row_value(Source& s, const Attr& each, int depth) {
  List list;
  for (size_t n = s.below(kMostElements); n > 0; n--) {
    list.push_back(attribute_value(s, each, depth + 1));
  }
  return Value(std::move(list));
}

Value number_value(Source& s, Type kind) {
  switch (kind) {
    case Type::kU8:
      return Value(int64_t{s.byte()});
    case Type::kU16:
    case Type::kBe16:
      return Value(static_cast<int64_t>(s.number(2)));
    case Type::kU32:
    case Type::kBe32:
      return Value(static_cast<int64_t>(s.number(4)));
    case Type::kI32:
    case Type::kBeI32:
      return Value(int64_t{static_cast<int32_t>(static_cast<uint32_t>(s.number(4)))});
    case Type::kU64:
    case Type::kBe64:
      return Value(static_cast<int64_t>(s.number(8)));
    case Type::kLink:
      return Value(static_cast<int64_t>(s.number(4) & INT32_MAX));
    default:
      return {};
  }
}

Value attribute_value(Source& s, const Attr& a, int depth) {
  switch (a.kind) {
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
    case Type::kRow:
      return row_value(s, a.nest->attrs.front(), depth);
    case Type::kStruct:
      return depth < kMaxDepth ? Value(struct_value(s, *a.fixed, depth + 1)) : Value();
    case Type::kArray:
      return array_value(s, *a.fixed);
    case Type::kCustom:
      return custom_value(s, a);
    default:
      return number_value(s, a.kind);
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
  // The selector is needed, though the bytes may be used up.
  for (const Attr& a : table.attrs) {
    if (!table.required || !a.kinds || a.kinds->selector != std::string_view(table.required))
      continue;
    m.emplace_back(table.required, Value(std::string(any_kind(s, *a.kinds)->name)));
  }
  for (const Attr& a : table.attrs) {
    if (depth >= kMaxDepth || s.empty()) break;
    // A type that two names share comes back under the first.
    if (a.mode != Mode::kBoth || table.by_type(a.type) != &a || !s.chance(100)) continue;
    if (a.kind == Type::kKinds) {
      kind_value(s, a, table, depth, m);
      continue;
    }
    bool there = std::any_of(m.begin(), m.end(), [&](const auto& p) { return p.first == a.name; });
    Value v = there ? Value() : attribute_value(s, a, depth);
    if (a.many && !v.null()) {
      List list;
      list.push_back(std::move(v));
      v = Value(std::move(list));
    }
    if (!v.null()) m.emplace_back(a.name, std::move(v));
  }
  return m;
}

Value field_value(Source& s, const Field& f) {
  // In room for IPv6 an address is told as one unless the family says otherwise.
  if (f.kind == Type::kAddress) return {};
  if (f.kind != Type::kBytes) return number_value(s, f.kind);
  Bytes bytes(f.size);
  for (uint8_t& b : bytes) b = s.byte();
  return Value(std::move(bytes));
}

Map struct_value(Source& s, const Struct& shape, int depth) {
  Map m;
  for (const Field& f : shape.fields) {
    Value v = field_value(s, f);
    if (!v.null()) m.emplace_back(f.name, std::move(v));
  }
  for (auto& [name, value] : table_value(s, shape.attrs, depth)) {
    if (!shape.field(name)) m.emplace_back(name, std::move(value));
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
