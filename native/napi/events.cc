#include "events.h"

#include <utility>
#include <vector>

namespace vnet {

namespace {

// A number in the place of a pointer: what is gone meanwhile is not found.
void* to_data(uintptr_t number) { return reinterpret_cast<void*>(number); }

}  // namespace

bool Events::start(Js& js) {
  if (ended_) return false;
  if (wake_) return true;
  napi_value name = js.make("vnet-cni");
  auto context = std::make_unique<std::shared_ptr<Events>>(shared_from_this());
  auto forget = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<Events>*>(data);
  };
  // No bound: each watch has at most one signal that waits.
  napi_status status = napi_create_threadsafe_function(
      env_, nullptr, nullptr, name, 0, 1, context.get(), forget, context.get(), deliver, &wake_);
  if (!js.ok(status)) return wake_ = nullptr, false;
  context.release();
  js.ok(napi_unref_threadsafe_function(env_, wake_));
  // Hooks run last in, first out: the reactor's thread is gone before `wake_` is taken down.
  return js.ok(napi_add_env_cleanup_hook(env_, at_end, this));
}

uintptr_t Events::add(Watch& watch) {
  watches_[next_] = &watch;
  return next_++;
}

void Events::remove(uintptr_t number) { watches_.erase(number); }

void Events::hold(bool on) {
  if (ended_) return;
  // A thread-safe function that is no longer there has nothing to hold.
  if (on && holding_++ == 0) napi_ref_threadsafe_function(env_, wake_);
  if (!on && --holding_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Events::signal(uintptr_t number) {
  // It fails when the environment is ending: then there is nobody to be told.
  napi_call_threadsafe_function(wake_, to_data(number), napi_tsfn_nonblocking);
}

void Events::deliver(napi_env env, napi_value, void* context, void* data) {
  // What waited when the environment ended is handed back without one.
  if (!env) return;
  auto events = *static_cast<std::shared_ptr<Events>*>(context);
  auto found = events->watches_.find(reinterpret_cast<uintptr_t>(data));
  if (found == events->watches_.end()) return;
  Js js(env);
  // What it throws is the process's uncaught exception, as with any call-back.
  js.call(js.undefined(), js.kept(found->second->on_event_), {});
}

void Events::at_end(void* self) {
  auto* events = static_cast<Events*>(self);
  std::vector<Watch*> all;
  for (const auto& entry : events->watches_) all.push_back(entry.second);
  for (Watch* watch : all) watch->stop();
  events->ended_ = true;
}

bool Watch::listen(Call& call, napi_value on_event) {
  std::shared_ptr<Events> events = call.environment->events;
  if (!events->start(call.js) || !(on_event_ = call.js.keep(on_event))) return false;
  events_ = std::move(events);
  number_ = events_->add(*this);
  return true;
}

std::function<void()> Watch::signaller() {
  return [events = events_.get(), number = number_]() { events->signal(number); };
}

void Watch::hold(bool on) {
  if (!listening() || on == holds_) return;
  holds_ = on;
  events_->hold(on);
}

void Watch::stop() {
  if (!listening()) return;
  halt();
  hold(false);
  events_->remove(number_);
  Js(events_->env_).drop(std::exchange(on_event_, nullptr));
  events_.reset();
}

}  // namespace vnet
