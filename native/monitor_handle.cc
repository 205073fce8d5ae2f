#include "monitor_handle.h"

#include <string>
#include <utility>

#include "convert.h"

namespace vnet {

namespace {

Napi::Value misuse(Napi::Env env, const std::string& what) {
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, what).ThrowAsJavaScriptException();
  return env.Undefined();
}

// Reads (…, kinds, limit, receiveBuffer, …); the complaint, or an empty string.
std::string read_options(const Napi::CallbackInfo& info, Monitor::Options* options) {
  if (info.Length() < 5 || !info[1].IsArray() || !info[2].IsNumber() || !info[3].IsNumber() ||
      !info[4].IsFunction()) {
    return "needs a namespace, kinds, limit, receiveBuffer and a function";
  }
  auto kinds = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < kinds.Length(); i++) {
    Napi::Value name = kinds.Get(i);
    std::string text = name.IsString() ? name.As<Napi::String>().Utf8Value() : "";
    const EventKind* kind = event_kind(text);
    if (!kind) return "kinds." + std::to_string(i) + ": " + text + " is no kind of event";
    options->kinds.push_back(kind);
  }
  options->limit = info[2].As<Napi::Number>().Uint32Value();
  options->receive_buffer = info[3].As<Napi::Number>().Int32Value();
  return {};
}

}  // namespace

Napi::Function MonitorHandle::define(Napi::Env env) {
  return DefineClass(
      env, "NativeMonitor",
      {InstanceMethod("take", &MonitorHandle::take), InstanceMethod("hold", &MonitorHandle::hold),
       InstanceMethod("close", &MonitorHandle::close)});
}

Napi::Value MonitorHandle::open(const Napi::CallbackInfo& info, const NetNs& ns,
                                const Napi::FunctionReference& constructor) {
  Napi::Env env = info.Env();
  Monitor::Options options;
  std::string wrong = read_options(info, &options);
  if (!wrong.empty()) return misuse(env, wrong);
  Napi::Object object = constructor.New({});
  MonitorHandle* self = Unwrap(object);
  self->start(env, info[4].As<Napi::Function>());
  // One signal waits at most; when there is one already, this one is not needed.
  auto wake = [self]() { self->ready_.NonBlockingCall(); };
  Failure f = Monitor::open(ns.fd(), std::move(options), wake, &self->monitor_);
  if (!f) return object;
  self->stop();
  return to_js(env, f);
}

void MonitorHandle::start(Napi::Env env, const Napi::Function& on_ready) {
  ready_ = Napi::ThreadSafeFunction::New(env, on_ready, "vnet-cni.monitor", 1, 1);
  ready_.Unref(env);
  // Hooks run last in, first out: the reader is gone before the environment takes `ready_` down.
  napi_add_env_cleanup_hook(env, at_end, this);
  started_ = true;
}

void MonitorHandle::stop() {
  if (!std::exchange(started_, false)) return;
  monitor_.reset();
  ready_.Abort();
  napi_remove_env_cleanup_hook(Env(), at_end, this);
}

Napi::Value MonitorHandle::take(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!monitor_) return Napi::Array::New(env);
  if (!info[0].IsNumber()) return misuse(env, "most must be a number");
  List events = monitor_->take(info[0].As<Napi::Number>().Uint32Value());
  if (events.empty()) {
    if (Failure f = monitor_->failure()) return to_js(env, f);
  }
  return to_js(env, vnet::Value(std::move(events)));
}

Napi::Value MonitorHandle::hold(const Napi::CallbackInfo& info) {
  if (started_ && info[0].ToBoolean()) {
    ready_.Ref(info.Env());
  } else if (started_) {
    ready_.Unref(info.Env());
  }
  return info.Env().Undefined();
}

Napi::Value MonitorHandle::close(const Napi::CallbackInfo& info) {
  stop();
  return info.Env().Undefined();
}

}  // namespace vnet
