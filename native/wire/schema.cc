#include "schema.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

namespace vnet {

namespace {

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
  if (v.size != sizeof n || !v.read(0, &n)) return Value(Bytes(v.data, v.data + v.size));
  return Value(static_cast<int64_t>(order ? order(n) : n));
}

uint16_t from_be16(uint16_t n) { return be16toh(n); }
uint32_t from_be32(uint32_t n) { return be32toh(n); }
uint64_t from_be64(uint64_t n) { return be64toh(n); }

Value decode_list(const Table& table, View v) {
  List out;
  AttributeCursor c(v);
  while (c.next()) {
    if (c.type != kListElement) continue;
    Map element;
    decode_attributes(table, c.value, element);
    out.emplace_back(std::move(element));
  }
  return Value(std::move(out));
}

Value decode_value(const Attr& a, View v) {
  switch (a.kind) {
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
    case Type::kString:
      return Value(std::string(reinterpret_cast<const char*>(v.data),
                               strnlen(reinterpret_cast<const char*>(v.data), v.size)));
    case Type::kMac:
      return Value(format_mac(v));
    case Type::kAddress:
      if (v.size != 4 && v.size != 16) break;
      return Value(format_address(v));
    case Type::kFlag:
      return Value(true);
    case Type::kNest: {
      Map m;
      decode_attributes(*a.nest, v, m);
      return Value(std::move(m));
    }
    case Type::kList:
      return decode_list(*a.nest, v);
    case Type::kCustom:
      return a.custom->decode(v);
    case Type::kSkip:
      return Value();
    case Type::kBytes:
      break;
  }
  return Value(Bytes(v.data, v.data + v.size));
}

}  // namespace

const Attr* Table::by_type(uint16_t type) const {
  for (size_t i = 0; i < count; i++) {
    if (attrs[i].type == type) return &attrs[i];
  }
  return nullptr;
}

std::string format_address(View v) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v.size == 4 ? AF_INET : AF_INET6, v.data, text, sizeof text);
  return text;
}

void decode_attributes(const Table& table, View v, Map& into, uint16_t skip) {
  List unknown;
  AttributeCursor c(v);
  while (c.next()) {
    if (skip && c.type == skip) continue;
    const Attr* a = table.by_type(c.type);
    if (a) {
      if (a->mode == Mode::kEncode) continue;
      bool beside = a->kind == Type::kCustom && a->custom->decode_beside;
      Value value = beside ? a->custom->decode_beside(c.value, into) : decode_value(*a, c.value);
      if (!value.null()) into.emplace_back(a->name, std::move(value));
      continue;
    }
    Map raw;
    raw.emplace_back("type", Value(int64_t{c.type}));
    raw.emplace_back("data", Value(Bytes(c.value.data, c.value.data + c.value.size)));
    unknown.emplace_back(std::move(raw));
  }
  if (!unknown.empty()) into.emplace_back("unknown", Value(std::move(unknown)));
}

Value decode_object(const Object& object, View payload, uint16_t skip) {
  Map m;
  m.reserve(object.field_count + 8);
  for (size_t i = 0; i < object.field_count; i++) {
    const Field& f = object.fields[i];
    uint8_t b1 = 0;
    uint16_t b2 = 0;
    uint32_t b4 = 0;
    bool ok = f.size == 1   ? payload.read(f.offset, &b1)
              : f.size == 2 ? payload.read(f.offset, &b2)
                            : payload.read(f.offset, &b4);
    if (!ok) return Value(std::move(m));
    if (f.big_endian) b2 = be16toh(b2), b4 = be32toh(b4);
    m.emplace_back(f.name, Value(int64_t{b1} + b2 + b4));
  }
  decode_attributes(object.attrs, payload.from(align4(object.header_size)), m, skip);
  return Value(std::move(m));
}

namespace {

// "17" or "17.key" for what lies in the 18th element of a list.
std::string name_in_list(const Table* table, View list, size_t offset) {
  AttributeCursor c(list);
  for (size_t i = 0; c.next(); i++) {
    if (offset < c.offset || offset >= c.offset + sizeof(nlattr) + c.value.size) continue;
    size_t header_end = c.offset + sizeof(nlattr);
    std::string inner =
        table && offset >= header_end ? name_in(*table, c.value, offset - header_end) : "";
    return std::to_string(i) + (inner.empty() ? "" : "." + inner);
  }
  return {};
}

}  // namespace

std::string name_in(const Table& table, View attributes, size_t offset) {
  AttributeCursor c(attributes);
  while (c.next()) {
    if (offset < c.offset || offset >= c.offset + sizeof(nlattr) + c.value.size) continue;
    const Attr* a = table.by_type(c.type);
    std::string name = a ? a->name : "#" + std::to_string(c.type);
    size_t header_end = c.offset + sizeof(nlattr);
    if (!a || offset < header_end) return name;
    std::string inner;
    if (a->kind == Type::kNest) inner = name_in(*a->nest, c.value, offset - header_end);
    if (a->kind == Type::kCustom && a->custom->name_at) {
      inner = a->custom->name_at(c.value, offset - header_end);
    } else if (a->kind == Type::kCustom || a->kind == Type::kList) {
      inner = name_in_list(a->nest, c.value, offset - header_end);
    }
    return inner.empty() ? name : name + "." + inner;
  }
  return {};
}

std::string attribute_name(const Object& object, View payload, size_t offset) {
  size_t base = align4(object.header_size);
  if (offset < base) return {};
  return name_in(object.attrs, payload.from(base), offset - base);
}

}  // namespace vnet
