#include "lock_handle.h"

#include <utility>

#include "../lock.h"
#include "to_js.h"

namespace vnet {

void LockHandle::define(Js& js, Environment& environment) {
  using H = Handle<LockHandle>;
  H::define(js, environment, {{"close", H::enter_method<&LockHandle::close>}});
}

napi_value LockHandle::take(Call& call) {
  constexpr size_t kLongestLabel = 4096;
  Js& js = call.js;
  std::string path;
  double timeout = 0;
  std::string label;
  if (!text_argument(call, 0, "path", &path) ||
      !integer_argument(call, 1, "timeoutMs", 0, INT32_MAX, &timeout)) {
    return nullptr;
  }
  napi_value given = call.arguments[2];
  if (!js.is(given, napi_string) || js.text_length(given) > kLongestLabel ||
      !js.text(given, &label)) {
    return js.misuse("label: must be a string of at most 4096 bytes");
  }
  // The handle first: a lock that nobody can be given must not be held.
  LockHandle* handle = nullptr;
  napi_value made = Handle<LockHandle>::make(call, &handle);
  if (!made) return nullptr;
  Failure f = lock_file(path, static_cast<int>(timeout), label, &handle->fd_);
  return f ? to_js(js, f) : made;
}

napi_value LockHandle::close(Call& call) {
  fd_.reset();
  return call.js.undefined();
}

}  // namespace vnet
