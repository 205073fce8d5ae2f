#include "reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <mutex>

#include "thread.h"

namespace vnet {

namespace {

// The number of the descriptor that ends the thread.
constexpr uint64_t kStop = 0;
// Decoding goes some levels deep; what musl gives a thread (128 KiB) is little for that.
constexpr size_t kStack = 1024 * 1024;

int epoll_add(int epoll, int fd, uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

Failure Reactor::add(const char* op, Readable& readable) {
  if (!running_) {
    if (Failure f = start(op)) return f;
  }
  std::lock_guard<FairMutex> hold(turn_);
  known_[&readable];
  return {};
}

Failure Reactor::watch(const char* op, Readable& readable, int fd) {
  std::lock_guard<FairMutex> hold(turn_);
  uint64_t number = next_++;
  if (epoll_add(epoll_.get(), fd, number) < 0) return syscall_failure(op, "epoll_ctl", errno);
  known_[&readable].push_back(number);
  watched_[number] = {&readable, fd};
  return {};
}

void Reactor::remove(Readable& readable) {
  bool last = false;
  {
    std::lock_guard<FairMutex> hold(turn_);
    auto known = known_.find(&readable);
    if (known == known_.end()) return;
    for (uint64_t number : known->second) {
      auto entry = watched_.find(number);
      if (entry->second.fd >= 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry->second.fd, nullptr);
      }
      watched_.erase(entry);
    }
    known_.erase(known);
    last = known_.empty();
  }
  if (last) stop();
}

Failure Reactor::start(const char* op) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return syscall_failure(op, "epoll_create1", errno);
  Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return syscall_failure(op, "eventfd", errno);
  if (epoll_add(epoll.get(), stop.get(), kStop) < 0) {
    return syscall_failure(op, "epoll_ctl", errno);
  }
  epoll_ = std::move(epoll);
  stop_ = std::move(stop);
  auto body = [](void* p) -> void* {
    static_cast<Reactor*>(p)->run();
    return nullptr;
  };
  // It never enters a namespace: sockets carry theirs.
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  int error = start_thread(&thread_, &attributes, body, this);
  pthread_attr_destroy(&attributes);
  running_ = error == 0;
  if (running_) return {};
  epoll_.reset();
  stop_.reset();
  return syscall_failure(op, "pthread_create", error);
}

void Reactor::stop() {
  if (!running_) return;
  uint64_t one = 1;
  // The counter of a fresh eventfd has room for it.
  while (::write(stop_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  pthread_join(thread_, nullptr);
  running_ = false;
  epoll_.reset();
  stop_.reset();
  scratch_ = {};
}

void Reactor::run() {
  constexpr int kAtOnce = 64;
  epoll_event events[kAtOnce];
  for (;;) {
    int count = ::epoll_wait(epoll_.get(), events, kAtOnce, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == kStop) return;
      call(events[i].data.u64);
    }
  }
}

void Reactor::call(uint64_t number) {
  std::lock_guard<FairMutex> hold(turn_);
  auto entry = watched_.find(number);
  if (entry == watched_.end() || entry->second.fd < 0) return;
  if (entry->second.readable->on_readable(entry->second.fd, scratch_)) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry->second.fd, nullptr);
  entry->second.fd = -1;
}

}  // namespace vnet
