// What each environment (main thread, worker) has of its own. Nothing is static.
#pragma once

#include <memory>

#include "js.h"

namespace vnet {

class Watches;

// The classes of the handles that JavaScript holds.
enum class Class : uint8_t { kNetNs, kAbort, kLock, kMonitor, kChild };

struct Environment {
  napi_ref constructors[5] = {};
  // The engine's own functions as they were when the addon was loaded, before anyone could put
  // others in their place: JSON.parse and %TypedArray%.prototype.at.
  napi_ref parse = nullptr;
  napi_ref at = nullptr;
  std::shared_ptr<Watches> watches;

  // Makes it and ties it to the environment; nullptr when the engine would not.
  static Environment* make(Js& js);
  static Environment* of(Js& js);
};

// A call of JavaScript's into an entry or a method.
struct Call {
  static constexpr size_t kMost = 5;

  Call(napi_env env, napi_callback_info info);
  // Whether there is all that an entry needs.
  bool ready() const { return environment && !js.failed(); }

  Js js;
  Environment* environment = nullptr;
  napi_value self = nullptr;
  // What was not given is undefined.
  napi_value arguments[kMost] = {};
};

// An entry as Node-API wants it.
template <napi_value (*entry)(Call&)>
napi_value enter(napi_env env, napi_callback_info info) {
  Call call(env, info);
  return call.js.close(call.ready() ? entry(call) : nullptr);
}

// Readers of single arguments. Where one does not fit they throw a TypeError and answer false.

// A text that is not empty and has no NUL.
bool text_argument(Call& call, size_t i, const char* name, std::string* out);
bool integer_argument(Call& call, size_t i, const char* name, double min, double max, double* out);
// Undefined is false.
bool boolean_argument(Call& call, size_t i, const char* name, bool* out);
bool function_argument(Call& call, size_t i, const char* name);

}  // namespace vnet
