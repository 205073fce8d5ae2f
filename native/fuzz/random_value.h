// Values made up from a string of bytes: the same bytes always make the same value.
#pragma once

#include <string>

#include "../wire/object.h"

namespace vnet::fuzz {

// Hands out numbers and bytes of a string until it is used up, then zeros.
class Source {
 public:
  explicit Source(View bytes) : rest_(bytes) {}

  bool empty() const { return rest_.size == 0; }
  uint8_t byte() {
    if (empty()) return 0;
    uint8_t b = *rest_.data;
    rest_ = rest_.from(1);
    return b;
  }
  uint64_t number(size_t bytes);
  // 0 to n - 1; n is at most 256.
  size_t below(size_t n) { return n ? byte() % n : 0; }
  bool chance(unsigned of_256) { return byte() < of_256; }
  Bytes bytes(size_t most);

 private:
  View rest_;
};

// Plain data of any shape: what a careless caller might give.
Value any_value(Source& s, int depth = 0);

// Members that the table can encode and that must come back as they are.
Map table_value(Source& s, const Table& table, int depth = 0);

// The members of a struct and of the attributes after it.
Map struct_value(Source& s, const Struct& shape, int depth = 0);

bool equal(const Value& a, const Value& b);

// True when every member of `part` is in `whole` with an equal value.
bool contains(const Value& whole, const Value& part);

}  // namespace vnet::fuzz
