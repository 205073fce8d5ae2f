// Programs started inside a network namespace.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "failure.h"
#include "fd.h"
#include "reactor.h"

namespace vnet {

// What becomes of one of the child's standard streams.
enum class Stdio : uint8_t { kIgnore, kInherit, kPipe };

struct ChildSpec {
  std::string file;               // looked for in the PATH of `environment` when it has no slash
  std::vector<std::string> argv;  // with the program's own name first
  std::vector<std::string> environment;  // NAME=value
  std::string folder;                    // empty: that of this process
  Stdio stdio[3] = {Stdio::kIgnore, Stdio::kIgnore, Stdio::kIgnore};
};

// How a child ended. `failure` is set when that cannot be known.
struct ChildEnd {
  int code = -1;   // exit status, or -1
  int signal = 0;  // what ended it, or 0
  Failure failure;
};

// A child that runs, or has run. The reactor waits for its end, on the child's pidfd alone, so that
// nothing is taken from others who wait for children of theirs.
class Child final : private Readable {
 public:
  // Starts the program on a thread made for that, which enters the namespace: the child is born in
  // it. `on_end` is called on the reactor's thread, once, unless the handle goes first.
  static Failure start(int netns, const ChildSpec& spec, Reactor& reactor,
                       std::function<void()> on_end, std::unique_ptr<Child>* out);
  // Stops waiting; the child itself runs on.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Our end of a piped stream, to the caller; -1 when it is not piped or was taken.
  int take_pipe(int stream);
  // How it ended; nothing before `on_end`.
  std::optional<ChildEnd> end();
  // ESRCH when the child has ended.
  Failure kill(int signal);

 private:
  Child(Reactor& reactor, std::function<void()> on_end)
      : reactor_(reactor), on_end_(std::move(on_end)) {}
  Failure watch();
  bool on_readable(int fd, Bytes& scratch) override;

  Reactor& reactor_;
  std::function<void()> on_end_;
  pid_t pid_ = -1;
  Fd pidfd_;
  Fd pipes_[3];

  std::mutex mutex_;  // of what the reactor's thread writes
  std::optional<ChildEnd> end_;
};

}  // namespace vnet
