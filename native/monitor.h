// Watches a namespace: reads the notifications of its netlink groups on a thread of its own and
// keeps them in a bounded queue until they are taken.
#pragma once

#include <pthread.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "events.h"
#include "failure.h"
#include "fd.h"
#include "value.h"

namespace vnet {

class Monitor {
 public:
  struct Options {
    std::vector<const EventKind*> kinds;
    // Most events that wait; what comes when so many do is dropped and told as an overrun.
    size_t limit = 0;
    // Bytes that the kernel keeps for us, or 0 for its default.
    int receive_buffer = 0;
  };

  // Subscribes in the namespace. `wake` is called on the reader's thread when something waits
  // that take() has not seen; once, until take() has found nothing left.
  static Failure open(int netns, Options options, std::function<void()> wake,
                      std::unique_ptr<Monitor>* out);
  // Stops the thread and waits for it.
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // The oldest events, at most so many. {kind: "overrun"} stands where some are missing.
  List take(size_t most);
  // Why the reader gave up, if it did. Looked at when take() finds nothing.
  Failure failure();

 private:
  struct Source {
    int protocol;
    Fd fd;
  };

  Monitor(Options options, std::function<void()> wake)
      : options_(std::move(options)), wake_(std::move(wake)) {}
  Failure open_here();
  void read_all();
  // False when the source cannot be read any more.
  bool drain(Source& source);
  void push(List events);
  void push_overrun();
  void signal(std::unique_lock<std::mutex> hold);
  bool overflowing();

  Options options_;
  std::function<void()> wake_;
  std::vector<Source> sources_;
  Fd stop_;
  Bytes buffer_;
  pthread_t thread_ = 0;
  bool running_ = false;

  std::mutex mutex_;  // what follows is shared by the two threads
  std::deque<Value> queue_;
  bool overrun_ =
      false;  // the last event of the queue says so, and none is added until it is taken
  bool idle_ = true;
  Failure failure_;
};

}  // namespace vnet
