#include "schema.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

#include <cstring>

namespace vnet {

namespace {

Value bytes_of(View v) { return Value(Bytes(v.data, v.data + v.size)); }

std::string format_mac(View v) {
  std::string out;
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < v.size; i++) {
    if (i) out += ':';
    out += kHex[v.data[i] >> 4];
    out += kHex[v.data[i] & 15];
  }
  return out;
}

template <typename T>
Value number(View v, T (*order)(T) = nullptr) {
  T n;
  if (v.size != sizeof n || !v.read(0, &n)) return bytes_of(v);
  return Value(static_cast<int64_t>(order ? order(n) : n));
}

uint16_t from_be16(uint16_t n) { return be16toh(n); }
uint32_t from_be32(uint32_t n) { return be32toh(n); }
uint64_t from_be64(uint64_t n) { return be64toh(n); }
int32_t signed_from_be32(int32_t n) {
  return static_cast<int32_t>(be32toh(static_cast<uint32_t>(n)));
}

Value decode_number(Type kind, View v) {
  switch (kind) {
    case Type::kU8:
      return number<uint8_t>(v);
    case Type::kU16:
      return number<uint16_t>(v);
    case Type::kU32:
    case Type::kLink:
    case Type::kNetNs:
      return number<uint32_t>(v);
    case Type::kI32:
      return number<int32_t>(v);
    case Type::kU64:
      return number<uint64_t>(v);
    case Type::kBe16:
      return number<uint16_t>(v, from_be16);
    case Type::kBe32:
      return number<uint32_t>(v, from_be32);
    case Type::kBe64:
      return number<uint64_t>(v, from_be64);
    case Type::kBeI32:
      return number<int32_t>(v, signed_from_be32);
    default:
      return bytes_of(v);
  }
}

// How deep it stands is all that decoding has to remember.
class Decoder {
 public:
  explicit Decoder(int depth = 0) : depth_(depth) {}

  void attributes(const Table& table, View v, Map& into, uint16_t skip = 0) const;
  Value structure(const Struct& s, View v, uint16_t skip = 0) const;

 private:
  Value value(const Attr& a, View v) const;
  Value nest(const Table& table, View v) const;
  Value list(const Table& table, View v) const;
  Value row(const Attr& a, View v) const;
  void kind(const Attr& a, const Table& table, View all, View v, Map& into) const;

