#include "look.h"

#include <endian.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace vnet {

namespace {

constexpr uint64_t kMix = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: odd, and its bits are mixed

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * kMix;
  return hash ^ (hash >> 29);
}

uint64_t mix_bytes(uint64_t hash, View v) {
  for (; v.size >= sizeof(uint64_t); v = v.from(sizeof(uint64_t))) {
    uint64_t word = 0;
    std::memcpy(&word, v.data, sizeof word);
    hash = mix(hash, word);
  }
  uint64_t word = 0;
  if (v.size) std::memcpy(&word, v.data, v.size);
  return mix(hash, word + (uint64_t{v.size} << 56));
}

// What the kernel fills of a datagram: a page's or two pages' worth, or 32 KiB, less what it keeps
// with the buffer (linux/netlink.h NLMSG_GOODSIZE, SKB_WITH_OVERHEAD).
constexpr size_t kRooms[] = {4096, 8192, 32768};
constexpr size_t kKept = 512;

// Whether a datagram may have ended because the next entry did not fit.
bool may_be_full(size_t bytes, size_t largest) {
  size_t next = std::max(largest * 2, size_t{512});
  return std::any_of(std::begin(kRooms), std::end(kRooms),
                     [&](size_t room) { return bytes <= room && bytes + next + kKept > room; }) ||
         bytes > kRooms[2];
}

}  // namespace

Fingerprint::Fingerprint(const Object& object) : body_(object.body) {
  for (const char* name : object.passing) {
    for (const Attr& a : body_.attrs.attrs) {
      if (a.name == name) passing_.push_back(a.type);
    }
    if (const Field* f = body_.field(name)) passing_fields_.emplace_back(f->offset, f->width());
  }
}

uint64_t Fingerprint::of(View entry) const {
  uint8_t header[128] = {};
  size_t size = std::min({body_.size, entry.size, sizeof header});
  if (size) std::memcpy(header, entry.data, size);
  for (const auto& [offset, width] : passing_fields_) {
    if (offset + width <= sizeof header) std::memset(header + offset, 0, width);
  }
  uint64_t hash = mix_bytes(kMix, {header, size});
  AttributeCursor c(entry.from(align4(body_.size)));
  while (c.next()) {
    if (std::find(passing_.begin(), passing_.end(), c.type) != passing_.end()) continue;
    hash = mix_bytes(mix(hash, c.type), c.value);
  }
  return hash;
}

bool Look::breaks_order(View route) {
  uint32_t table = 0;
  uint32_t prefix = 0;
  AttributeCursor c(route.from(sizeof(rtmsg)));
  for (bool more = true; more && c.next();) {
    if (c.type == RTA_TABLE) c.value.read(0, &table);
    if (c.type == RTA_DST) c.value.read(0, &prefix);
    more = table == 0 || prefix == 0;
  }
  prefix = be32toh(prefix);
  bool same_table = !tables_.empty() && tables_.back() == table;
  bool again = !same_table && std::find(tables_.begin(), tables_.end(), table) != tables_.end();
  if (!same_table) tables_.push_back(table);
  // The first of a datagram has the prefix of the last one before it: the kernel goes on by a
  // count among those of one prefix (net/ipv4/fib_trie.c, fn_trie_dump_leaf).
  bool split = part_bytes_ == 0 && prefix == prefix_;
  bool back = same_table && (prefix < prefix_ || split);
  prefix_ = prefix;
  return again || back;
}

bool Look::unguarded(View entry) {
  if (object_.guard == Guard::kSecondLook) return true;
  if (object_.guard != Guard::kRoutes || entry.size == 0) return false;
  if (entry.data[0] == AF_INET6) return true;
  if (entry.data[0] == AF_INET && breaks_order(entry)) doubtful_ = true;
  return false;
}

// Gives the copies of an entry within a datagram numbers of their own.
void Look::tell_apart() {
  auto start = seen_.begin() + static_cast<std::ptrdiff_t>(part_start_);
  std::sort(start, seen_.end());
  uint64_t before = 0;
  uint64_t copies = 0;
  for (size_t i = part_start_; i < seen_.size(); i++) {
    copies = i > part_start_ && seen_[i] == before ? copies + 1 : 0;
    before = seen_[i];
    if (copies) seen_[i] = mix(before, copies);
  }
  part_start_ = seen_.size();
}

void Look::end_part(bool last) {
  tell_apart();
  if (part_unguarded_ && (!last || may_be_full(part_bytes_, largest_))) doubtful_ = true;
  part_unguarded_ = false;
  part_bytes_ = 0;
}

void Look::see(const Fingerprint& fingerprint, View entry, uint32_t part) {
  if (part != part_) end_part(false);
  part_ = part;
  bool alone = unguarded(entry);
  part_unguarded_ |= alone;
  size_t bytes = align4(sizeof(nlmsghdr) + entry.size);
  part_bytes_ += bytes;
  largest_ = std::max(largest_, bytes);
  if (alone || thorough_) seen_.push_back(fingerprint.of(entry));
}

void Look::end() {
  end_part(true);
  std::sort(seen_.begin(), seen_.end());
}

bool Look::unique() const { return std::adjacent_find(seen_.begin(), seen_.end()) == seen_.end(); }

}  // namespace vnet
