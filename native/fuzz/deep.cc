#include "deep.h"

#include "../operations.h"
#include "../wire/writer.h"
#include "random_value.h"

namespace vnet::fuzz {

namespace {

constexpr size_t kMost = 60 * 1024;

// Where writing goes on inside of an attribute.
struct Inside {
  const Table* table;
  size_t header;  // bytes of the struct before the attributes
  const Kind* kind = nullptr;
};

Inside inside_of(Source& s, const Attr& a) {
  switch (a.kind) {
    case Type::kNest:
    case Type::kList:
    case Type::kRow:
      return {a.nest, 0};
    case Type::kStruct:
      return {&a.fixed->attrs, align4(a.fixed->size)};
    case Type::kKinds: {
      const KindList& list = *a.kinds->lists[s.below(a.kinds->lists.size())];
      const Kind& kind = list[s.below(list.size())];
      return {&kind.data, 0, &kind};
    }
    default:
      return {nullptr, 0};
  }
}

void write_selector(const Attr& a, const Table& table, const Kind& kind, Writer& w) {
  const Attr& selector = *table.by_name(a.kinds->selector);
  if (selector.kind == Type::kString) {
    std::string name(kind.name);
    return w.attribute(selector.type, name.c_str(), name.size() + 1);
  }
  w.scalar(selector.type, htobe32(static_cast<uint32_t>(kind.number)));
}

// One of the attributes that hold others, or nullptr.
const Attr* any_nest(Source& s, const Table& table) {
  size_t start = s.below(table.attrs.size());
  for (size_t i = 0; i < table.attrs.size(); i++) {
    const Attr& a = table.attrs[(start + i) % table.attrs.size()];
    Source ignored({});
    const Table* inner = inside_of(ignored, a).table;
    if (inner && !inner->attrs.empty() && a.mode != Mode::kEncode) return &a;
  }
  return nullptr;
}

}  // namespace

void deep(View input) {
  Source first(input);
  std::span<const Object* const> objects = all_objects();
  const Object& object = *objects[first.below(objects.size())];
  Writer w;
  Bytes zeros(256);
  w.raw(zeros.data(), align4(object.body.size));
  std::vector<size_t> open;
  const Table* table = &object.body.attrs;
  // The same bytes over and over: what can hold itself does so until the room is used up.
  for (Source s(input.from(1)); w.bytes().size() < kMost;) {
    if (s.empty()) s = Source(input.from(1));
    const Attr* a = any_nest(s, *table);
    if (!a) break;
    Inside inside = inside_of(s, *a);
    if (inside.kind) write_selector(*a, *table, *inside.kind, w);
    open.push_back(w.begin_nest(a->type));
    if (a->kind == Type::kList) open.push_back(w.begin_nest(kListElement));
    w.raw(zeros.data(), inside.header);
    if (inside.table->attrs.empty()) break;
    table = inside.table;
  }
  size_t end = w.bytes().size();
  for (; !open.empty(); open.pop_back()) w.end_nest(open.back());
  View message{w.bytes().data(), w.bytes().size()};
  decode_object(object, message);
  attribute_name(object.body, message, end > 4 ? end - 4 : 0);
}

}  // namespace vnet::fuzz
