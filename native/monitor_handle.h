// A monitor as JavaScript sees it.
#pragma once

#include <napi.h>

#include <memory>

#include "monitor.h"
#include "netns.h"

namespace vnet {

class MonitorHandle : public Napi::ObjectWrap<MonitorHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MonitorHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {}
  ~MonitorHandle() override { stop(); }

  // openMonitor(namespace, kinds, limit, receiveBuffer, onReady); answers with a handle or a
  // failure. `constructor` is what define() made in this environment.
  static Napi::Value open(const Napi::CallbackInfo& info, const NetNs& ns,
                          const Napi::FunctionReference& constructor);

 private:
  // Events that wait, at most `most`; a failure when there are none and none will come.
  Napi::Value take(const Napi::CallbackInfo& info);
  // While held, the monitor keeps the event loop alive.
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  void start(Napi::Env env, const Napi::Function& on_ready);
  void stop();
  static void at_end(void* self) { static_cast<MonitorHandle*>(self)->stop(); }

  std::unique_ptr<Monitor> monitor_;
  Napi::ThreadSafeFunction ready_;
  bool started_ = false;
};

}  // namespace vnet
