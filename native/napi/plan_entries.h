// The entries that run plans.
#pragma once

#include "../executor.h"
#include "handle.h"

namespace vnet {

// The wish to end a plan that runs.
class AbortHandle {
 public:
  static constexpr Class kClass = Class::kAbort;
  static constexpr const char* kName = "NativeAbort";
  static constexpr napi_type_tag kTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806144};

  static void define(Js& js, Environment& environment);
  const std::shared_ptr<AbortFlag>& flag() const { return flag_; }

  // newAbort()
  static napi_value make(Call& call);

 private:
  napi_value abort(Call& call);

  std::shared_ptr<AbortFlag> flag_ = std::make_shared<AbortFlag>(false);
};

// runSync(namespaces, steps, keepGoing?)
napi_value run_sync(Call& call);
// run(namespaces, steps, keepGoing?, abort?): on a thread of the pool; answers with a promise.
napi_value run(Call& call);

}  // namespace vnet
