// A netlink socket and the exchange of one request with the kernel.
#pragma once

#include <sys/types.h>

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

using OnMessage = std::function<void(const nlmsghdr&, View)>;

// What is known of an answer beside its messages.
struct Answer {
  // The kernel says that the table changed while it was dumped (NLM_F_DUMP_INTR).
  bool interrupted = false;
  // Datagrams so far that held messages of it.
  uint32_t parts = 0;
};

// A request and what is done with its answer. `object` says which messages answer it, and names
// attributes in errors.
struct Request {
  Bytes bytes;
  uint32_t sequence = 0;
  const Object* object = nullptr;
};

class Socket {
 public:
  bool open() const { return fd_.valid(); }
  // Opens the socket in the namespace of the calling thread.
  Failure open_here(int protocol);
  // Whether the kernel filters dumps by all that it is asked (NETLINK_GET_STRICT_CHK, Linux 4.20);
  // otherwise it tells more.
  bool strict() const { return strict_; }
  // How many bytes a datagram of a dump may have, at most 32 KiB; to be said before the first is
  // read. Entries lie in other datagrams then, which tells looks at a table apart.
  void limit_parts(size_t bytes) { part_limit_ = bytes; }

  uint32_t next_sequence() { return ++sequence_; }
  // The first of so many.
  uint32_t take_sequences(uint32_t count) {
    uint32_t first = sequence_ + 1;
    sequence_ += count;
    return first;
  }

  // Sends a request and reads its answer to the end: the ack, the refusal or the end of the dump.
  // `on_message` sees every data message of it. A dump may have an `abort` flag, which is looked at
  // between datagrams; when it is set, the rest is not read. A socket whose answer was not read to
  // the end is closed, with what the kernel still has for it: it must be opened anew.
  Failure exchange(const Request& request, const OnMessage& on_message, Answer* answer,
                   const AbortFlag* abort = nullptr);

  // The same in parts: sends a request, and reads one datagram of its answer. `done` tells that it
  // was the last.
  Failure start(const Request& request);
  Failure read_part(const Request& request, const OnMessage& on_message, Answer* answer,
                    bool* done);

  // Sends an nfnetlink batch and drains what the kernel says to it. It says nothing when all went
  // well: the work is done when sendmsg returns. The batch has `count` sequence numbers from
  // `first`; `culprit` gets that of the first message refused. With `echo`, `on_echo` sees what
  // the kernel tells of the things made.
  Failure batch(const Bytes& request, uint32_t first, uint32_t count, bool echo,
                const OnMessage& on_echo, uint32_t* culprit, Bytes* error_payload);

 private:
  Failure send(const Bytes& request);
  Failure widen_parts();
  void grow(int option, int forced_option, size_t size);
  // Returns the datagram's size, or -errno.
  ssize_t receive(int flags);

  Fd fd_;
  uint32_t sequence_ = 0;
  Bytes buffer_;
  size_t part_limit_ = SIZE_MAX;
  bool has_read_ = false;
  bool strict_ = false;
};

// No errno goes as far (linux/err.h, MAX_ERRNO).
constexpr ssize_t kNotOfKernel = -4096;

// Reads a datagram into `buffer`, which grows with it. Returns its size, -errno, or kNotOfKernel
// when another process sent it. The kernel is told that there is room for `room` bytes at least.
ssize_t receive_datagram(int fd, int flags, size_t room, Bytes* buffer);

// What a datagram says to a request. True when the answer is complete; then `result` holds the
// refusal, if it was one. Asks nothing of the kernel, so that it can be fuzzed.
bool read_reply(View datagram, const Request& request, const OnMessage& on_message, Answer* answer,
                Failure* result);

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
