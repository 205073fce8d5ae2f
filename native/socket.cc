#include "socket.h"

#include <linux/netlink.h>
#include <linux/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace vnet {

namespace {

// The kernel fills datagrams of a dump to 32 KiB when it is offered as much
// (net/netlink/af_netlink.c, netlink_recvmsg); a larger one holds a single large entry.
constexpr size_t kFirstBuffer = 64 * 1024;
// Dumps of large tables are queued by the kernel as we read; more room means fewer wake-ups.
constexpr int kReceiveBuffer = 1024 * 1024;
// A reply to a request always comes. The limit only keeps a broken kernel from hanging us.
constexpr time_t kReceiveSeconds = 30;

// The errno of a message. The kernel's are -1 to -4095 (linux/err.h, MAX_ERRNO); anything else is
// no answer that could be passed on.
int errno_of(int32_t code) {
  constexpr int32_t kMaxErrno = 4095;
  if (code == 0) return 0;
  return code < 0 && code >= -kMaxErrno ? -code : EPROTO;
}

// Whether a message of that type answers the request. The kernel sends the echo of a link made in
// another namespace to the socket there whose port has the same number, which may be one of ours.
bool is_answer(const Request& request, uint16_t type) {
  nlmsghdr sent{};
  View{request.bytes.data(), request.bytes.size()}.read(0, &sent);
  const Object& o = *request.object;
  // All messages of a family of generic netlink have its number, and all of sock_diag have one.
  if (o.family.generic() || o.family.protocol == NETLINK_SOCK_DIAG) return type == sent.nlmsg_type;
  bool deletes = sent.nlmsg_type == o.types.del || sent.nlmsg_type == o.types.destroy;
  if (deletes) return type == o.types.del;
  if (type == o.types.create) return true;
  return std::any_of(o.notices.begin(), o.notices.end(),
                     [&](const Notice& notice) { return type == notice.made; });
}

// Sequence numbers start where nobody can tell, so that no left-over of another socket fits.
uint32_t random_sequence() {
  uint32_t n = 0;
  // glibc has a function for it since 2.25 only.
  if (::syscall(SYS_getrandom, &n, sizeof n, GRND_NONBLOCK) != sizeof n) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    n = static_cast<uint32_t>(now.tv_nsec);
  }
  return n;
}

}  // namespace

