#include "watch.h"

#include <utility>
#include <vector>

namespace vnet {

namespace {

// A number in the place of a pointer: what is gone meanwhile is not found.
void* to_data(uintptr_t number) { return reinterpret_cast<void*>(number); }

}  // namespace

bool Watches::start(Js& js) {
  if (ended_) return false;
  if (wake_) return true;
  napi_value name = js.make("vnet-cni");
  auto context = std::make_unique<std::shared_ptr<Watches>>(shared_from_this());
  auto forget = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<Watches>*>(data);
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

uintptr_t Watches::add(Watch& watch) {
  watches_[next_] = &watch;
  return next_++;
}

void Watches::remove(uintptr_t number) { watches_.erase(number); }

void Watches::hold(bool on) {
  if (ended_) return;
  // A thread-safe function that is no longer there has nothing to hold.
  if (on && holding_++ == 0) napi_ref_threadsafe_function(env_, wake_);
  if (!on && --holding_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Watches::signal(uintptr_t number) {
  // It fails when the environment is ending: then there is nobody to be told.
  napi_call_threadsafe_function(wake_, to_data(number), napi_tsfn_nonblocking);
}

void Watches::deliver(napi_env env, napi_value, void* context, void* data) {
  // What waited when the environment ended is handed back without one.
  if (!env) return;
  auto watches = *static_cast<std::shared_ptr<Watches>*>(context);
  auto found = watches->watches_.find(reinterpret_cast<uintptr_t>(data));
  if (found == watches->watches_.end()) return;
  Js js(env);
  js.call(js.undefined(), js.kept(found->second->on_event_), {});
  // What it throws is the process's uncaught exception; Node by itself only warns of it (DEP0168).
  napi_value thrown = nullptr;
  if (js.thrown() && js.ok(napi_get_and_clear_last_exception(env, &thrown))) {
    js.ok(napi_fatal_exception(env, thrown));
  }
}

void Watches::at_end(void* self) {
  auto* watches = static_cast<Watches*>(self);
  std::vector<Watch*> all;
  for (const auto& entry : watches->watches_) all.push_back(entry.second);
  for (Watch* watch : all) watch->stop();
  watches->ended_ = true;
}

bool Watch::listen(Call& call, napi_value on_event) {
  std::shared_ptr<Watches> watches = call.environment->watches;
  if (!watches->start(call.js) || !(on_event_ = call.js.keep(on_event))) return false;
  watches_ = std::move(watches);
  number_ = watches_->add(*this);
  return true;
}

std::function<void()> Watch::signaller() {
  return [watches = watches_.get(), number = number_]() { watches->signal(number); };
}

void Watch::hold(bool on) {
  if (!listening() || on == holds_) return;
  holds_ = on;
  watches_->hold(on);
}

void Watch::stop() {
  if (!listening()) return;
  halt();
  hold(false);
  watches_->remove(number_);
  Js(watches_->env_).drop(std::exchange(on_event_, nullptr));
  watches_.reset();
}

}  // namespace vnet
