// Walks bytes from the kernel without ever reading past their end.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace vnet {

// linux/netlink.h: #define NLMSG_ALIGN(len) (((len) + 4 - 1) & ~(4 - 1)); NLA_ALIGN is the same.
constexpr size_t align4(size_t n) { return (n + 3) & ~size_t{3}; }

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

// The text of a NUL-terminated string, which may lack its NUL.
inline std::string_view text_in(View v) {
  const char* text = reinterpret_cast<const char*>(v.data);
  return {text, strnlen(text, v.size)};
}

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
    size_t step = align4(a.nla_len);
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
    rest_ = rest_.from(align4(header.nlmsg_len));
    return true;
  }

  nlmsghdr header{};
  View payload;

 private:
  View rest_;
};

}  // namespace vnet
