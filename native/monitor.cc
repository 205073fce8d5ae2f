#include "monitor.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "socket.h"
#include "thread.h"

namespace vnet {

namespace {

// Most notifications have a few KiB; a link with hundreds of alternative names has more than 64.
constexpr size_t kBuffer = 64 * 1024;
// A busy socket gives way to the others after so many datagrams.
constexpr int kDatagramsAtOnce = 64;

Value overrun_event() {
  Map m;
  m.emplace_back("kind", Value(std::string("overrun")));
  return Value(std::move(m));
}

Failure failed(const char* syscall) { return syscall_failure("monitor.open", syscall, errno); }

Failure subscribe(int fd, const Monitor::Options& options, int protocol) {
  for (const EventKind* kind : options.kinds) {
    if (kind->family->protocol != protocol) continue;
    for (uint32_t group : kind->groups) {
      if (group &&
          ::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
        return failed("setsockopt");
      }
    }
  }
  return {};
}

Failure open_source(const Monitor::Options& options, int protocol, Fd* out) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid()) return failed("socket");
  int size = options.receive_buffer;
  if (size > 0 && ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return failed("bind");
  }
  if (Failure f = subscribe(fd.get(), options, protocol)) return f;
  *out = std::move(fd);
  return {};
}

}  // namespace

Failure Monitor::open(int netns, Options options, Reactor& reactor, std::function<void()> wake,
                      std::unique_ptr<Monitor>* out) {
  constexpr const char* op = "monitor.open";
  std::unique_ptr<Monitor> m(new Monitor(std::move(options), reactor, std::move(wake)));
  if (Failure f = in_netns(op, netns, [&]() { return m->open_here(); })) return f;
  if (Failure f = reactor.add(op, *m)) return f;
  for (const Source& s : m->sources_) {
    if (Failure f = reactor.watch(op, *m, s.fd.get())) return f;
  }
  *out = std::move(m);
  return {};
}

Failure Monitor::open_here() {
  for (const EventKind* kind : options_.kinds) {
    int protocol = kind->family->protocol;
    bool open = std::any_of(sources_.begin(), sources_.end(),
                            [&](const Source& s) { return s.protocol == protocol; });
    if (open) continue;
    Fd fd;
    if (Failure f = open_source(options_, protocol, &fd)) return f;
    sources_.push_back({protocol, std::move(fd), false});
  }
  return {};
}

Monitor::~Monitor() { reactor_.remove(*this); }

// Once a socket ran over, the kernel drops what comes until all that it holds was read, and says so
// once (net/netlink/af_netlink.c: NETLINK_S_CONGESTED). Who is told of the loss reads anew what he
// watches: not before nothing is dropped any more.
bool Monitor::on_readable(int fd, Bytes& scratch) {
  if (scratch.size() < kBuffer) scratch.resize(kBuffer);
  Source& source = *std::find_if(sources_.begin(), sources_.end(),
                                 [&](const Source& s) { return s.fd.get() == fd; });
  for (int i = 0; i < kDatagramsAtOnce; i++) {
    ssize_t n = receive_datagram(fd, 0, SIZE_MAX, &scratch);
    if (n == kNotOfKernel) continue;  // only the kernel is believed
    if (n == -EAGAIN) {
      if (std::exchange(source.lost, false)) push_overrun();
      return true;
    }
    if (n == -ENOBUFS) {
      source.lost = true;
      continue;
    }
    if (n < 0) {
      give_up(static_cast<int>(-n));
      return false;
    }
    if (overflowing()) continue;
    push(read_events({scratch.data(), static_cast<size_t>(n)}, source.protocol, options_.kinds));
  }
  return true;
}

void Monitor::give_up(int error) {
  std::unique_lock<std::mutex> hold(mutex_);
  failure_ = syscall_failure("monitor.read", "recvfrom", error);
  signal(std::move(hold));
}

bool Monitor::overflowing() {
  std::lock_guard<std::mutex> hold(mutex_);
  return overrun_;
}

void Monitor::push(List events) {
  std::unique_lock<std::mutex> hold(mutex_);
  for (Value& event : events) {
    if (queue_.size() >= options_.limit) {
      queue_.push_back(overrun_event());
      overrun_ = true;
      break;
    }
    queue_.push_back(std::move(event));
  }
  if (!queue_.empty()) signal(std::move(hold));
}

void Monitor::push_overrun() {
  std::unique_lock<std::mutex> hold(mutex_);
  if (overrun_) return;
  queue_.push_back(overrun_event());
  overrun_ = true;
  signal(std::move(hold));
}

void Monitor::signal(std::unique_lock<std::mutex> hold) {
  if (!idle_) return;
  idle_ = false;
  hold.unlock();
  wake_();
}

List Monitor::take(size_t most) {
  std::lock_guard<std::mutex> hold(mutex_);
  size_t n = std::min(most, queue_.size());
  List out(std::make_move_iterator(queue_.begin()),
           std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(n)));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
  if (queue_.empty()) overrun_ = false;
  if (n == 0) idle_ = true;
  return out;
}

Failure Monitor::failure() {
  std::lock_guard<std::mutex> hold(mutex_);
  return failure_;
}

}  // namespace vnet
