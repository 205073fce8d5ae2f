// Walks bytes from the kernel without ever reading past their end.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>

namespace vnet {

struct View {
  const uint8_t* data = nullptr;
  size_t size = 0;

  View from(size_t offset) const {
    return offset >= size ? View{} : View{data + offset, size - offset};
  }
  template <typename T>
  bool read(size_t offset, T* out) const {
    if (offset > size || size - offset < sizeof(T)) return false;
    std::memcpy(out, data + offset, sizeof(T));
    return true;
  }
};

// One attribute at a time: while (cursor.next()) use cursor.type, cursor.value. Stops at the
// first attribute whose length does not fit.
class AttributeCursor {
 public:
  explicit AttributeCursor(View v) : rest_(v) {}

  bool next() {
    nlattr a;
    if (!rest_.read(0, &a) || a.nla_len < sizeof a || a.nla_len > rest_.size) return false;
    type = a.nla_type & NLA_TYPE_MASK;
    value = {rest_.data + sizeof a, a.nla_len - sizeof a};
    offset = consumed_;
    size_t step = (a.nla_len + size_t{3}) & ~size_t{3};
    consumed_ += step;
    rest_ = rest_.from(step);
    return true;
  }

  uint16_t type = 0;
  View value;
  size_t offset = 0;  // of the attribute's header, from the start of the view

 private:
  View rest_;
  size_t consumed_ = 0;
};

// One netlink message at a time out of a datagram.
class MessageCursor {
 public:
  explicit MessageCursor(View v) : rest_(v) {}

  bool next() {
    if (!rest_.read(0, &header) || header.nlmsg_len < sizeof header ||
        header.nlmsg_len > rest_.size) {
      return false;
    }
    payload = {rest_.data + sizeof header, header.nlmsg_len - sizeof header};
    rest_ = rest_.from((header.nlmsg_len + size_t{3}) & ~size_t{3});
    return true;
  }

  nlmsghdr header{};
  View payload;

 private:
  View rest_;
};

}  // namespace vnet
