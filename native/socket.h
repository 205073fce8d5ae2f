// A netlink socket and the exchange of one request with the kernel.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "failure.h"
#include "fd.h"
#include "wire/object.h"
#include "wire/reader.h"

namespace vnet {

// Set by another thread when nobody wants the answer any more.
using AbortFlag = std::atomic<bool>;

class Socket {
 public:
  bool open() const { return fd_.valid(); }
  // Opens the socket in the namespace of the calling thread.
  Failure open_here(int protocol);

  uint32_t next_sequence() { return ++sequence_; }
  // The first of so many.
  uint32_t take_sequences(uint32_t count) {
    uint32_t first = sequence_ + 1;
    sequence_ += count;
    return first;
  }

  // Sends what was written and reads until the ack, error or end of dump of `sequence`.
  // `on_message` sees every data message of that request. `object` names attributes in errors.
  // A dump may have an `abort` flag, which is looked at between datagrams; when it is set, the rest
  // is not read, and the socket is closed with what the kernel still has for it.
  Failure exchange(const Bytes& request, uint32_t sequence, const Object& object,
                   const std::function<void(const nlmsghdr&, View)>& on_message, bool* interrupted,
                   const AbortFlag* abort = nullptr);

  // Sends an nfnetlink batch and drains what the kernel says to it. It says nothing when all went
  // well: the work is done when sendmsg returns. The batch has `count` sequence numbers from
  // `first`; `culprit` gets that of the first message refused. With `echo`, `on_echo` sees what
  // the kernel tells of the things made.
  Failure batch(const Bytes& request, uint32_t first, uint32_t count, bool echo,
                const std::function<void(const nlmsghdr&, View)>& on_echo, uint32_t* culprit,
                Bytes* error_payload);

 private:
  Failure send(const Bytes& request);
  void grow(int option, int forced_option, size_t size);
  // Returns the datagram's size, or -errno.
  ssize_t receive(int flags);

  Fd fd_;
  uint32_t sequence_ = 0;
  Bytes buffer_;
};

using OnMessage = std::function<void(const nlmsghdr&, View)>;

// What a datagram says to the request `sequence`, which was `sent` (with its nlmsghdr). True when
// the answer is complete; then `result` holds the refusal, if it was one. Asks nothing of the
// kernel, so that it can be fuzzed.
bool read_reply(View datagram, uint32_t sequence, const Object& object, View sent,
                const OnMessage& on_message, bool* interrupted, Failure* result);

struct SequenceRange {
  uint32_t first;
  uint32_t count;
};

// Notes the first refusal that a datagram brings for an nfnetlink batch: its errno, the sequence
// number of the message, and the whole error message with its header. `on_echo` sees what the
// kernel tells of the things made.
void read_batch_reply(View datagram, SequenceRange range, const OnMessage& on_echo,
                      Failure* failure, uint32_t* culprit, Bytes* error);

// Reads the errno and the extended ack out of an NLMSG_ERROR or NLMSG_DONE message. `request` is
// the message that was answered, without its nlmsghdr; it serves to name the attribute.
Failure parse_error(const nlmsghdr& header, View payload, const Object* object, View request);

}  // namespace vnet
