#include "socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vnet {

namespace {

constexpr size_t kFirstBuffer = 64 * 1024;
constexpr size_t kLargestBuffer = 4 * 1024 * 1024;
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

}  // namespace

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
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer)) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  timeval limit{kReceiveSeconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fd_ = std::move(fd);
  buffer_.resize(kFirstBuffer);
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
    // MSG_TRUNC makes recv answer with the real size, so that a cut datagram cannot be missed;
    // peeking first would cost a second call for every message.
    sockaddr_nl from{};
    socklen_t length = sizeof from;
    ssize_t n = ::recvfrom(fd_.get(), buffer_.data(), buffer_.size(), flags | MSG_TRUNC,
                           reinterpret_cast<sockaddr*>(&from), &length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    if (from.nl_pid != 0) continue;  // only the kernel may answer
    if (static_cast<size_t>(n) > buffer_.size()) {
      buffer_.resize(
          std::min(kLargestBuffer, std::max(buffer_.size() * 2, static_cast<size_t>(n))));
      return -EMSGSIZE;
    }
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

bool read_reply(View datagram, uint32_t sequence, const Object& object, View sent,
                const OnMessage& on_message, bool* interrupted, Failure* result) {
  MessageCursor m(datagram);
  while (m.next()) {
    // A left-over of a request that was given up is not ours.
    if (m.header.nlmsg_seq != sequence) continue;
    if (m.header.nlmsg_flags & NLM_F_DUMP_INTR) *interrupted = true;
    if (m.header.nlmsg_type == NLMSG_ERROR || m.header.nlmsg_type == NLMSG_DONE) {
      *result = parse_error(m.header, m.payload, &object, sent.from(sizeof(nlmsghdr)));
      return true;
    }
    if (m.header.nlmsg_type >= NLMSG_MIN_TYPE) on_message(m.header, m.payload);
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

Failure Socket::exchange(const Bytes& request, uint32_t sequence, const Object& object,
                         const OnMessage& on_message, bool* interrupted, const AbortFlag* abort) {
  if (Failure f = send(request)) return f;
  View sent{request.data(), request.size()};
  for (;;) {
    ssize_t n = receive(0);
    if (n < 0) return syscall_failure("netlink.receive", "recvfrom", static_cast<int>(-n));
    Failure f;
    View datagram{buffer_.data(), static_cast<size_t>(n)};
    if (read_reply(datagram, sequence, object, sent, on_message, interrupted, &f)) return f;
    if (abort && abort->load(std::memory_order_relaxed)) {
      fd_.reset();
      f.error = ECANCELED;
      f.aborted = true;
      return f;
    }
  }
}

Failure Socket::batch(const Bytes& request, uint32_t first, uint32_t count, bool echo,
                      const std::function<void(const nlmsghdr&, View)>& on_echo, uint32_t* culprit,
                      Bytes* error_payload) {
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
      if (n == -ENOBUFS || n == -EMSGSIZE) continue;
      return failure;
    }
    View datagram{buffer_.data(), static_cast<size_t>(n)};
    read_batch_reply(datagram, {first, count}, on_echo, &failure, culprit, error_payload);
  }
}

}  // namespace vnet
