// Programs started inside a network namespace.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "failure.h"
#include "fd.h"

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

// A child that runs, or has run. A thread waits for its end, on the child's pidfd alone, so that it
// takes nothing from others who wait for children of theirs.
class Child {
 public:
  // Starts the program on a thread made for that, which enters the namespace: the child is born in
  // it. `on_end` is called on the waiting thread, once, unless the handle goes first.
  static Failure start(int netns, const ChildSpec& spec, std::function<void()> on_end,
                       std::unique_ptr<Child>* out);
  // Stops waiting; the child itself runs on.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Our end of a piped stream, to the caller; -1 when it is not piped or was taken.
  int take_pipe(int stream);
  // How it ended; for after `on_end`.
  const ChildEnd& end();
  // ESRCH when the child has ended.
  Failure kill(int signal);

 private:
  Child() = default;
  Failure watch(std::function<void()> on_end);
  void wait();
  void join();

  pid_t pid_ = -1;
  Fd pidfd_;
  Fd stop_;
  Fd pipes_[3];
  std::function<void()> on_end_;
  ChildEnd end_;  // the thread's until it is joined
  pthread_t thread_ = 0;
  bool running_ = false;
};

}  // namespace vnet
