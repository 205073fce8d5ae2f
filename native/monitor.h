// Watches a namespace: reads the notifications of its netlink groups on the reactor's thread and
// keeps them in a bounded queue until they are taken.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "events.h"
#include "failure.h"
#include "fd.h"
#include "reactor.h"
#include "value.h"

namespace vnet {

class Monitor final : private Readable {
 public:
  struct Options {
    std::vector<const EventKind*> kinds;
    // Most events that wait; what comes when so many do is dropped and told as an overrun.
    size_t limit = 0;
    // Bytes that the kernel keeps for us, or 0 for its default.
    int receive_buffer = 0;
  };

  // Subscribes in the namespace. `wake` is called on the reactor's thread when something waits
  // that take() has not seen; once, until take() has found nothing left.
  static Failure open(int netns, Options options, Reactor& reactor, std::function<void()> wake,
                      std::unique_ptr<Monitor>* out);
  // When it is gone, `wake` is not called any more.
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // The oldest events, at most so many. {kind: "overrun"} stands where some are missing.
  List take(size_t most);
  // Why reading ended, if it did. Looked at when take() finds nothing.
  Failure failure();

 private:
  struct Source {
    int protocol;
    Fd fd;
    bool lost = false;  // the kernel dropped something that was not told yet
  };

  Monitor(Options options, Reactor& reactor, std::function<void()> wake)
      : options_(std::move(options)), reactor_(reactor), wake_(std::move(wake)) {}
  Failure open_here();
  bool on_readable(int fd, Bytes& scratch) override;
  void give_up(int error);
  void push(List events);
  void push_overrun();
  void signal(std::unique_lock<std::mutex> hold);
  bool overflowing();

  Options options_;
  Reactor& reactor_;
  std::function<void()> wake_;
  std::vector<Source> sources_;

  std::mutex mutex_;  // what follows is shared by the two threads
  std::deque<Value> queue_;
  bool overrun_ =
      false;  // the last event of the queue says so, and none is added until it is taken
  bool idle_ = true;
  Failure failure_;
};

}  // namespace vnet
