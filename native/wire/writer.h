// Writes netlink messages and attributes into a growing buffer. The first error sticks: later
// writes are no-ops and the caller looks once at the end.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "../value.h"
#include "reader.h"

namespace vnet {

class Writer {
 public:
  // An attribute's length is a u16 (struct nlattr), so that none can hold more than this.
  static constexpr size_t kMaxAttribute = UINT16_MAX;
  static constexpr size_t kMaxMessage = 16u << 20;

  // Returns the offset of a new message's nlmsghdr; its length is set by end_message.
  size_t begin_message(uint16_t type, uint16_t flags, uint32_t seq) {
    size_t at = buffer_.size();
    nlmsghdr h{};
    h.nlmsg_type = type;
    h.nlmsg_flags = flags;
    h.nlmsg_seq = seq;
    raw(&h, sizeof h);
    return at;
  }
  void end_message(size_t at) {
    auto length = static_cast<uint32_t>(buffer_.size() - at);
    patch(at, &length, sizeof length);
    pad();
  }

  void attribute(uint16_t type, const void* data, size_t size) {
    if (size + sizeof(nlattr) > kMaxAttribute) {
      overflow_ = true;
      return;
    }
    nlattr a{static_cast<uint16_t>(size + sizeof(nlattr)), type};
    raw(&a, sizeof a);
    raw(data, size);
    pad();
  }
  template <typename T>
  void scalar(uint16_t type, T v) {
    attribute(type, &v, sizeof v);
  }
  size_t begin_nest(uint16_t type) {
    size_t at = buffer_.size();
    nlattr a{0, type};
    raw(&a, sizeof a);
    return at;
  }
  void end_nest(size_t at) {
    size_t size = buffer_.size() - at;
    if (size > kMaxAttribute) {
      overflow_ = true;
      return;
    }
    auto length = static_cast<uint16_t>(size);
    patch(at, &length, sizeof length);
  }

  void raw(const void* data, size_t size) {
    if (overflow_ || buffer_.size() + size > kMaxMessage) {
      overflow_ = true;
      return;
    }
    const auto* p = static_cast<const uint8_t*>(data);
    buffer_.insert(buffer_.end(), p, p + size);
  }
  void pad() {
    while (buffer_.size() % 4) buffer_.push_back(0);
  }
  void patch(size_t at, const void* data, size_t size) {
    if (at + size <= buffer_.size()) std::memcpy(buffer_.data() + at, data, size);
  }

  // True when an attribute or the whole did not fit.
  bool overflow() const { return overflow_; }
  const Bytes& bytes() const { return buffer_; }
  Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
  bool overflow_ = false;
};

}  // namespace vnet
