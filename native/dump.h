// Reading a table of the kernel whole, though it changes meanwhile.
#pragma once

#include <functional>

#include "socket.h"
#include "value.h"

namespace vnet {

// Writes the request of the dump under a sequence number.
using EncodeDump = std::function<Failure(uint32_t sequence, Writer* out)>;

// Dumps until the answer is whole; EINTR when the table changed each time. `skip` is an attribute
// that is left undecoded, 0 for none. When `abort` is set it stops between datagrams, its answer
// being void.
Failure run_dump(Socket& socket, const Object& object, uint16_t skip, const EncodeDump& encode,
                 const AbortFlag* abort, Value* result);

}  // namespace vnet
