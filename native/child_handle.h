// A program in a namespace as JavaScript sees it.
#pragma once

#include <napi.h>

#include <memory>

#include "child.h"
#include "netns.h"

namespace vnet {

class ChildHandle : public Napi::ObjectWrap<ChildHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ChildHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {}
  ~ChildHandle() override { stop(); }

  // spawn(namespace, { file, argv, env, cwd?, stdio }, onEnd); answers with a handle or a failure.
  // `constructor` is what define() made in this environment.
  static Napi::Value spawn(const Napi::CallbackInfo& info, const NetNs& ns,
                           const Napi::FunctionReference& constructor);

 private:
  Napi::Value pid(const Napi::CallbackInfo& info);
  // The descriptor of our end of a stream, handed over; -1 when there is none.
  Napi::Value pipe(const Napi::CallbackInfo& info);
  // { code, signal } once onEnd was called, or a failure.
  Napi::Value end(const Napi::CallbackInfo& info);
  Napi::Value kill(const Napi::CallbackInfo& info);
  // While held, the child keeps the event loop alive.
  Napi::Value hold(const Napi::CallbackInfo& info);
  // Stops waiting and lets go of the thread.
  Napi::Value close(const Napi::CallbackInfo& info);
  void listen(Napi::Env env, const Napi::Function& on_end);
  void stop();
  static void at_end(void* self) { static_cast<ChildHandle*>(self)->stop(); }

  std::unique_ptr<Child> child_;
  pid_t pid_ = -1;
  Napi::ThreadSafeFunction ended_;
  bool started_ = false;
};

}  // namespace vnet
