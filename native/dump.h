// Reading a table of the kernel whole, though it changes meanwhile.
#pragma once

#include <functional>

#include "look.h"
#include "socket.h"

namespace vnet {

// Where the entries of a dump go. What is read again replaces what was read before.
class Entries {
 public:
  virtual void clear() = 0;
  virtual void add(View entry) = 0;

 protected:
  ~Entries() = default;
};

struct Dump {
  const Object* object;
  // Writes the request under a sequence number.
  std::function<Failure(uint32_t sequence, Writer* out)> encode;
  // Opens a socket in the namespace.
  std::function<Failure(Socket* out)> open;
  // When it is set, reading stops between datagrams, and what was read is void.
  const AbortFlag* abort = nullptr;

  bool aborted() const { return abort && abort->load(std::memory_order_relaxed); }
};

// Dumps until what was read is whole; EINTR when the table changed each time.
Failure run_dump(Socket& socket, const Dump& dump, Entries& out);

}  // namespace vnet
