// A dump that is read a little at a time.
#pragma once

#include <functional>
#include <memory>

#include "dump.h"

namespace vnet {

// It has a socket of its own, so that other requests can come between its parts; the kernel waits
// when its parts are not read. What it has read is whole when it ends well: else it ends with
// EINTR.
class Stream {
 public:
  // `request` is the dump with its header; `decode` adds an entry to what is told, unless it was
  // not asked for.
  using Decode = std::function<void(View entry, ListWriter* out)>;
  Stream(Socket socket, const Object& object, Bytes request, Decode decode);

  // Some more entries; none when a look at what was read goes on. `done` tells that there are no
  // more.
  Failure read(const AbortFlag* abort, ListWriter* entries, bool* done);

 private:
  Failure begin();
  Failure end_look(bool* done);

  Socket socket_;
  const Object& object_;
  Request request_;
  Decode decode_;
  Fingerprint fingerprint_;
  Answer answer_;
  std::unique_ptr<Look> look_;
  std::unique_ptr<Look> first_;  // while a second look is taken
  int64_t generation_ = -1;
  bool begun_ = false;
};

}  // namespace vnet
