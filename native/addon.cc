// What JavaScript sees. Each environment (main thread, worker) has its own state; nothing is
// static.
#include <napi.h>

#include <memory>

#include "child_handle.h"
#include "convert.h"
#include "executor.h"
#include "lock.h"
#include "monitor_handle.h"
#include "netns.h"

namespace vnet {

namespace {

struct State {
  Napi::FunctionReference netns;
  Napi::FunctionReference lock;
  Napi::FunctionReference monitor;
  Napi::FunctionReference child;
  Napi::FunctionReference abort;
  Napi::FunctionReference parse;  // JSON.parse, before anyone could put another in its place
};

Napi::Value misuse(Napi::Env env, const std::string& what) {
  // What the caller's own code threw comes first.
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, what).ThrowAsJavaScriptException();
  return Napi::Value();
}

constexpr napi_type_tag kNetNsTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806142};
constexpr napi_type_tag kAbortTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806144};
constexpr napi_type_tag kLockTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806143};

class NetNsHandle : public Napi::ObjectWrap<NetNsHandle> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeNetNs",
        {InstanceMethod("identity", &NetNsHandle::identity),
         InstanceMethod("close", &NetNsHandle::close), InstanceMethod("fd", &NetNsHandle::fd)});
  }
  explicit NetNsHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    info.This().As<Napi::Object>().TypeTag(&kNetNsTag);
  }
  static Napi::Value wrap(Napi::Env env, std::shared_ptr<NetNs> ns) {
    Napi::Object o = env.GetInstanceData<State>()->netns.New({});
    Unwrap(o)->ns_ = std::move(ns);
    return o;
  }
  // The namespace behind a value, or nullptr when it is none or closed.
  static std::shared_ptr<NetNs> get(const Napi::Value& v) {
    if (!v.IsObject() || !v.As<Napi::Object>().CheckTypeTag(&kNetNsTag)) return nullptr;
    return Unwrap(v.As<Napi::Object>())->ns_;
  }

 private:
  Napi::Value identity(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!ns_) return misuse(env, "the namespace handle (NetNs) is closed");
    auto o = Napi::Object::New(env);
    o.Set("dev", static_cast<double>(ns_->device()));
    o.Set("ino", static_cast<double>(ns_->inode()));
    return o;
  }
  // A method, not an accessor: Node-API checks the receiver of methods only.
  Napi::Value fd(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), ns_ ? ns_->fd() : -1);
  }
  // A plan under way keeps the namespace until it is done.
  Napi::Value close(const Napi::CallbackInfo& info) {
    ns_.reset();
    return info.Env().Undefined();
  }

  std::shared_ptr<NetNs> ns_;
};

// The wish to end a plan that runs.
class AbortHandle : public Napi::ObjectWrap<AbortHandle> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeAbort", {InstanceMethod("abort", &AbortHandle::abort)});
  }
  explicit AbortHandle(const Napi::CallbackInfo& info)
      : ObjectWrap(info), flag_(std::make_shared<AbortFlag>(false)) {
    info.This().As<Napi::Object>().TypeTag(&kAbortTag);
  }
  // The flag behind a value, or nullptr when it is none.
  static std::shared_ptr<AbortFlag> get(const Napi::Value& v) {
    if (!v.IsObject() || !v.As<Napi::Object>().CheckTypeTag(&kAbortTag)) return nullptr;
    return Unwrap(v.As<Napi::Object>())->flag_;
  }

 private:
  Napi::Value abort(const Napi::CallbackInfo& info) {
    flag_->store(true);
    return info.Env().Undefined();
  }

  std::shared_ptr<AbortFlag> flag_;
};

class LockHandle : public Napi::ObjectWrap<LockHandle> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeLock", {InstanceMethod("close", &LockHandle::close)});
  }
  explicit LockHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    info.This().As<Napi::Object>().TypeTag(&kLockTag);
  }
  static Napi::Value wrap(Napi::Env env, Fd fd) {
    Napi::Object o = env.GetInstanceData<State>()->lock.New({});
    Unwrap(o)->fd_ = std::move(fd);
    return o;
  }

 private:
  Napi::Value close(const Napi::CallbackInfo& info) {
    fd_.reset();
    return info.Env().Undefined();
  }

  Fd fd_;
};

