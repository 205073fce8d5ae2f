// A lock on a file as JavaScript holds it.
#pragma once

#include "../fd.h"
#include "handle.h"

namespace vnet {

class LockHandle {
 public:
  static constexpr Class kClass = Class::kLock;
  static constexpr const char* kName = "NativeLock";
  static constexpr napi_type_tag kTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806143};

  static void define(Js& js, Environment& environment);
  // lockFile(path, timeoutMs, label)
  static napi_value take(Call& call);

 private:
  napi_value close(Call& call);

  Fd fd_;
};

}  // namespace vnet
