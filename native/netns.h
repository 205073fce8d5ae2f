// Network namespaces: opened, made, pinned, compared; and the sockets that live in them.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "failure.h"
#include "fair_mutex.h"
#include "fd.h"
#include "socket.h"

namespace vnet {

class Stream;

class NetNs {
 public:
  // Opens a namespace file; refuses what is none.
  static Failure open(const std::string& path, std::shared_ptr<NetNs>* out);
  // Makes a namespace. With a path it is pinned there by a bind mount, as `ip netns add` does.
  static Failure create(const std::string& path, std::shared_ptr<NetNs>* out);
  // Unmounts and unlinks a pinned namespace.
  static Failure remove(const std::string& path);

  int fd() const { return fd_.get(); }
  dev_t device() const { return device_; }
  ino_t inode() const { return inode_; }

  // The socket of a protocol (NETLINK_*), opened at first use and kept.
  // Hold `mutex` while it is in use: plans of several threads may share a handle, and take turns.
  Failure socket(int protocol, Socket** out);
  // Opens another one.
  Failure open(int protocol, Socket* out);
  FairMutex mutex;

  // Dumps that are read a little at a time: kept until they are closed, or the namespace is. To be
  // used under `mutex` as well.
  int64_t keep(std::unique_ptr<Stream> stream);
  Stream* stream(int64_t id) const;
  void forget(int64_t id);

  NetNs();
  ~NetNs();

 private:
  static Failure adopt(Fd fd, const char* op, std::shared_ptr<NetNs>* out);

  Fd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  // Few of both: tables that need nothing of the C++ library (native/portable).
  std::vector<std::pair<int, std::unique_ptr<Socket>>> sockets_;  // by protocol
  std::vector<std::pair<int64_t, std::unique_ptr<Stream>>> streams_;
  int64_t last_stream_ = 0;
};

// Reads or writes a file below /proc/sys as seen from the namespace.
Failure sysctl_get(int netns, const std::string& name, std::string* value);
Failure sysctl_set(int netns, const std::string& name, const std::string& value);

}  // namespace vnet
