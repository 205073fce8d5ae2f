#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

#include <cstdlib>

#include "schema.h"

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

}  // namespace vnet
