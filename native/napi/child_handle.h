// A program in a namespace as JavaScript holds it.
#pragma once

#include <memory>

#include "../child.h"
#include "handle.h"
#include "watch.h"

namespace vnet {

class ChildHandle final : private Watch {
 public:
  static constexpr Class kClass = Class::kChild;
  static constexpr const char* kName = "NativeChild";
  static constexpr napi_type_tag kTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806146};

  ~ChildHandle() { stop(); }

  static void define(Js& js, Environment& environment);
  // spawn(namespace, { file, argv, env, cwd?, stdio }, onEnd); answers with a handle or a failure.
  static napi_value spawn(Call& call);

 private:
  void halt() override { child_.reset(); }
  napi_value pid(Call& call);
  // The descriptor of our end of a stream, handed over; -1 when there is none.
  napi_value pipe(Call& call);
  // { code, signal } once onEnd was called, or a failure.
  napi_value end(Call& call);
  napi_value kill(Call& call);
  // While held, as it is at first, the child keeps the event loop alive.
  napi_value set_hold(Call& call);
  // Stops waiting for it.
  napi_value close(Call& call);

  std::unique_ptr<Child> child_;
  pid_t pid_ = -1;
};

}  // namespace vnet
