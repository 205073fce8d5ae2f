// What JavaScript sees: the entries, and the classes of the handles that they answer with.
#include <unistd.h>

#include "child_handle.h"
#include "lock_handle.h"
#include "monitor_handle.h"
#include "netns_handle.h"
#include "plan_entries.h"

namespace vnet {

namespace {

// exitNow(code): ends the process without Node's own end, which frees what the kernel frees anyway.
napi_value exit_now(Call& call) {
  double code = 0;
  if (!integer_argument(call, 0, "code", INT32_MIN, INT32_MAX, &code)) return nullptr;
  ::_exit(static_cast<int>(code));
}

constexpr std::pair<const char*, napi_callback> kEntries[] = {
    {"openNetns", enter<NetNsHandle::open>},
    {"createNetns", enter<NetNsHandle::create>},
    {"deleteNetns", enter<NetNsHandle::remove>},
    {"runSync", enter<run_sync>},
    {"run", enter<run>},
    {"newAbort", enter<AbortHandle::make>},
    {"lockFile", enter<LockHandle::take>},
    {"exitNow", enter<exit_now>},
    {"spawn", enter<ChildHandle::spawn>},
    {"openMonitor", enter<MonitorHandle::open>},
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  Js js(env);
  if (Environment* environment = Environment::make(js)) {
    NetNsHandle::define(js, *environment);
    LockHandle::define(js, *environment);
    MonitorHandle::define(js, *environment);
    AbortHandle::define(js, *environment);
    ChildHandle::define(js, *environment);
  }
  std::vector<napi_property_descriptor> properties;
  for (const auto& [name, callback] : kEntries) {
    napi_property_descriptor entry{};
    entry.utf8name = name;
    entry.method = callback;
    entry.attributes = napi_default_jsproperty;
    properties.push_back(entry);
  }
  js.ok(napi_define_properties(env, exports, properties.size(), properties.data()));
  js.close(nullptr);
  return exports;
}

NODE_API_MODULE(vnet_cni, init)

}  // namespace

}  // namespace vnet
