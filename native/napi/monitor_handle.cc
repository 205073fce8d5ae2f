#include "monitor_handle.h"

#include <utility>

#include "netns_handle.h"
#include "reader.h"
#include "to_js.h"

namespace vnet {

namespace {

bool read_kinds(Call& call, std::vector<const EventKind*>* out) {
  Reader reader(call);
  Value list;
  if (!reader.value(call.arguments[1], &list)) {
    call.js.misuse("kinds: " + reader.complaint());
    return false;
  }
  if (!list.list()) {
    call.js.misuse("kinds: must be an array of strings");
    return false;
  }
  for (const Value& name : *list.list()) {
    const EventKind* kind = name.string() ? event_kind(*name.string()) : nullptr;
    if (!kind) {
      std::string text = name.string() ? *name.string() : "what is no string";
      call.js.misuse("kinds." + std::to_string(out->size()) + ": " + text + " is no kind of event");
      return false;
    }
    out->push_back(kind);
  }
  return true;
}

// Reads (…, kinds, limit, receiveBuffer, onReady).
bool read_options(Call& call, Monitor::Options* options) {
  constexpr double kLargestBuffer = 0x3fffffff;  // the kernel doubles it
  double limit = 0;
  double buffer = 0;
  if (!read_kinds(call, &options->kinds) ||
      !integer_argument(call, 2, "limit", 1, UINT32_MAX, &limit) ||
      !integer_argument(call, 3, "receiveBuffer", 0, kLargestBuffer, &buffer) ||
      !function_argument(call, 4, "onReady")) {
    return false;
  }
  options->limit = static_cast<size_t>(limit);
  options->receive_buffer = static_cast<int>(buffer);
  return true;
}

}  // namespace

void MonitorHandle::define(Js& js, Environment& environment) {
  using H = Handle<MonitorHandle>;
  H::define(js, environment,
            {{"take", H::enter_method<&MonitorHandle::take>},
             {"hold", H::enter_method<&MonitorHandle::set_hold>},
             {"close", H::enter_method<&MonitorHandle::close>}});
}

napi_value MonitorHandle::open(Call& call) {
  auto ns = NetNsHandle::argument(call, 0);
  Monitor::Options options;
  if (!ns || !read_options(call, &options)) return nullptr;
  MonitorHandle* self = nullptr;
  napi_value made = Handle<MonitorHandle>::make(call, &self);
  if (!made || !self->listen(call, call.arguments[4])) return nullptr;
  Failure f = Monitor::open(ns->fd(), std::move(options), self->watches().reactor(),
                            self->signaller(), &self->monitor_);
  if (!f) return made;
  self->stop();
  return to_js(call.js, f);
}

napi_value MonitorHandle::take(Call& call) {
  double most = 0;
  if (!integer_argument(call, 0, "most", 1, UINT32_MAX, &most)) return nullptr;
  if (!monitor_) return call.js.make_array({});
  List events = monitor_->take(static_cast<size_t>(most));
  if (events.empty()) {
    if (Failure f = monitor_->failure()) return to_js(call.js, f);
  }
  return to_js(call.js, Value(std::move(events)));
}

napi_value MonitorHandle::set_hold(Call& call) {
  bool on = false;
  if (!boolean_argument(call, 0, "on", &on)) return nullptr;
  hold(on);
  return call.js.undefined();
}

napi_value MonitorHandle::close(Call& call) {
  stop();
  return call.js.undefined();
}

}  // namespace vnet
