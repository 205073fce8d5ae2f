#include "child.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "thread.h"

namespace vnet {

namespace {

constexpr const char* kOp = "netns.spawn";
// linux/wait.h; older headers lack it.
constexpr auto kPidFd = static_cast<idtype_t>(3);
// Numbers that all architectures share (asm-generic/unistd.h); older headers lack them.
constexpr long kPidfdSendSignal = 424;
constexpr long kPidfdOpen = 434;
constexpr long kCloseRange = 436;
// What execvp(3) takes when PATH is not set.
constexpr const char* kDefaultPath = "/usr/local/bin:/bin:/usr/bin";

Failure failed(const char* syscall) { return syscall_failure(kOp, syscall, errno); }

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(kPidfdOpen, pid, 0)); }

// The streams as the parent made them: what the child gets, by stream; -1 is /dev/null.
struct Streams {
  Fd child[3];
  int source[3] = {-1, -1, -1};
};

Failure make_streams(const ChildSpec& spec, Streams* s, Fd (&ours)[3]) {
  for (int i = 0; i < 3; i++) {
    if (spec.stdio[i] == Stdio::kInherit) s->source[i] = i;
    if (spec.stdio[i] != Stdio::kPipe) continue;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return failed("pipe2");
    // The child reads its standard input and writes the others.
    s->child[i] = Fd(ends[i == 0 ? 0 : 1]);
    ours[i] = Fd(ends[i == 0 ? 1 : 0]);
    s->source[i] = s->child[i].get();
  }
  return {};
}

// Puts the streams in place. The table of descriptors is the thread's own by now, so that nothing
// of this is seen by the process.
Failure place_streams(const Streams& s) {
  Fd lifted[3];
  for (int i = 0; i < 3; i++) {
    // Above the places that are to be filled: a process may have been started without them.
    int fd = s.source[i] < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : s.source[i];
    if (fd < 0) return failed("open");
    lifted[i] = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!lifted[i].valid()) return failed("fcntl");
  }
  for (int i = 0; i < 3; i++) {
    if (::dup2(lifted[i].get(), i) < 0) return failed("dup2");
  }
  return {};
}

// Everything but the standard streams is closed in the child, whoever opened it.
void close_others() {
  if (::syscall(kCloseRange, 3U, ~0U, 0U) == 0) return;
  // Before Linux 5.9.
  DIR* folder = ::opendir("/proc/thread-self/fd");
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder)) {
    int fd = std::atoi(entry->d_name);
    if (fd > 2) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::closedir(folder);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Where to look for the program, in order.
std::vector<std::string> candidates(const ChildSpec& spec) {
  if (spec.file.find('/') != std::string::npos) return {spec.file};
  std::string path = kDefaultPath;
  for (const std::string& variable : spec.environment) {
    if (variable.rfind("PATH=", 0) == 0) path = variable.substr(5);
  }
  std::vector<std::string> out;
  for (size_t at = 0; at <= path.size();) {
    size_t end = std::min(path.find(':', at), path.size());
    std::string folder = path.substr(at, end - at);
    out.push_back(folder.empty() ? spec.file : folder + "/" + spec.file);
    at = end + 1;
  }
  return out;
}

// posix_spawn(3): a clone that shares memory until it has become the program, done with all
// signals blocked. The child starts with none blocked and none ignored, whatever Node had set.
int execute(const ChildSpec& spec, pid_t* pid) {
  posix_spawnattr_t attributes;
  if (int error = posix_spawnattr_init(&attributes)) return error;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv = pointers(spec.argv);
  std::vector<char*> environment = pointers(spec.environment);
  int result = ENOENT;
  for (const std::string& file : candidates(spec)) {
    int error =
        posix_spawn(pid, file.c_str(), nullptr, &attributes, argv.data(), environment.data());
    if (error == ENOENT || error == ENOTDIR) continue;
    result = error;
    // As a shell does, go on looking for one that may be run.
    if (error != EACCES) break;
  }
  posix_spawnattr_destroy(&attributes);
  return result;
}

Failure start_here(const ChildSpec& spec, const Streams& streams, pid_t* pid) {
  // The thread's own descriptors and working folder: what is done to them ends with it.
  if (::unshare(CLONE_FILES | CLONE_FS) < 0) return failed("unshare");
  if (!spec.folder.empty() && ::chdir(spec.folder.c_str()) < 0) return failed("chdir");
  if (Failure f = place_streams(streams)) return f;
  close_others();
  if (int error = execute(spec, pid)) return syscall_failure(kOp, "execve", error);
  return {};
}

ChildEnd reap(int pidfd) {
  ChildEnd end;
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(kPidFd, static_cast<id_t>(pidfd), &info, WEXITED);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    // ECHILD: somebody else waited for all children, or SIGCHLD is ignored.
    end.failure = syscall_failure("netns.wait", "waitid", errno);
  } else if (info.si_code == CLD_EXITED) {
    end.code = info.si_status;
  } else {
    end.signal = info.si_status;
  }
  return end;
}

}  // namespace

Failure Child::start(int netns, const ChildSpec& spec, Reactor& reactor,
                     std::function<void()> on_end, std::unique_ptr<Child>* out) {
  std::unique_ptr<Child> child(new Child(reactor, std::move(on_end)));
  // What a child could not be watched without is asked for before there is one.
  if (!Fd(open_pidfd(::getpid())).valid()) return failed("pidfd_open");
  if (Failure f = reactor.add(kOp, *child)) return f;
  Streams streams;
  if (Failure f = make_streams(spec, &streams, child->pipes_)) return f;
  Failure f = in_netns(kOp, netns, [&]() { return start_here(spec, streams, &child->pid_); });
  if (f) return f;
  if (Failure bad = child->watch()) {
    // Nobody would hear of its end: it does not stay.
    ::kill(child->pid_, SIGKILL);
    ::waitpid(child->pid_, nullptr, 0);
    return bad;
  }
  *out = std::move(child);
  return {};
}

Failure Child::watch() {
  // The number is the child's until somebody waits for it, and that is us.
  pidfd_ = Fd(open_pidfd(pid_));
  if (!pidfd_.valid()) return failed("pidfd_open");
  return reactor_.watch(kOp, *this, pidfd_.get());
}

// A pidfd can be read when its process has ended.
bool Child::on_readable(int fd, Bytes&) {
  ChildEnd end = reap(fd);
  {
    std::lock_guard<std::mutex> hold(mutex_);
    end_ = std::move(end);
  }
  on_end_();
  return false;
}

Child::~Child() { reactor_.remove(*this); }

std::optional<ChildEnd> Child::end() {
  std::lock_guard<std::mutex> hold(mutex_);
  return end_;
}

int Child::take_pipe(int stream) { return pipes_[stream].release(); }

Failure Child::kill(int signal) {
  if (::syscall(kPidfdSendSignal, pidfd_.get(), signal, nullptr, 0) == 0) return {};
  return syscall_failure("netns.kill", "pidfd_send_signal", errno);
}

}  // namespace vnet
