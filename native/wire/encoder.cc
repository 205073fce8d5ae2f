#include "encoder.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

#include <cstdlib>
#include <cstring>

namespace vnet {

namespace {

// linux/netlink.h: the two top bits of a type are flags (NLA_TYPE_MASK).
constexpr int64_t kLargestType = 0x3fff;

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
    case Type::kBeI32:
      return {INT32_MIN, INT32_MAX, 4};
    case Type::kU64:
    case Type::kBe64:
      return {INT64_MIN, INT64_MAX, 8};
    default:
      return {0, UINT32_MAX, 4};
  }
}

bool big_endian(Type t) {
  return t == Type::kBe16 || t == Type::kBe32 || t == Type::kBe64 || t == Type::kBeI32;
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

// The size of the address, or 0 for what is none.
size_t parse_address(const std::string& text, uint8_t out[16]) {
  bool six = text.find(':') != std::string::npos;
  if (inet_pton(six ? AF_INET6 : AF_INET, text.c_str(), out) != 1) return 0;
  return six ? 16 : 4;
}

std::string with_article(const char* noun) {
  bool vowel = std::strchr("aeiou", noun[0]) != nullptr;
  return std::string(vowel ? "an " : "a ") + noun;
}

}  // namespace

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

// Writes as many bytes as the kind has.
bool Encoder::integer(Type kind, const Value& v, uint8_t* bytes) {
  const int64_t* i = v.integer();
  Range r = range_of(kind);
  if (!i || *i < r.min || *i > r.max) {
    fail("must be an integer from " + std::to_string(r.min) + " to " + std::to_string(r.max));
    return false;
  }
  auto n = static_cast<uint64_t>(*i);
  bool reverse = big_endian(kind) != (__BYTE_ORDER == __BIG_ENDIAN);
  for (size_t at = 0; at < r.size; at++) {
    bytes[reverse ? r.size - 1 - at : at] = static_cast<uint8_t>(n >> (8 * at));
  }
  return true;
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
  size_t size = parse_address(*s, address);
  if (!size) return fail("must be an IPv4 or IPv6 address, not " + *s);
  out.attribute(a.type, address, size);
}

void Encoder::nested(const Attr& a, const Value& v) {
  size_t at = out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  if (a.kind == Type::kNest) {
    attributes(*a.nest, v);
    return out.end_nest(at);
  }
  const List* list = v.list();
  if (!list) return fail("must be a list");
  for (size_t i = 0; i < list->size() && !failed(); i++) {
    path.push_back(std::to_string(i));
    if (a.kind == Type::kRow) {
      attribute(a.nest->attrs.front(), (*list)[i], Value());
    } else {
      size_t element = out.begin_nest(kListElement | NLA_F_NESTED);
      attributes(*a.nest, (*list)[i]);
      out.end_nest(element);
    }
    path.pop_back();
  }
  out.end_nest(at);
}

// A message in an attribute has no NLA_F_NESTED.
void Encoder::structs(const Attr& a, const Value& v) {
  size_t at = out.begin_nest(a.type);
  if (a.kind == Type::kStruct) {
    structure(*a.fixed, v);
    return out.end_nest(at);
  }
  const List* list = v.list();
  if (!list) return fail("must be a list");
  for (size_t i = 0; i < list->size() && !failed(); i++) {
    path.push_back(std::to_string(i));
    structure(*a.fixed, (*list)[i]);
    path.pop_back();
  }
  out.end_nest(at);
}

void Encoder::kind(const Attr& a, const Value& v, const Value& siblings) {
  const Kinds& kinds = *a.kinds;
  const Value* selector = siblings.get(kinds.selector);
  const Kind* known = kinds.find(selector);
  if (kinds.named) return named_kind(a, v, known);
  if (!selector) return fail("needs " + with_article(kinds.selector) + " beside it");
  size_t at = out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  attributes(known ? known->data : Table{}, v);
  out.end_nest(at);
}

void Encoder::named_kind(const Attr& a, const Value& v, const Kind* selected) {
  const Map* map = v.map();
  if (!map || map->size() != 1) return fail("must hold one member, such as counter");
  const auto& [name, data] = map->front();
  if (a.kinds->raw && name == a.kinds->raw && data.bytes()) {
    return out.attribute(a.type, data.bytes()->data(), data.bytes()->size());
  }
  const Kind* known = a.kinds->by_name(name);
  if (!known) return fail("holds no known kind of object");
  if (selected && selected != known) {
    return fail(std::string("must hold ") + selected->name + ", as the " + a.kinds->selector +
                " beside it says");
  }
  size_t at = out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  path.push_back(name);
  attributes(known->data, data);
  path.pop_back();
  out.end_nest(at);
}

