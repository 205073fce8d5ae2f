#include "schema.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

#include <cstdlib>

namespace vnet {

namespace {

// linux/netlink.h: the two top bits of a type are flags (NLA_TYPE_MASK).
constexpr int64_t kLargestType = 0x3fff;
constexpr uint16_t kListElement = 1;  // linux/netfilter/nf_tables.h: NFTA_LIST_ELEM

struct Range {
  int64_t min;
  int64_t max;
  uint8_t size;
};

Range range_of(Type t) {
  switch (t) {
    case Type::kU8:
      return {0, UINT8_MAX, 1};
    case Type::kU16:
    case Type::kBe16:
      return {0, UINT16_MAX, 2};
    case Type::kI32:
      return {INT32_MIN, INT32_MAX, 4};
    case Type::kU64:
    case Type::kBe64:
      return {INT64_MIN, INT64_MAX, 8};
    default:
      return {0, UINT32_MAX, 4};
  }
}

bool parse_mac(const std::string& text, Bytes* out) {
  for (size_t i = 0; i + 1 < text.size(); i += 3) {
    char pair[3] = {text[i], text[i + 1], 0};
    char* end = nullptr;
    long v = std::strtol(pair, &end, 16);
    if (end != pair + 2 || (i + 2 < text.size() && text[i + 2] != ':')) return false;
    out->push_back(static_cast<uint8_t>(v));
  }
  return text.size() == 17 && out->size() == 6;
}

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

void Encoder::fail(const std::string& what) {
  if (failed()) return;
  for (const std::string& part : path) error_ += (error_.empty() ? "" : ".") + part;
  error_ += (error_.empty() ? "" : ": ") + what;
}

bool Encoder::link_index(const Value& v, uint32_t* out_index) {
  if (const Ref* r = v.ref()) {
    if (!results_) {  // dry run: any index will do
      *out_index = 1;
      if (r->step >= steps_) fail("must refer to a step before this one");
      return !failed();
    }
    int index = 0;
    if (r->step < results_->size()) {
      index = r->peer ? (*results_)[r->step].second : (*results_)[r->step].first;
    }
    missing_link_ = index <= 0;
    if (index <= 0) fail("refers to step " + std::to_string(r->step) + ", which made no interface");
    *out_index = static_cast<uint32_t>(index);
    return index > 0;
  }
  const int64_t* i = v.integer();
  if (!i || *i < 0 || *i > INT32_MAX) {
    fail("must be an interface index from 0 to 2147483647 or a reference to a step");
    return false;
  }
  *out_index = static_cast<uint32_t>(*i);
  return true;
}

void Encoder::integer(const Attr& a, const Value& v) {
  const int64_t* i = v.integer();
  Range r = range_of(a.kind);
  if (!i || *i < r.min || *i > r.max) {
    fail("must be an integer from " + std::to_string(r.min) + " to " + std::to_string(r.max));
    return;
  }
  auto n = static_cast<uint64_t>(*i);
  switch (a.kind) {
    case Type::kBe16:
      return out.scalar<uint16_t>(a.type, htobe16(static_cast<uint16_t>(n)));
    case Type::kBe32:
      return out.scalar<uint32_t>(a.type, htobe32(static_cast<uint32_t>(n)));
    case Type::kBe64:
      return out.scalar<uint64_t>(a.type, htobe64(n));
    default: {
      uint64_t le = htole64(n);  // the first r.size bytes are the value on a little-endian host
      if constexpr (__BYTE_ORDER == __BIG_ENDIAN) le = n << (64 - 8 * r.size);
      return out.attribute(a.type, &le, r.size);
    }
  }
}

void Encoder::text(const Attr& a, const Value& v) {
  const std::string* s = v.string();
  if (!s) return fail("must be a string");
  if (a.kind == Type::kString) {
    if (s->find('\0') != std::string::npos) return fail("must not hold a NUL byte");
    return out.attribute(a.type, s->c_str(), s->size() + 1);
  }
  if (a.kind == Type::kMac) {
    Bytes mac;
    if (!parse_mac(*s, &mac))
      return fail("must be a MAC address like 02:00:5e:10:00:01, not " + *s);
    return out.attribute(a.type, mac.data(), mac.size());
  }
  uint8_t address[16];
  bool six = s->find(':') != std::string::npos;
  if (inet_pton(six ? AF_INET6 : AF_INET, s->c_str(), address) != 1) {
    return fail("must be an IPv4 or IPv6 address, not " + *s);
  }
  out.attribute(a.type, address, six ? 16 : 4);
}

void Encoder::nested(const Attr& a, const Value& v) {
  size_t at = out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  if (a.kind == Type::kNest) {
    attributes(*a.nest, v);
  } else {
    const List* list = v.list();
    if (!list) return fail("must be a list");
    for (size_t i = 0; i < list->size() && !failed(); i++) {
      path.push_back(std::to_string(i));
      size_t element = out.begin_nest(kListElement | NLA_F_NESTED);
      attributes(*a.nest, (*list)[i]);
      out.end_nest(element);
      path.pop_back();
    }
  }
  out.end_nest(at);
}

void Encoder::attribute(const Attr& a, const Value& v) {
  switch (a.kind) {
    case Type::kString:
    case Type::kMac:
    case Type::kAddress:
      return text(a, v);
    case Type::kBytes:
      if (const Bytes* b = v.bytes()) return out.attribute(a.type, b->data(), b->size());
      return fail("must be a Uint8Array");
    case Type::kFlag:
      if (!v.boolean()) return fail("must be true or false");
      if (*v.boolean()) out.attribute(a.type, nullptr, 0);
      return;
    case Type::kNest:
    case Type::kList:
      return nested(a, v);
    case Type::kCustom:
      return a.custom->encode(a, v, *this);
    case Type::kSkip:
      return;
    case Type::kLink: {
      uint32_t index = 0;
      if (link_index(v, &index)) out.scalar(a.type, index);
      return;
    }
    case Type::kNetNs: {
      const int64_t* i = v.integer();
      if (!i || *i < 0 || static_cast<size_t>(*i) >= netns_.size()) {
        return fail("must be the position of a namespace of the plan");
      }
      return out.scalar(a.type, static_cast<uint32_t>(netns_[static_cast<size_t>(*i)]));
    }
    default:
      return integer(a, v);
  }
}

// Attributes that no table names, as a dump gave them: [{type, data}].
void Encoder::unknown(const Value& v) {
  const List* list = v.list();
  if (!list) return fail("must be a list");
  for (size_t i = 0; i < list->size() && !failed(); i++) {
    const Value* data = (*list)[i].get("data");
    int64_t type = (*list)[i].number("type", -1);
    if (type < 0 || type > kLargestType || !data || !data->bytes()) {
      path.push_back(std::to_string(i));
      return fail("needs type (a number) and data (a Uint8Array)");
    }
    out.attribute(static_cast<uint16_t>(type), data->bytes()->data(), data->bytes()->size());
  }
}

void Encoder::attributes(const Table& table, const Value& args, const Field* fields,
                         size_t field_count) {
  const Map* map = args.map();
  if (!map) return fail("must be an object");
  for (const auto& [name, value] : *map) {
    if (failed()) return;
    if (value.null()) continue;
    bool known = false;
    for (size_t i = 0; i < field_count && !known; i++) known = name == fields[i].name;
    if (known) continue;
    path.push_back(name);
    if (name == "unknown") {
      unknown(value);
      known = true;
    }
    for (size_t i = 0; i < table.count && !known; i++) {
      const Attr& a = table.attrs[i];
      if (name != a.name) continue;
      known = true;
      if (a.mode != Mode::kDecode) attribute(a, value);
    }
    if (!known) fail("is not a known field");
    if (out.overflow()) fail("is too long for a netlink attribute (64 KiB)");
    path.pop_back();
  }
}

void Encoder::header(const Object& object, const Value& args) {
  uint8_t bytes[32] = {};
  for (size_t i = 0; i < object.field_count; i++) {
    const Field& f = object.fields[i];
    const Value* v = args.get(f.name);
    if (!v) continue;
    path.emplace_back(f.name);
    uint32_t n = 0;
    if (f.link) {
      link_index(*v, &n);
    } else {
      const int64_t* number = v->integer();
      int64_t max = (int64_t{1} << (8 * f.size)) - 1;
      if (!number || *number < 0 || *number > max) {
        fail("must be an integer from 0 to " + std::to_string(max));
      } else {
        n = static_cast<uint32_t>(*number);
      }
    }
    if (f.big_endian) n = f.size == 2 ? htobe16(static_cast<uint16_t>(n)) : htobe32(n);
    uint8_t b1 = static_cast<uint8_t>(n);
    auto b2 = static_cast<uint16_t>(n);
    const void* source = f.size == 1   ? static_cast<const void*>(&b1)
                         : f.size == 2 ? static_cast<const void*>(&b2)
                                       : static_cast<const void*>(&n);
    std::memcpy(bytes + f.offset, source, f.size);
    path.pop_back();
  }
  out.raw(bytes, object.header_size);
  out.pad();
}

void Encoder::object(const Object& object, const Value& args) {
  header(object, args);
  attributes(object.attrs, args, object.fields, object.field_count);
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
