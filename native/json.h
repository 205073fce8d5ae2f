// A value as JSON text.
#pragma once

#include <string>

#include "value.h"

namespace vnet {

// Appends the text of the value. False, with part of it appended, for what JSON cannot say: bytes,
// references, and integers that a JavaScript number would round.
bool to_json(const Value& v, std::string* out);

// Collects the entries of a list as text, or as they are where they are few.
class JsonWriter {
 public:
  void clear();
  void add(Value entry);
  // The list: a JsonList, or a List of at most kFew.
  Value take();

  // So few are made faster one by one.
  static constexpr size_t kFew = 8;

 private:
  size_t count_ = 0;
  List few_;
  JsonList list_;
};

}  // namespace vnet
