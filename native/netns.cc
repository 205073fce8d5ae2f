#include "netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "stream.h"
#include "thread.h"

namespace vnet {

NetNs::NetNs() = default;
NetNs::~NetNs() = default;

int64_t NetNs::keep(std::unique_ptr<Stream> stream) {
  streams_.emplace_back(++last_stream_, std::move(stream));
  return last_stream_;
}

void NetNs::forget(int64_t id) {
  for (size_t i = 0; i < streams_.size(); i++) {
    if (streams_[i].first != id) continue;
    streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(i));
    return;
  }
}

Stream* NetNs::stream(int64_t id) const {
  for (const auto& [known, stream] : streams_) {
    if (known == id) return stream.get();
  }
  return nullptr;
}

Failure NetNs::adopt(Fd fd, const char* op, std::shared_ptr<NetNs>* out) {
  struct statfs fs {};
  if (fstatfs(fd.get(), &fs) < 0) return syscall_failure(op, "fstatfs", errno);
  // On a plain file the ioctl would reach some other driver, so the file system is asked first.
  if (fs.f_type != NSFS_MAGIC || ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    return syscall_failure(op, "ioctl", EINVAL);
  }
  struct stat st {};
  if (fstat(fd.get(), &st) < 0) return syscall_failure(op, "fstat", errno);
  auto ns = std::make_shared<NetNs>();
  ns->fd_ = std::move(fd);
  ns->device_ = st.st_dev;
  ns->inode_ = st.st_ino;
  *out = std::move(ns);
  return {};
}

Failure NetNs::open(const std::string& path, std::shared_ptr<NetNs>* out) {
  // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return syscall_failure("netns.open", "open", errno);
  return adopt(std::move(fd), "netns.open", out);
}

namespace {

// Makes the folder a shared mount point of its own, so that a namespace pinned there is seen by
// (and can be removed for) every mount namespace, as `ip netns` arranges it.
Failure share_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0755) < 0 && errno != EEXIST) {
    return syscall_failure("netns.create", "mkdir", errno);
  }
  if (mount("", folder.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
  if (errno != EINVAL) return syscall_failure("netns.create", "mount", errno);
  if (mount(folder.c_str(), folder.c_str(), "none", MS_BIND | MS_REC, nullptr) < 0 ||
      mount("", folder.c_str(), "none", MS_SHARED | MS_REC, nullptr) < 0) {
    return syscall_failure("netns.create", "mount", errno);
  }
  return {};
}

}  // namespace

Failure NetNs::create(const std::string& path, std::shared_ptr<NetNs>* out) {
  constexpr const char* op = "netns.create";
  if (!path.empty()) {
    if (Failure f = share_folder(path.substr(0, path.rfind('/')))) return f;
    Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    if (!file.valid()) return syscall_failure(op, "open", errno);
  }
  Failure f = on_new_thread(op, [&]() -> Failure {
    if (unshare(CLONE_NEWNET) < 0) return syscall_failure(op, "unshare", errno);
    Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return syscall_failure(op, "open", errno);
    if (!path.empty() &&
        mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) < 0) {
      return syscall_failure(op, "mount", errno);
    }
    return adopt(std::move(fd), op, out);
  });
  if (f && !path.empty()) unlink(path.c_str());
  return f;
}

Failure NetNs::remove(const std::string& path) {
  if (umount2(path.c_str(), MNT_DETACH) < 0 && errno != EINVAL) {
    return syscall_failure("netns.delete", "umount2", errno);
  }
  if (unlink(path.c_str()) < 0) return syscall_failure("netns.delete", "unlink", errno);
  return {};
}

Failure NetNs::socket(int protocol, Socket** out) {
  Socket* found = nullptr;
  for (const auto& [known, socket] : sockets_) {
    if (known == protocol) found = socket.get();
  }
  if (!found) {
    sockets_.emplace_back(protocol, std::make_unique<Socket>());
    found = sockets_.back().second.get();
  }
  *out = found;
  return found->open() ? Failure{} : open(protocol, found);
}

Failure NetNs::open(int protocol, Socket* out) {
  return here_or_in_netns("netlink.open", fd_.get(), [&]() { return out->open_here(protocol); });
}

namespace {

// Joins the name to /proc/sys/. A name with dots for slashes is not accepted: interface names
// may hold dots themselves.
Failure sysctl_path(const std::string& name, std::string* path) {
  if (name.empty() || name[0] == '/' || name.find("..") != std::string::npos) {
    return syscall_failure("sysctl", "open", EINVAL);
  }
  *path = "/proc/sys/" + name;
  return {};
}

}  // namespace

Failure sysctl_get(int netns, const std::string& name, std::string* value) {
  std::string path;
  if (Failure f = sysctl_path(name, &path)) return f;
  return here_or_in_netns("sysctl.get", netns, [&]() -> Failure {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return syscall_failure("sysctl.get", "open", errno);
    char text[4096];
    ssize_t n = ::read(fd.get(), text, sizeof text);
    if (n < 0) return syscall_failure("sysctl.get", "read", errno);
    while (n > 0 && text[n - 1] == '\n') n--;
    value->assign(text, static_cast<size_t>(n));
    return {};
  });
}

Failure sysctl_set(int netns, const std::string& name, const std::string& value) {
  std::string path;
  if (Failure f = sysctl_path(name, &path)) return f;
  return here_or_in_netns("sysctl.set", netns, [&]() -> Failure {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.valid()) return syscall_failure("sysctl.set", "open", errno);
    if (::write(fd.get(), value.data(), value.size()) < 0) {
      return syscall_failure("sysctl.set", "write", errno);
    }
    return {};
  });
}

}  // namespace vnet
