#include "child_handle.h"

#include <cerrno>
#include <iterator>
#include <utility>

#include "netns_handle.h"
#include "reader.h"
#include "to_js.h"

namespace vnet {

namespace {

bool to_text(const Value& v, std::string* out) {
  if (!v.string() || v.string()->find('\0') != std::string::npos) return false;
  *out = *v.string();
  return true;
}

bool to_texts(const Value& v, std::vector<std::string>* out) {
  if (!v.list()) return false;
  for (const Value& item : *v.list()) {
    if (!to_text(item, &out->emplace_back())) return false;
  }
  return true;
}

bool to_stdio(const Value& v, ChildSpec* spec) {
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

// One member of the specification; the complaint, or an empty string.
std::string read_member(const std::string& name, const Value& v, ChildSpec* spec) {
  if (name == "file") {
    if (to_text(v, &spec->file) && !spec->file.empty()) return {};
    return "file: must be a non-empty string without NUL bytes";
  }
  if (name == "argv") {
    if (to_texts(v, &spec->argv) && !spec->argv.empty()) return {};
    return "argv: must be an array of strings without NUL bytes, not empty";
  }
  if (name == "env") {
    if (to_texts(v, &spec->environment)) return {};
    return "env: must be an array of strings without NUL bytes";
  }
  if (name == "cwd") {
    if (v.null() || to_text(v, &spec->folder)) return {};
    return "cwd: must be a string without NUL bytes";
  }
  if (name == "stdio") {
    if (to_stdio(v, spec)) return {};
    return "stdio: must be three of pipe, inherit, ignore";
  }
  return name + ": is not a member of a specification (file, argv, env, cwd, stdio)";
}

// Reads { file, argv, env, cwd?, stdio }.
std::string read_spec(const Value& v, ChildSpec* spec) {
  for (const char* required : {"file", "argv", "env", "stdio"}) {
    if (v.get(required)) continue;
    return read_member(required, Value(), spec);
  }
  // It has members: it is a map.
  for (const auto& [name, value] : *v.map()) {
    std::string wrong = read_member(name, value, spec);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

void ChildHandle::define(Js& js, Environment& environment) {
  using H = Handle<ChildHandle>;
  H::define(js, environment,
            {{"pid", H::enter_method<&ChildHandle::pid>},
             {"pipe", H::enter_method<&ChildHandle::pipe>},
             {"end", H::enter_method<&ChildHandle::end>},
             {"kill", H::enter_method<&ChildHandle::kill>},
             {"hold", H::enter_method<&ChildHandle::set_hold>},
             {"close", H::enter_method<&ChildHandle::close>}});
}

napi_value ChildHandle::spawn(Call& call) {
  Js& js = call.js;
  auto ns = NetNsHandle::argument(call, 0);
  if (!ns) return nullptr;
  if (!js.is(call.arguments[2], napi_function)) {
    return js.misuse("onEnd: spawn needs a namespace, a specification and a function");
  }
  Reader reader(call);
  Value given;
  if (!reader.value(call.arguments[1], &given)) return js.misuse("spec: " + reader.complaint());
  ChildSpec spec;
  std::string wrong = read_spec(given, &spec);
  if (!wrong.empty()) return js.misuse(wrong);
  ChildHandle* self = nullptr;
  napi_value made = Handle<ChildHandle>::make(call, &self);
  if (!made || !self->listen(call, call.arguments[2])) return nullptr;
  Failure f =
      Child::start(ns->fd(), spec, self->watches().reactor(), self->signaller(), &self->child_);
  if (f) {
    self->stop();
    return to_js(js, f);
  }
  self->pid_ = self->child_->pid();
  self->hold(true);
  return made;
}

napi_value ChildHandle::pid(Call& call) { return call.js.make(pid_); }

napi_value ChildHandle::pipe(Call& call) {
  double stream = 0;
  if (!integer_argument(call, 0, "stream", 0, 2, &stream)) return nullptr;
  return call.js.make(child_ ? child_->take_pipe(static_cast<int>(stream)) : -1);
}

napi_value ChildHandle::end(Call& call) {
  Js& js = call.js;
  if (!child_) return js.misuse("the child was let go");
  std::optional<ChildEnd> end = child_->end();
  if (!end) return js.misuse("the child has not ended");
  if (end->failure) return to_js(js, end->failure);
  return js.make_object({{"code", js.make(end->code)}, {"signal", js.make(end->signal)}});
}

napi_value ChildHandle::kill(Call& call) {
  constexpr double kLargest = 64;  // _NSIG
  double signal = 0;
  if (!integer_argument(call, 0, "signal", 0, kLargest, &signal)) return nullptr;
  Failure gone = syscall_failure("netns.kill", "pidfd_send_signal", ESRCH);
  Failure f = child_ ? child_->kill(static_cast<int>(signal)) : gone;
  return f ? to_js(call.js, f) : call.js.undefined();
}

napi_value ChildHandle::set_hold(Call& call) {
  bool on = false;
  if (!boolean_argument(call, 0, "on", &on)) return nullptr;
  hold(on);
  return call.js.undefined();
}

napi_value ChildHandle::close(Call& call) {
  stop();
  return call.js.undefined();
}

}  // namespace vnet
