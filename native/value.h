// A tree of plain values: what crosses the border between JavaScript and the kernel's bytes.
// It knows neither Node-API nor netlink, so that codecs can be fuzzed without either.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vnet {

using Bytes = std::vector<uint8_t>;
class Value;
struct JsonList;  // json.h
using List = std::vector<Value>;
using Map = std::vector<std::pair<std::string, Value>>;

// Stands for an interface index that an earlier step of the plan produces.
struct Ref {
  uint32_t step;
  bool peer;
};

class Value {
 public:
  Value() = default;
  Value(bool v) : data_(v) {}
  Value(int64_t v) : data_(v) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(Bytes v) : data_(std::move(v)) {}
  Value(List v) : data_(std::move(v)) {}
  Value(Map v) : data_(std::move(v)) {}
  Value(Ref v) : data_(v) {}
  Value(std::shared_ptr<const JsonList> v) : data_(std::move(v)) {}

  bool null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const Bytes* bytes() const { return std::get_if<Bytes>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  const Map* map() const { return std::get_if<Map>(&data_); }
  // To move from.
  List* list() { return std::get_if<List>(&data_); }
  Map* map() { return std::get_if<Map>(&data_); }
  const Ref* ref() const { return std::get_if<Ref>(&data_); }
  const JsonList* json() const {
    const auto* list = std::get_if<std::shared_ptr<const JsonList>>(&data_);
    return list ? list->get() : nullptr;
  }

  // The member of a map, or nullptr when this is no map, or the member is absent or null.
  const Value* get(std::string_view key) const {
    const Map* m = map();
    if (!m) return nullptr;
    for (const auto& [name, value] : *m) {
      if (name == key) return value.null() ? nullptr : &value;
    }
    return nullptr;
  }

  int64_t number(std::string_view key, int64_t fallback) const {
    const Value* v = get(key);
    const int64_t* i = v ? v->integer() : nullptr;
    return i ? *i : fallback;
  }

 private:
  std::variant<std::monostate, bool, int64_t, std::string, Bytes, List, Map, Ref,
               std::shared_ptr<const JsonList>>
      data_;
};

}  // namespace vnet