  int depth_;
};

Value Decoder::nest(const Table& table, View v) const {
  Map m;
  Decoder(depth_ + 1).attributes(table, v, m);
  return Value(std::move(m));
}

Value Decoder::list(const Table& table, View v) const {
  List out;
  AttributeCursor c(v);
  while (c.next()) out.push_back(nest(table, c.value));
  return Value(std::move(out));
}

Value Decoder::row(const Attr& a, View v) const {
  const Attr& each = a.nest->attrs.front();
  List out;
  AttributeCursor c(v);
  while (c.next()) {
    if (c.type == each.type) out.push_back(Decoder(depth_ + 1).value(each, c.value));
  }
  return Value(std::move(out));
}

Value decode_array(const Struct& s, View v) {
  List out;
  for (; v.size >= s.size; v = v.from(s.size)) {
    out.push_back(Decoder().structure(s, {v.data, s.size}));
  }
  return Value(std::move(out));
}

Value Decoder::value(const Attr& a, View v) const {
  switch (a.kind) {
    case Type::kString:
      return Value(text_of(v));
    case Type::kMac:
      return Value(format_mac(v));
    case Type::kAddress:
      return v.size == 4 || v.size == 16 ? Value(format_address(v)) : bytes_of(v);
    case Type::kFlag:
      return Value(true);
    case Type::kNest:
      return depth_ < kMaxNesting ? nest(*a.nest, v) : bytes_of(v);
    case Type::kList:
      return depth_ < kMaxNesting ? list(*a.nest, v) : bytes_of(v);
    case Type::kRow:
      return depth_ < kMaxNesting ? row(a, v) : bytes_of(v);
    case Type::kStruct:
      return depth_ < kMaxNesting ? Decoder(depth_ + 1).structure(*a.fixed, v) : bytes_of(v);
    case Type::kArray:
      return decode_array(*a.fixed, v);
    case Type::kCustom:
      return a.custom->decode(v);
    case Type::kSkip:
      return Value();
    default:
      return decode_number(a.kind, v);
  }
}

void Decoder::kind(const Attr& a, const Table& table, View all, View v, Map& into) const {
  const Kinds& kinds = *a.kinds;
  const Kind* known = kinds.among(table, all);
  if (depth_ >= kMaxNesting) {
    into.emplace_back(a.name, bytes_of(v));
    return;
  }
  const char* name = !known && kinds.raw && !kinds.named ? kinds.raw : a.name;
  Value value = known || !kinds.raw ? nest(known ? known->data : Table{}, v) : bytes_of(v);
  if (kinds.named) {
    Map one;
    one.emplace_back(known ? known->name : kinds.raw, std::move(value));
    value = Value(std::move(one));
  }
  into.emplace_back(name, std::move(value));
}

// One more in the list of a member that comes several times.
void append(const char* name, Value value, Map& into) {
  for (auto& [member, list] : into) {
    if (member != name || !list.list()) continue;
    List longer = std::move(*const_cast<List*>(list.list()));
    longer.push_back(std::move(value));
    list = Value(std::move(longer));
    return;
  }
  List first;
  first.push_back(std::move(value));
  into.emplace_back(name, Value(std::move(first)));
}

void Decoder::attributes(const Table& table, View v, Map& into, uint16_t skip) const {
  List unknown;
  AttributeCursor c(v);
  while (c.next()) {
    if (skip && c.type == skip) continue;
    const Attr* a = table.by_type(c.type);
    if (!a) {
      Map raw;
      raw.emplace_back("type", Value(int64_t{c.type}));
      raw.emplace_back("data", bytes_of(c.value));
      unknown.emplace_back(std::move(raw));
      continue;
    }
    if (a->mode == Mode::kEncode) continue;
    if (a->kind == Type::kKinds) {
      kind(*a, table, v, c.value, into);
      continue;
    }
    Value one = value(*a, c.value);
    if (one.null()) continue;
    if (a->many) {
      append(a->name, std::move(one), into);
    } else {
      into.emplace_back(a->name, std::move(one));
    }
  }
  if (!unknown.empty()) into.emplace_back("unknown", Value(std::move(unknown)));
}

Value decode_field(const Field& f, View v, bool four) {
  View part{v.data + f.offset, f.width()};
  if (f.kind != Type::kAddress) return decode_number(f.kind, part);
  return Value(format_address({part.data, four ? size_t{4} : part.size}));
}

Value Decoder::structure(const Struct& s, View v, uint16_t skip) const {
  Map m;
  m.reserve(s.fields.size() + 8);
  // struct inet_diag_sockid has room for IPv6; the family is the first byte of what it is in.
  bool four = v.size > 0 && v.data[0] == AF_INET;
  for (const Field& f : s.fields) {
    if (f.offset + f.width() > v.size) return Value(std::move(m));
    m.emplace_back(f.name, decode_field(f, v, four));
  }
  if (!s.attrs.attrs.empty()) attributes(s.attrs, v.from(align4(s.size)), m, skip);
  return Value(std::move(m));
}

}  // namespace

size_t Field::width() const {
  switch (kind) {
    case Type::kU8:
      return 1;
    case Type::kU16:
    case Type::kBe16:
      return 2;
    case Type::kU64:
    case Type::kBe64:
      return 8;
    case Type::kAddress:
      return 16;
    case Type::kBytes:
      return size;
    default:
      return 4;
  }
}

const Field* Struct::field(std::string_view name) const {
  for (const Field& f : fields) {
    if (name == f.name) return &f;
  }
  return nullptr;
}

const Attr* Table::by_type(uint16_t type) const {
  for (const Attr& a : attrs) {
    if (a.type == type) return &a;
  }
  return nullptr;
}

const Attr* Table::by_name(std::string_view name) const {
  for (const Attr& a : attrs) {
    if (name == a.name) return &a;
  }
  return nullptr;
}

const Kind* Kinds::by_name(std::string_view name) const {
  for (const KindList* list : lists) {
    for (const Kind& kind : *list) {
      if (name == kind.name) return &kind;
    }
  }
  return nullptr;
}

const Kind* Kinds::find(const Value* selected) const {
  if (!selected) return nullptr;
  if (const std::string* name = selected->string()) return by_name(*name);
  const int64_t* number = selected->integer();
  for (const KindList* list : lists) {
    for (const Kind& kind : *list) {
      if (number && kind.number >= 0 && kind.number == *number) return &kind;
    }
  }
  return nullptr;
}

const Kind* Kinds::among(const Table& table, View attributes) const {
  const Attr* a = table.by_name(selector);
  AttributeCursor c(attributes);
  while (a && c.next()) {
    if (c.type != a->type) continue;
    Value selected =
        a->kind == Type::kString ? Value(text_of(c.value)) : decode_number(a->kind, c.value);
    return find(&selected);
  }
  return nullptr;
}

std::string format_address(View v) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v.size == 4 ? AF_INET : AF_INET6, v.data, text, sizeof text);
  return text;
}

void decode_attributes(const Table& table, View v, Map& into) {
  Decoder().attributes(table, v, into);
}

Value decode_struct(const Struct& s, View v) { return Decoder().structure(s, v); }

Value decode_message(const Struct& body, View payload, uint16_t skip) {
  return Decoder().structure(body, payload, skip);
}

}  // namespace vnet
