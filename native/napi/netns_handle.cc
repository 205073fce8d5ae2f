#include "netns_handle.h"

#include <utility>

#include "to_js.h"

namespace vnet {

void NetNsHandle::define(Js& js, Environment& environment) {
  using H = Handle<NetNsHandle>;
  H::define(js, environment,
            {{"identity", H::enter_method<&NetNsHandle::identity>},
             {"fd", H::enter_method<&NetNsHandle::fd>},
             {"close", H::enter_method<&NetNsHandle::close>}});
}

std::shared_ptr<NetNs> NetNsHandle::get(Js& js, napi_value v) {
  NetNsHandle* handle = Handle<NetNsHandle>::get(js, v);
  return handle ? handle->ns_ : nullptr;
}

std::shared_ptr<NetNs> NetNsHandle::argument(Call& call, size_t i) {
  std::shared_ptr<NetNs> ns = get(call.js, call.arguments[i]);
  if (!ns) call.js.misuse("namespace: not an open namespace handle (NetNs)");
  return ns;
}

napi_value NetNsHandle::answer(Call& call, const Failure& failure, std::shared_ptr<NetNs> ns) {
  if (failure) return to_js(call.js, failure);
  NetNsHandle* handle = nullptr;
  napi_value made = Handle<NetNsHandle>::make(call, &handle);
  if (made) handle->ns_ = std::move(ns);
  return made;
}

napi_value NetNsHandle::open(Call& call) {
  std::string path;
  if (!text_argument(call, 0, "path", &path)) return nullptr;
  std::shared_ptr<NetNs> ns;
  Failure f = NetNs::open(path, &ns);
  return answer(call, f, std::move(ns));
}

napi_value NetNsHandle::create(Call& call) {
  std::string path;
  bool pinned = !call.js.is(call.arguments[0], napi_undefined);
  if (pinned && !text_argument(call, 0, "path", &path)) return nullptr;
  std::shared_ptr<NetNs> ns;
  Failure f = NetNs::create(path, &ns);
  return answer(call, f, std::move(ns));
}

napi_value NetNsHandle::remove(Call& call) {
  std::string path;
  if (!text_argument(call, 0, "path", &path)) return nullptr;
  Failure f = NetNs::remove(path);
  return f ? to_js(call.js, f) : call.js.undefined();
}

napi_value NetNsHandle::identity(Call& call) {
  Js& js = call.js;
  if (!ns_) return js.misuse("the namespace handle (NetNs) is closed");
  return js.make_object({{"dev", js.make(static_cast<double>(ns_->device()))},
                         {"ino", js.make(static_cast<double>(ns_->inode()))}});
}

napi_value NetNsHandle::fd(Call& call) { return call.js.make(ns_ ? ns_->fd() : -1); }

// A plan under way keeps the namespace until it is done.
napi_value NetNsHandle::close(Call& call) {
  ns_.reset();
  return call.js.undefined();
}

}  // namespace vnet
