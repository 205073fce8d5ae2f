// An advisory lock on a file, owned by the kernel: a process that dies lets go of it.
#pragma once

#include <string>

#include "failure.h"
#include "fd.h"

namespace vnet {

// Waits up to `timeout_ms` for an exclusive flock on `path` and writes `label` into the file. When
// the time is over: EAGAIN, with the holder's label as the failure's ext_ack.
Failure lock_file(const std::string& path, int timeout_ms, const std::string& label, Fd* out);

}  // namespace vnet
