// The names of the attributes that the kernel complains about by their offset.
#include <linux/netlink.h>

#include "schema.h"

namespace vnet {

namespace {

std::string in_table(const Table& table, View attributes, size_t offset, int depth);

std::string in_struct(const Struct& s, View v, size_t offset, int depth) {
  size_t base = align4(s.size);
  return offset < base ? std::string() : in_table(s.attrs, v.from(base), offset - base, depth);
}

bool covers(const AttributeCursor& c, size_t offset) {
  return offset >= c.offset && offset < c.offset + sizeof(nlattr) + c.value.size;
}

// "17" or "17.key" for what lies in the 18th element of a list.
std::string in_list(const Table* table, View list, size_t offset, int depth) {
  AttributeCursor c(list);
  for (size_t i = 0; c.next(); i++) {
    if (!covers(c, offset)) continue;
    size_t header_end = c.offset + sizeof(nlattr);
    std::string inner =
        table && offset >= header_end ? in_table(*table, c.value, offset - header_end, depth) : "";
    return std::to_string(i) + (inner.empty() ? "" : "." + inner);
  }
  return {};
}

std::string in_kind(const Attr& a, const Kind* kind, View v, size_t offset, int depth) {
  if (!kind) return {};
  std::string inner = in_table(kind->data, v, offset, depth);
  if (!a.kinds->named) return inner;
  return inner.empty() ? kind->name : std::string(kind->name) + "." + inner;
}

std::string in_value(const Attr& a, const Table& table, View siblings, View v, size_t offset,
                     int depth) {
  switch (a.kind) {
    case Type::kNest:
      return in_table(*a.nest, v, offset, depth);
    case Type::kStruct:
      return in_struct(*a.fixed, v, offset, depth);
    case Type::kKinds:
      return in_kind(a, a.kinds->among(table, siblings), v, offset, depth);
    case Type::kList:
      return in_list(a.nest, v, offset, depth);
    case Type::kRow:
    case Type::kCustom:
      return in_list(nullptr, v, offset, depth);
    default:
      return {};
  }
}

// How many attributes of a type stand before the offset.
size_t count_before(uint16_t type, View attributes, size_t offset) {
  size_t n = 0;
  AttributeCursor c(attributes);
  while (c.next() && !covers(c, offset)) n += c.type == type;
  return n;
}

std::string in_table(const Table& table, View attributes, size_t offset, int depth) {
  if (depth > kMaxNesting) return {};
  AttributeCursor c(attributes);
  while (c.next()) {
    if (!covers(c, offset)) continue;
    const Attr* a = table.by_type(c.type);
    std::string name = a ? std::string(a->name) : "#" + std::to_string(c.type);
    if (a && a->many) name += "." + std::to_string(count_before(c.type, attributes, offset));
    size_t header_end = c.offset + sizeof(nlattr);
    if (!a || offset < header_end) return name;
    std::string inner = in_value(*a, table, attributes, c.value, offset - header_end, depth + 1);
    return inner.empty() ? name : name + "." + inner;
  }
  return {};
}

}  // namespace

std::string attribute_name(const Struct& body, View payload, size_t offset) {
  return in_struct(body, payload, offset, 0);
}

}  // namespace vnet
