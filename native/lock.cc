#include "lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace vnet {

namespace {

int64_t now_us() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000000 + t.tv_nsec / 1000;
}

void sleep_us(int64_t us) {
  timespec t{us / 1000000, (us % 1000000) * 1000};
  nanosleep(&t, nullptr);
}

// A lock on a file that was unlinked meanwhile protects nothing.
bool still_there(int fd, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

}  // namespace

Failure lock_file(const std::string& path, int timeout_ms, const std::string& label, Fd* out) {
  int64_t deadline = now_us() + int64_t{timeout_ms} * 1000;
  int64_t pause = 200;
  for (;;) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return syscall_failure("lock", "open", errno);
    while (flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return syscall_failure("lock", "flock", errno);
      if (now_us() >= deadline) {
        Failure f = syscall_failure("lock", "flock", EAGAIN);
        char holder[256];
        ssize_t n = pread(fd.get(), holder, sizeof holder, 0);
        if (n > 0) f.ext_ack.assign(holder, static_cast<size_t>(n));
        return f;
      }
      sleep_us(pause);
      pause = std::min<int64_t>(pause * 2, 5000);
    }
    if (!still_there(fd.get(), path)) continue;
    // The label is a courtesy to whoever waits; the lock holds without it.
    if (ftruncate(fd.get(), 0) < 0 || pwrite(fd.get(), label.data(), label.size(), 0) < 0) {
    }
    *out = std::move(fd);
    return {};
  }
}

}  // namespace vnet
