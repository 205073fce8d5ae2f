#include "monitor.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "socket.h"
#include "thread.h"

namespace vnet {

namespace {

// For most notifications. Some are larger: of a link that has hundreds of names, say.
constexpr size_t kBuffer = 64 * 1024;
// A busy socket gives way to the stop signal after so many datagrams.
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

Failure Monitor::open(int netns, Options options, std::function<void()> wake,
                      std::unique_ptr<Monitor>* out) {
  constexpr const char* op = "monitor.open";
  std::unique_ptr<Monitor> m(new Monitor(std::move(options), std::move(wake)));
  if (Failure f = in_netns(op, netns, [&]() { return m->open_here(); })) return f;
  m->stop_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!m->stop_.valid()) return failed("eventfd");
  m->buffer_.resize(kBuffer);
  auto body = [](void* p) -> void* {
    static_cast<Monitor*>(p)->read_all();
    return nullptr;
  };
  // The thread never enters a namespace: its sockets carry theirs.
  if (int error = pthread_create(&m->thread_, nullptr, body, m.get())) {
    return syscall_failure(op, "pthread_create", error);
  }
  m->running_ = true;
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
    sources_.push_back({protocol, std::move(fd)});
  }
  return {};
}

Monitor::~Monitor() {
  if (!running_) return;
  uint64_t one = 1;
  // The counter of a fresh eventfd has room for it.
  while (::write(stop_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  pthread_join(thread_, nullptr);
}

void Monitor::read_all() {
  std::vector<pollfd> watched{{stop_.get(), POLLIN, 0}};
  for (const Source& s : sources_) watched.push_back({s.fd.get(), POLLIN, 0});
  for (;;) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[0].revents) return;
    for (size_t i = 0; i < sources_.size(); i++) {
      if (watched[i + 1].revents && !drain(sources_[i])) return;
    }
  }
}

bool Monitor::drain(Source& source) {
  for (int i = 0; i < kDatagramsAtOnce; i++) {
    ssize_t n = receive_datagram(source.fd.get(), 0, SIZE_MAX, &buffer_);
    if (n == kNotOfKernel) continue;  // only the kernel is believed
    if (n == -EAGAIN) return true;
    if (n == -ENOBUFS) {
      push_overrun();
      continue;
    }
    if (n < 0) {
      std::unique_lock<std::mutex> hold(mutex_);
      failure_ = syscall_failure("monitor.read", "recvfrom", static_cast<int>(-n));
      signal(std::move(hold));
      return false;
    }
    if (!overflowing()) {
      push(read_events({buffer_.data(), static_cast<size_t>(n)}, source.protocol, options_.kinds));
    }
  }
  return true;
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
