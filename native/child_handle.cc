#include "child_handle.h"

#include <string>
#include <utility>

#include "convert.h"

namespace vnet {

namespace {

Napi::Value misuse(Napi::Env env, const std::string& what) {
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, what).ThrowAsJavaScriptException();
  return env.Undefined();
}

bool to_text(const vnet::Value* v, std::string* out) {
  if (!v || !v->string() || v->string()->find('\0') != std::string::npos) return false;
  *out = *v->string();
  return true;
}

bool to_texts(const vnet::Value* v, std::vector<std::string>* out) {
  if (!v || !v->list()) return false;
  for (const vnet::Value& item : *v->list()) {
    if (!to_text(&item, &out->emplace_back())) return false;
  }
  return true;
}

bool to_stdio(const vnet::Value* v, ChildSpec* spec) {
  std::vector<std::string> names;
  if (!to_texts(v, &names) || names.size() != std::size(spec->stdio)) return false;
  for (size_t i = 0; i < names.size(); i++) {
    if (names[i] == "ignore") {
      spec->stdio[i] = Stdio::kIgnore;
    } else if (names[i] == "inherit") {
      spec->stdio[i] = Stdio::kInherit;
    } else if (names[i] == "pipe") {
      spec->stdio[i] = Stdio::kPipe;
    } else {
      return false;
    }
  }
  return true;
}

// Reads { file, argv, env, cwd?, stdio }; the complaint, or an empty string.
std::string read_spec(const Napi::Value& js, ChildSpec* spec) {
  vnet::Value v;
  std::string wrong;
  if (!to_value(js, &v, &wrong)) return "spec: " + wrong;
  if (!to_text(v.get("file"), &spec->file) || spec->file.empty()) {
    return "file: must be a non-empty string without NUL bytes";
  }
  if (!to_texts(v.get("argv"), &spec->argv) || spec->argv.empty()) {
    return "argv: must be an array of strings without NUL bytes, not empty";
  }
  if (!to_texts(v.get("env"), &spec->environment)) {
    return "env: must be an array of strings without NUL bytes";
  }
  if (v.get("cwd") && !to_text(v.get("cwd"), &spec->folder)) {
    return "cwd: must be a string without NUL bytes";
  }
  if (!to_stdio(v.get("stdio"), spec)) {
    return "stdio: must be three of pipe, inherit, ignore";
  }
  return {};
}

}  // namespace

Napi::Function ChildHandle::define(Napi::Env env) {
  return DefineClass(
      env, "NativeChild",
      {InstanceMethod("pid", &ChildHandle::pid), InstanceMethod("pipe", &ChildHandle::pipe),
       InstanceMethod("end", &ChildHandle::end), InstanceMethod("kill", &ChildHandle::kill),
       InstanceMethod("hold", &ChildHandle::hold), InstanceMethod("close", &ChildHandle::close)});
}

Napi::Value ChildHandle::spawn(const Napi::CallbackInfo& info, const NetNs& ns,
                               const Napi::FunctionReference& constructor) {
  Napi::Env env = info.Env();
  ChildSpec spec;
  if (info.Length() < 3 || !info[2].IsFunction()) {
    return misuse(env, "needs a namespace, a specification and a function");
  }
  std::string wrong = read_spec(info[1], &spec);
  if (!wrong.empty()) return misuse(env, wrong);
  Napi::Object object = constructor.New({});
  ChildHandle* self = Unwrap(object);
  self->listen(env, info[2].As<Napi::Function>());
  auto on_end = [self]() { self->ended_.NonBlockingCall(); };
  Failure f = Child::start(ns.fd(), spec, on_end, &self->child_);
  if (!f) {
    self->pid_ = self->child_->pid();
    return object;
  }
  self->stop();
  return to_js(env, f);
}

void ChildHandle::listen(Napi::Env env, const Napi::Function& on_end) {
  ended_ = Napi::ThreadSafeFunction::New(env, on_end, "vnet-cni.child", 1, 1);
  // Hooks run last in, first out: the thread is gone before the environment takes `ended_` down.
  napi_add_env_cleanup_hook(env, at_end, this);
  started_ = true;
}

void ChildHandle::stop() {
  if (!std::exchange(started_, false)) return;
  child_.reset();
  ended_.Abort();
  napi_remove_env_cleanup_hook(Env(), at_end, this);
}

Napi::Value ChildHandle::pid(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), pid_);
}

Napi::Value ChildHandle::pipe(const Napi::CallbackInfo& info) {
  uint32_t stream = info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : 3;
  if (stream > 2) return misuse(info.Env(), "stream: must be 0, 1 or 2");
  return Napi::Number::New(info.Env(), child_ ? child_->take_pipe(static_cast<int>(stream)) : -1);
}

Napi::Value ChildHandle::end(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!child_) return misuse(env, "the child was let go");
  const ChildEnd& end = child_->end();
  if (end.failure) return to_js(env, end.failure);
  auto o = Napi::Object::New(env);
  o.Set("code", end.code);
  o.Set("signal", end.signal);
  return o;
}

Napi::Value ChildHandle::kill(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) return misuse(info.Env(), "signal: must be a number");
  Failure gone = syscall_failure("netns.kill", "pidfd_send_signal", ESRCH);
  Failure f = child_ ? child_->kill(info[0].As<Napi::Number>().Int32Value()) : gone;
  return f ? Napi::Value(to_js(info.Env(), f)) : info.Env().Undefined();
}

Napi::Value ChildHandle::hold(const Napi::CallbackInfo& info) {
  if (started_ && info[0].ToBoolean()) {
    ended_.Ref(info.Env());
  } else if (started_) {
    ended_.Unref(info.Env());
  }
  return info.Env().Undefined();
}

Napi::Value ChildHandle::close(const Napi::CallbackInfo& info) {
  stop();
  return info.Env().Undefined();
}

}  // namespace vnet