bool text_argument(const Napi::CallbackInfo& info, size_t i, const char* name, std::string* out) {
  if (info.Length() > i && info[i].IsString()) {
    *out = info[i].As<Napi::String>().Utf8Value();
    if (!out->empty() && out->find('\0') == std::string::npos) return true;
  }
  misuse(info.Env(), std::string(name) + " must be a non-empty string without NUL bytes");
  return false;
}

Napi::Value open_netns(const Napi::CallbackInfo& info) {
  std::string path;
  if (!text_argument(info, 0, "path", &path)) return info.Env().Undefined();
  std::shared_ptr<NetNs> ns;
  if (Failure f = NetNs::open(path, &ns)) return to_js(info.Env(), f);
  return NetNsHandle::wrap(info.Env(), std::move(ns));
}

Napi::Value create_netns(const Napi::CallbackInfo& info) {
  std::string path;
  if (info.Length() > 0 && !info[0].IsUndefined() && !text_argument(info, 0, "path", &path)) {
    return info.Env().Undefined();
  }
  std::shared_ptr<NetNs> ns;
  if (Failure f = NetNs::create(path, &ns)) return to_js(info.Env(), f);
  return NetNsHandle::wrap(info.Env(), std::move(ns));
}

Napi::Value delete_netns(const Napi::CallbackInfo& info) {
  std::string path;
  if (!text_argument(info, 0, "path", &path)) return info.Env().Undefined();
  if (Failure f = NetNs::remove(path)) return to_js(info.Env(), f);
  return info.Env().Undefined();
}

// Reads (namespaces, steps, keepGoing) into a plan that is known to be well-formed.
bool read_plan(const Napi::CallbackInfo& info, Plan* plan) {
  Napi::Env env = info.Env();
  constexpr uint32_t kMaxNamespaces = 1u << 16;
  if (info.Length() < 2 || !info[0].IsArray() ||
      info[0].As<Napi::Array>().Length() > kMaxNamespaces) {
    misuse(env, "namespaces must be an array of at most 65536 handles");
    return false;
  }
  auto list = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value handle = list.Get(i);
    auto ns = env.IsExceptionPending() ? nullptr : NetNsHandle::get(handle);
    if (!ns) {
      misuse(env, "namespaces." + std::to_string(i) + ": not an open namespace handle (NetNs)");
      return false;
    }
    plan->namespaces.push_back(std::move(ns));
  }
  std::string wrong;
  if (!to_steps(info[1], &plan->steps, &wrong) || !(wrong = check_plan(*plan)).empty()) {
    misuse(env, wrong);
    return false;
  }
  plan->keep_going = info.Length() > 2 && info[2].ToBoolean();
  return true;
}

Napi::Value run_sync(const Napi::CallbackInfo& info) {
  Plan plan;
  if (!read_plan(info, &plan)) return Napi::Value();
  return to_js(info.Env(), run_plan(plan));
}

bool can_run_js(napi_env env) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  napi_value probe = nullptr;
  bool can = napi_create_object(env, &probe) == napi_ok &&
             napi_set_named_property(env, probe, "probe", probe) == napi_ok;
  napi_close_handle_scope(env, scope);
  return can;
}

class PlanWorker : public Napi::AsyncWorker {
 public:
  PlanWorker(Napi::Env env, Plan plan, std::shared_ptr<AbortFlag> abort)
      : AsyncWorker(env),
        plan_(std::move(plan)),
        abort_(std::move(abort)),
        deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { outcome_ = run_plan(plan_, abort_.get()); }
  // A worker that is being terminated still completes its work, but runs no JavaScript any more:
  // then there is nobody to tell, and an attempt would end the process.
  void OnWorkComplete(Napi::Env env, napi_status status) override {
    if (can_run_js(env))
      AsyncWorker::OnWorkComplete(env, status);
    else
      delete this;
  }
  void OnOK() override { deferred_.Resolve(to_js(Env(), outcome_)); }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  Plan plan_;
  std::shared_ptr<AbortFlag> abort_;
  Outcome outcome_;
  Napi::Promise::Deferred deferred_;
};

