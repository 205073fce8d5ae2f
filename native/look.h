// What is kept of one reading of a table, to tell whether it was whole though the table changed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "wire/object.h"

namespace vnet {

// A number for what tells an entry from the others of its table: all of it but what changes by
// itself (Object::passing).
class Fingerprint {
 public:
  explicit Fingerprint(const Object& object);
  uint64_t of(View entry) const;

 private:
  const Struct& body_;
  std::vector<uint16_t> passing_;  // types of attributes
  std::vector<std::pair<size_t, size_t>>
      passing_fields_;  // where in the struct, and how many bytes
};

// The kernel fills a datagram in one go, in which each entry that stays is told once: lists and
// trees are walked under their lock or RCU. Between two datagrams it may go on by a count, which
// others shift; then two looks must be alike. A table that fits into one datagram needs one look.
class Look {
 public:
  // A thorough look takes a fingerprint of every entry, another only of those that the kernel never
  // guards.
  Look(const Object& object, bool thorough) : object_(object), thorough_(thorough) {}

  // Each message of the answer, with the number of its datagram.
  void see(const Fingerprint& fingerprint, View entry, uint32_t part);
  // To be called after the last.
  void end();

  // Whether another look is needed.
  bool doubtful() const { return doubtful_; }
  // Whether two looks have seen the same.
  bool operator==(const Look& other) const { return seen_ == other.seen_; }
  // Whether no entry came in two datagrams. Two alike in one datagram (of rules) are two.
  bool unique() const;

 private:
  bool unguarded(View entry);
  void tell_apart();
  void end_part(bool last);
  // Routes of IPv4 go on by prefix, and count only those of one.
  bool breaks_order(View route);

  const Object& object_;
  bool thorough_;
  bool doubtful_ = false;
  std::vector<uint64_t> seen_;
  size_t part_start_ = 0;  // in `seen_`
  uint32_t part_ = 0;
  size_t part_bytes_ = 0;
  size_t largest_ = 0;
  bool part_unguarded_ = false;
  std::vector<uint32_t> tables_;
  uint32_t prefix_ = 0;
};

}  // namespace vnet