ssize_t receive_datagram(int fd, int flags, size_t room, Bytes* buffer) {
  ssize_t n = 0;
  do {
    n = ::recv(fd, nullptr, 0, flags | MSG_PEEK | MSG_TRUNC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  if (buffer->size() < static_cast<size_t>(n)) buffer->resize(static_cast<size_t>(n));
  room = std::min(buffer->size(), std::max(room, static_cast<size_t>(n)));
  sockaddr_nl from{};
  socklen_t length = sizeof from;
  do {
    n = ::recvfrom(fd, buffer->data(), room, flags | MSG_TRUNC, reinterpret_cast<sockaddr*>(&from),
                   &length);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  if (from.nl_pid != 0) return kNotOfKernel;
  return static_cast<size_t>(n) > room ? -EMSGSIZE : n;
}

Failure Socket::open_here(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return syscall_failure("netlink.open", "socket", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return syscall_failure("netlink.open", "bind", errno);
  }
  int on = 1;
  // Old kernels lack some of these; the parser copes without.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  strict_ = ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on) == 0;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer)) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  timeval limit{kReceiveSeconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fd_ = std::move(fd);
  buffer_.resize(kFirstBuffer);
  sequence_ = random_sequence();
  has_read_ = false;
  return {};
}

void Socket::grow(int option, int forced_option, size_t size) {
  int have = 0;
  socklen_t length = sizeof have;
  ::getsockopt(fd_.get(), SOL_SOCKET, option, &have, &length);
  int want = static_cast<int>(std::min<size_t>(size, INT32_MAX / 2));
  if (have >= want) return;
  if (::setsockopt(fd_.get(), SOL_SOCKET, forced_option, &want, sizeof want)) {
    ::setsockopt(fd_.get(), SOL_SOCKET, option, &want, sizeof want);
  }
}

Failure Socket::send(const Bytes& request) {
  grow(SO_SNDBUF, SO_SNDBUFFORCE, request.size() + 4096);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t n = 0;
  do {
    n = ::sendto(fd_.get(), request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return syscall_failure("netlink.send", "sendto", errno);
  return {};
}

ssize_t Socket::receive(int flags) {
  for (;;) {
    ssize_t n = receive_datagram(fd_.get(), flags, part_limit_, &buffer_);
    if (n == kNotOfKernel) continue;  // only the kernel may answer
    has_read_ = has_read_ || n >= 0;
    return n;
  }
}

Failure parse_error(const nlmsghdr& header, View payload, const Object* object, View request) {
  Failure f;
  int32_t code = 0;
  if (!payload.read(0, &code) || code == 0) return f;
  f.error = errno_of(code);
  if (!(header.nlmsg_flags & NLM_F_ACK_TLVS)) return f;
  size_t at = sizeof code;
  if (header.nlmsg_type == NLMSG_ERROR) {
    // struct nlmsgerr: the errno and the request's header, then (unless capped) the rest of the
    // request, then the attributes (net/netlink/af_netlink.c, netlink_ack).
    nlmsghdr inner;
    if (!payload.read(at, &inner)) return f;
    at += sizeof inner;
    if (!(header.nlmsg_flags & NLM_F_CAPPED) && inner.nlmsg_len >= sizeof inner) {
      at += align4(inner.nlmsg_len - sizeof inner);
    }
  }
  AttributeCursor c(payload.from(at));
  while (c.next()) {
    if (c.type == NLMSGERR_ATTR_MSG) {
      const char* text = reinterpret_cast<const char*>(c.value.data);
      f.ext_ack.assign(text, strnlen(text, c.value.size));
    } else if (c.type == NLMSGERR_ATTR_OFFS && object) {
      uint32_t offset = 0;
      if (c.value.read(0, &offset) && offset >= sizeof(nlmsghdr)) {
        f.attribute = attribute_name(object->asks(), request, offset - sizeof(nlmsghdr));
      }
    }
  }
  return f;
}

bool read_reply(View datagram, const Request& request, const OnMessage& on_message, Answer* answer,
                Failure* result) {
  MessageCursor m(datagram);
  bool counted = false;
  while (m.next()) {
    // A left-over of a request that was given up is not ours.
    if (m.header.nlmsg_seq != request.sequence) continue;
    if (m.header.nlmsg_flags & NLM_F_DUMP_INTR) answer->interrupted = true;
    if (m.header.nlmsg_type == NLMSG_ERROR || m.header.nlmsg_type == NLMSG_DONE) {
      View sent{request.bytes.data(), request.bytes.size()};
      *result = parse_error(m.header, m.payload, request.object, sent.from(sizeof(nlmsghdr)));
      return true;
    }
    if (!is_answer(request, m.header.nlmsg_type)) continue;
    if (!counted) answer->parts++;
    counted = true;
    on_message(m.header, m.payload);
  }
  return false;
}

void read_batch_reply(View datagram, SequenceRange range, const OnMessage& on_echo,
                      Failure* failure, uint32_t* culprit, Bytes* error) {
  MessageCursor m(datagram);
  while (m.next()) {
    // A left-over of a request that was given up is not ours.
    if (m.header.nlmsg_seq - range.first >= range.count) continue;
    if (m.header.nlmsg_type >= NLMSG_MIN_TYPE) on_echo(m.header, m.payload);
    int32_t code = 0;
    if (m.header.nlmsg_type != NLMSG_ERROR || !m.payload.read(0, &code) || !code) continue;
    // The kernel's word counts more than a socket that ran over.
    if (*failure && failure->syscall.empty()) continue;
    *failure = {};
    failure->error = errno_of(code);
    *culprit = m.header.nlmsg_seq;
    const auto* start = m.payload.data - sizeof(nlmsghdr);
    error->assign(start, start + m.header.nlmsg_len);
  }
}

// Until a socket has read something the kernel fills 3.7 KiB of a dump's first datagram, and an
// entry that is larger ends the dump without a word (a rule of a hundred expressions, say). So it
// reads something first: the acknowledgement of a message that asks for nothing.
Failure Socket::widen_parts() {
  Writer w;
  w.end_message(w.begin_message(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, next_sequence()));
  if (Failure f = send(w.bytes())) return f;
  ssize_t n = receive(0);
  if (n < 0) return syscall_failure("netlink.receive", "recvfrom", static_cast<int>(-n));
  return {};
}

Failure Socket::start(const Request& request) {
  nlmsghdr header{};
  View{request.bytes.data(), request.bytes.size()}.read(0, &header);
  if ((header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP && !has_read_) {
    if (Failure f = widen_parts()) return f;
  }
  return send(request.bytes);
}

Failure Socket::read_part(const Request& request, const OnMessage& on_message, Answer* answer,
                          bool* done) {
  ssize_t n = receive(0);
  if (n < 0) {
    *done = true;
    fd_.reset();
    return syscall_failure("netlink.receive", "recvfrom", static_cast<int>(-n));
  }
  Failure f;
  *done = read_reply({buffer_.data(), static_cast<size_t>(n)}, request, on_message, answer, &f);
  return f;
}

Failure Socket::exchange(const Request& request, const OnMessage& on_message, Answer* answer,
                         const AbortFlag* abort) {
  if (Failure f = start(request)) return f;
  for (;;) {
    bool done = false;
    Failure f = read_part(request, on_message, answer, &done);
    if (done) return f;
    if (abort && abort->load(std::memory_order_relaxed)) {
      fd_.reset();
      f.error = ECANCELED;
      f.aborted = true;
      return f;
    }
  }
}

Failure Socket::batch(const Bytes& request, uint32_t first, uint32_t count, bool echo,
                      const OnMessage& on_echo, uint32_t* culprit, Bytes* error_payload) {
  // The echoes all come before send() returns, and take more room than what was sent: the kernel
  // adds handles, and accounts for whole pages.
  if (echo) grow(SO_RCVBUF, SO_RCVBUFFORCE, kReceiveBuffer + request.size() * 8);
  if (Failure f = send(request)) return f;
  Failure failure;
  for (;;) {
    ssize_t n = receive(MSG_DONTWAIT);
    if (n == -EAGAIN) return failure;
    if (n < 0) {
      // ENOBUFS: more errors (or echoes) than the socket holds.
      if (!failure) failure = syscall_failure("nft.batch", "recvfrom", static_cast<int>(-n));
      if (n == -ENOBUFS) continue;
      fd_.reset();
      return failure;
    }
    View datagram{buffer_.data(), static_cast<size_t>(n)};
    read_batch_reply(datagram, {first, count}, on_echo, &failure, culprit, error_payload);
  }
}

}  // namespace vnet
