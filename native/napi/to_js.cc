#include "to_js.h"

#include <cmath>

#include "../json.h"

namespace vnet {

namespace {

constexpr double kMaxSafe = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

template <typename Items>
napi_value each(Js& js, const Items& items) {
  std::vector<napi_value> made;
  for (const auto& item : items) made.push_back(to_js(js, item));
  return js.make_array(made);
}

// A dump of ten thousand entries has a hundred thousand members. Made one by one each costs a call
// across the border; as one JSON text the engine makes them all, several times as fast. What JSON
// cannot say is made one by one and put in afterwards.
napi_value entries(Js& js, const JsonList& list) {
  Environment* environment = Environment::of(js);
  if (!environment) return nullptr;
  napi_value parse = js.kept(environment->parse);
  napi_value out = js.call(js.undefined(), parse, {js.make(list.text.view())});
  for (size_t i = 0; i < list.odd.size(); i++) {
    Scope scope(js);
    js.put(out, list.odd_places[i], to_js(js, list.odd[i]));
  }
  return out;
}

napi_value entries(Js& js, const List& list) {
  if (list.size() <= ListWriter::kFew || !Environment::of(js)) return each(js, list);
  ListWriter writer;
  for (const Value& item : list) writer.add(item);
  return to_js(js, writer.take());
}

}  // namespace

napi_value to_js(Js& js, const Value& v) {
  if (const bool* b = v.boolean()) return js.make(*b);
  if (const int64_t* i = v.integer()) {
    auto number = static_cast<double>(*i);
    return std::fabs(number) > kMaxSafe ? js.make_bigint(*i) : js.make(number);
  }
  if (const std::string* s = v.string()) return js.make(std::string_view(*s));
  if (const Bytes* b = v.bytes()) return js.make_bytes(*b);
  if (const List* list = v.list()) return entries(js, *list);
  if (const JsonList* list = v.json()) return entries(js, *list);
  if (const Map* map = v.map()) {
    Js::Members members;
    members.reserve(map->size());
    for (const auto& [name, value] : *map) members.emplace_back(name, to_js(js, value));
    return js.make_object(members);
  }
  return js.undefined();
}

napi_value to_js(Js& js, const Failure& f) {
  Js::Members members = {{"step", js.make(f.step)},
                         {"op", js.make(std::string_view(f.op))},
                         {"errno", js.make(f.error)},
                         {"syscall", js.make(std::string_view(f.syscall))},
                         {"extAck", js.make(std::string_view(f.ext_ack))},
                         {"attribute", js.make(std::string_view(f.attribute))}};
  if (f.message >= 0) members.emplace_back("message", js.make(f.message));
  return js.make_object(members);
}

napi_value to_js(Js& js, const Outcome& o) {
  Js::Members members = {{"results", entries(js, o.results)},
                         {"moreFailures", each(js, o.more_failures)}};
  if (o.failure) members.emplace_back("failure", to_js(js, o.failure));
  if (o.aborted) members.emplace_back("aborted", js.make(true));
  return js.make_object(members);
}

}  // namespace vnet