// run(namespaces, steps, keepGoing, abort?)
Napi::Value run(const Napi::CallbackInfo& info) {
  Plan plan;
  if (!read_plan(info, &plan)) return Napi::Value();
  std::shared_ptr<AbortFlag> abort;
  if (info.Length() > 3 && !info[3].IsUndefined() && !(abort = AbortHandle::get(info[3]))) {
    return misuse(info.Env(), "abort: not what newAbort() makes");
  }
  // Frees itself when done.
  auto* worker = new PlanWorker(info.Env(), std::move(plan), std::move(abort));
  worker->Queue();
  return worker->promise();
}

Napi::Value new_abort(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<State>()->abort.New({});
}

Napi::Value lock(const Napi::CallbackInfo& info) {
  std::string path;
  std::string label;
  if (!text_argument(info, 0, "path", &path)) return info.Env().Undefined();
  double timeout =
      info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!(timeout >= 0 && timeout <= INT32_MAX) || info.Length() < 3 || !info[2].IsString()) {
    return misuse(info.Env(),
                  "timeoutMs must be a number from 0 to 2147483647, and label a string");
  }
  Fd fd;
  Failure f =
      lock_file(path, static_cast<int>(timeout), info[2].As<Napi::String>().Utf8Value(), &fd);
  if (f) return to_js(info.Env(), f);
  return LockHandle::wrap(info.Env(), std::move(fd));
}

Napi::Value open_monitor(const Napi::CallbackInfo& info) {
  auto ns = info.Length() > 0 ? NetNsHandle::get(info[0]) : nullptr;
  if (!ns) return misuse(info.Env(), "namespace: not an open namespace handle (NetNs)");
  return MonitorHandle::open(info, *ns, info.Env().GetInstanceData<State>()->monitor);
}

Napi::Value spawn(const Napi::CallbackInfo& info) {
  auto ns = info.Length() > 0 ? NetNsHandle::get(info[0]) : nullptr;
  if (!ns) return misuse(info.Env(), "namespace: not an open namespace handle (NetNs)");
  return ChildHandle::spawn(info, *ns, info.Env().GetInstanceData<State>()->child);
}

// Ends the process without Node's own end, which frees what the kernel frees anyway.
Napi::Value exit_now(const Napi::CallbackInfo& info) {
  ::_exit(info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : 1);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* state = new State;  // freed by Node-API with the environment
  state->netns = Napi::Persistent(NetNsHandle::define(env));
  state->lock = Napi::Persistent(LockHandle::define(env));
  state->monitor = Napi::Persistent(MonitorHandle::define(env));
  state->abort = Napi::Persistent(AbortHandle::define(env));
  state->child = Napi::Persistent(ChildHandle::define(env));
  auto json = env.Global().Get("JSON").As<Napi::Object>();
  state->parse = Napi::Persistent(json.Get("parse").As<Napi::Function>());
  env.SetInstanceData(state);
  exports.Set("openNetns", Napi::Function::New(env, open_netns, "openNetns"));
  exports.Set("createNetns", Napi::Function::New(env, create_netns, "createNetns"));
  exports.Set("deleteNetns", Napi::Function::New(env, delete_netns, "deleteNetns"));
  exports.Set("runSync", Napi::Function::New(env, run_sync, "runSync"));
  exports.Set("run", Napi::Function::New(env, run, "run"));
  exports.Set("newAbort", Napi::Function::New(env, new_abort, "newAbort"));
  exports.Set("lockFile", Napi::Function::New(env, lock, "lockFile"));
  exports.Set("exitNow", Napi::Function::New(env, exit_now, "exitNow"));
  exports.Set("spawn", Napi::Function::New(env, spawn, "spawn"));
  exports.Set("openMonitor", Napi::Function::New(env, open_monitor, "openMonitor"));
  return exports;
}

}  // namespace

Napi::Value parse_json(Napi::Env env, const std::string& text) {
  return env.GetInstanceData<State>()->parse.Call({Napi::String::New(env, text)});
}

NODE_API_MODULE(vnet_cni, init)

}  // namespace vnet