void Encoder::netns(const Attr& a, const Value& v) {
  const int64_t* i = v.integer();
  if (!i || *i < 0 || static_cast<size_t>(*i) >= netns_.size()) {
    return fail("must be the position of a namespace of the plan");
  }
  out.scalar(a.type, static_cast<uint32_t>(netns_[static_cast<size_t>(*i)]));
}

void Encoder::attribute(const Attr& a, const Value& v, const Value& siblings) {
  uint8_t bytes[8];
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
    case Type::kRow:
      return nested(a, v);
    case Type::kStruct:
    case Type::kArray:
      return structs(a, v);
    case Type::kKinds:
      return kind(a, v, siblings);
    case Type::kCustom:
      return a.custom->encode(a, v, *this);
    case Type::kSkip:
      return;
    case Type::kLink: {
      uint32_t index = 0;
      if (link_index(v, &index)) out.scalar(a.type, index);
      return;
    }
    case Type::kNetNs:
      return netns(a, v);
    default:
      if (integer(a.kind, v, bytes)) out.attribute(a.type, bytes, range_of(a.kind).size);
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

void Encoder::member(const Attr& a, const Value& v, const Value& siblings) {
  if (a.mode == Mode::kDecode) return;
  if (!a.many) return attribute(a, v, siblings);
  if (!v.list()) return fail("must be a list");
  for (size_t i = 0; i < v.list()->size() && !failed(); i++) {
    path.push_back(std::to_string(i));
    attribute(a, (*v.list())[i], siblings);
    path.pop_back();
  }
}

void Encoder::check_kind(const Table& table, const Value& args) {
  const Value* selector = args.get(table.required);
  if (!selector) return fail("needs " + with_article(table.required));
  for (const Attr& a : table.attrs) {
    if (a.kind != Type::kKinds || std::string_view(a.kinds->selector) != table.required) continue;
    const char* raw = a.kinds->raw;
    if (!raw || args.get(raw) || a.kinds->find(selector)) continue;
    const std::string* name = selector->string();
    fail(std::string(table.required) + " " + (name ? *name : "") +
         " is not known; give its bytes as " + raw);
  }
}

void Encoder::attributes(const Table& table, const Value& args, const Struct* fixed) {
  const Map* map = args.map();
  if (!map) return fail("must be an object");
  if (table.required) check_kind(table, args);
  for (const auto& [name, value] : *map) {
    if (failed()) return;
    if (value.null() || (fixed && fixed->field(name))) continue;
    path.push_back(name);
    const Attr* a = table.by_name(name);
    if (name == "unknown") {
      unknown(value);
    } else if (a) {
      member(*a, value, args);
    } else {
      fail("is not a known field");
    }
    if (out.overflow()) fail("is too long for a netlink attribute (64 KiB)");
    path.pop_back();
  }
}

void Encoder::field(const Field& f, const Value& v, uint8_t* bytes) {
  uint32_t index = 0;
  const Bytes* raw = v.bytes();
  switch (f.kind) {
    case Type::kLink:
      if (link_index(v, &index)) std::memcpy(bytes, &index, sizeof index);
      return;
    case Type::kAddress:
      if (!v.string() || !parse_address(*v.string(), bytes)) {
        fail("must be an IPv4 or IPv6 address");
      }
      return;
    case Type::kBytes:
      if (!raw || raw->size() != f.size) {
        return fail("must be a Uint8Array of " + std::to_string(f.size) + " bytes");
      }
      return void(std::memcpy(bytes, raw->data(), raw->size()));
    default:
      integer(f.kind, v, bytes);
  }
}

void Encoder::header(const Struct& s, const Value& args) {
  Bytes bytes(s.size);
  for (const Field& f : s.fields) {
    const Value* v = args.get(f.name);
    if (!v) continue;
    path.emplace_back(f.name);
    field(f, *v, bytes.data() + f.offset);
    path.pop_back();
  }
  out.raw(bytes.data(), bytes.size());
  out.pad();
}

void Encoder::structure(const Struct& s, const Value& args) {
  header(s, args);
  attributes(s.attrs, args, &s);
}

}  // namespace vnet
