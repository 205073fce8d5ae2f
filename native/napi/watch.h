// How monitors and children live: they have a call-back into JavaScript, may keep the event loop
// alive, and end with their handle or their environment, whichever goes first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "../reactor.h"
#include "environment.h"

namespace vnet {

class Watch;

// The call-backs of an environment, over one thread-safe function, and its reactor.
class Watches : public std::enable_shared_from_this<Watches> {
 public:
  explicit Watches(napi_env env) : env_(env) {}

  Reactor& reactor() { return reactor_; }

 private:
  friend class Watch;

  bool start(Js& js);
  uintptr_t add(Watch& watch);
  void remove(uintptr_t number);
  // Another one that keeps the event loop alive, or one less.
  void hold(bool on);
  // From the reactor's thread.
  void signal(uintptr_t number);
  static void deliver(napi_env env, napi_value, void* context, void* data);
  static void at_end(void* self);

  napi_env env_;
  napi_threadsafe_function wake_ = nullptr;
  bool ended_ = false;
  size_t holding_ = 0;
  uintptr_t next_ = 1;
  std::unordered_map<uintptr_t, Watch*> watches_;
  // Last, so that its thread is gone before what it calls.
  Reactor reactor_;
};

// Of a handle's object. Everything here is for the environment's thread.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 protected:
  ~Watch() = default;  // of an object that has called stop()

  // From now on `on_event` is called for each signal. False when the engine would not.
  bool listen(Call& call, napi_value on_event);
  bool listening() const { return watches_ != nullptr; }
  Watches& watches() { return *watches_; }
  // What the reactor's thread calls. It must not be called after halt().
  std::function<void()> signaller();
  // Whether it keeps the event loop alive; not so at first.
  void hold(bool on);
  // Harmless when it has stopped.
  void stop();
  // Lets go of what the reactor reads; called once by stop().
  virtual void halt() = 0;

 private:
  friend class Watches;

  std::shared_ptr<Watches> watches_;
  uintptr_t number_ = 0;
  napi_ref on_event_ = nullptr;
  bool holds_ = false;
};

}  // namespace vnet
