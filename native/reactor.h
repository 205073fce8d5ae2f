// One thread that waits for all descriptors of an environment: monitors' sockets, children's
// pidfds.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "failure.h"
#include "fair_mutex.h"
#include "fd.h"
#include "value.h"

namespace vnet {

// What has descriptors to be waited for.
class Readable {
 public:
  // Called on the reactor's thread when `fd` can be read; must not wait, and should give way after
  // a while, since others are read by the same thread. `scratch` is memory of the thread's, to be
  // grown at will. False: the descriptor is not to be waited for any more.
  virtual bool on_readable(int fd, Bytes& scratch) = 0;

 protected:
  ~Readable() = default;
};

// Made, used and ended by one thread, the environment's. While nothing is waited for there is
// neither a thread nor a descriptor.
class Reactor {
 public:
  Reactor() = default;
  ~Reactor() { stop(); }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Makes it known, and the thread run; what can fail for want of resources fails here.
  Failure add(const char* op, Readable& readable);
  // Waits for a descriptor of it. The descriptor must stay open until remove().
  Failure watch(const char* op, Readable& readable, int fd);
  // When this returns, nothing of it is called any more. Harmless when it is not known.
  void remove(Readable& readable);

 private:
  struct Watched {
    Readable* readable;
    int fd;  // -1 when it is not waited for any more
  };

  Failure start(const char* op);
  void stop();
  void run();
  void call(uint64_t number);

  Fd epoll_;
  Fd stop_;
  pthread_t thread_ = 0;
  bool running_ = false;
  Bytes scratch_;  // the thread's

  // Held while the tables change, and while one is called: fair, so that whoever removes one waits
  // for a single call, however busy the others are.
  FairMutex turn_;
  std::unordered_map<Readable*, std::vector<uint64_t>> known_;
  // By the number that epoll hands back: one that was removed meanwhile is not found.
  std::unordered_map<uint64_t, Watched> watched_;
  uint64_t next_ = 1;
};

}  // namespace vnet
