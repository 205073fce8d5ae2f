#include "environment.h"

#include <cmath>

#include "watch.h"

namespace vnet {

namespace {

void destroy(napi_env, void* data, void*) { delete static_cast<Environment*>(data); }

}  // namespace

Environment* Environment::make(Js& js) {
  auto environment = std::make_unique<Environment>();
  napi_value global = nullptr;
  js.ok(napi_get_global(js.env(), &global));
  environment->parse = js.keep(js.member(js.member(global, "JSON"), "parse"));
  napi_value bytes = js.make_bytes({});
  environment->at = js.keep(js.member(bytes, "at"));
  environment->watches = std::make_shared<Watches>(js.env());
  napi_status status = napi_set_instance_data(js.env(), environment.get(), destroy, nullptr);
  return js.ok(status) ? environment.release() : nullptr;
}

Environment* Environment::of(Js& js) {
  void* data = nullptr;
  return js.ok(napi_get_instance_data(js.env(), &data)) ? static_cast<Environment*>(data) : nullptr;
}

Call::Call(napi_env env, napi_callback_info info) : js(env) {
  size_t count = kMost;
  js.ok(napi_get_cb_info(env, info, &count, arguments, &self, nullptr));
  environment = Environment::of(js);
}

bool text_argument(Call& call, size_t i, const char* name, std::string* out) {
  constexpr size_t kLongest = 64 * 1024;
  Js& js = call.js;
  napi_value v = call.arguments[i];
  if (js.is(v, napi_string) && js.text_length(v) <= kLongest && js.text(v, out) && !out->empty() &&
      out->find('\0') == std::string::npos) {
    return true;
  }
  js.misuse(std::string(name) + " must be a non-empty string without NUL bytes");
  return false;
}

bool integer_argument(Call& call, size_t i, const char* name, double min, double max, double* out) {
  Js& js = call.js;
  napi_value v = call.arguments[i];
  if (js.is(v, napi_number) && js.number(v, out) && std::trunc(*out) == *out && *out >= min &&
      *out <= max) {
    return true;
  }
  js.misuse(std::string(name) + ": must be an integer from " +
            std::to_string(static_cast<int64_t>(min)) + " to " +
            std::to_string(static_cast<int64_t>(max)));
  return false;
}

bool boolean_argument(Call& call, size_t i, const char* name, bool* out) {
  Js& js = call.js;
  napi_value v = call.arguments[i];
  *out = false;
  if (js.is(v, napi_undefined)) return true;
  if (js.is(v, napi_boolean) && js.boolean(v, out)) return true;
  js.misuse(std::string(name) + ": must be true or false");
  return false;
}

bool function_argument(Call& call, size_t i, const char* name) {
  if (call.js.is(call.arguments[i], napi_function)) return true;
  call.js.misuse(std::string(name) + ": must be a function");
  return false;
}

}  // namespace vnet
