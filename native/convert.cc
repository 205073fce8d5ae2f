#include "convert.h"

#include <cmath>

namespace vnet {

namespace {

constexpr int kMaxDepth = 16;
constexpr double kMaxSafe = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

bool to_integer(const Napi::Value& js, Value* out, std::string* wrong) {
  if (js.IsBigInt()) {
    bool lossless = false;
    *out = Value(js.As<Napi::BigInt>().Int64Value(&lossless));
    if (!lossless) *wrong = "must fit into 64 bits";
    return lossless;
  }
  double n = js.As<Napi::Number>().DoubleValue();
  if (std::trunc(n) != n || std::fabs(n) > kMaxSafe) {
    *wrong = "must be an integer";
    return false;
  }
  *out = Value(static_cast<int64_t>(n));
  return true;
}

bool to_list(const Napi::Array& js, Value* out, std::string* wrong, int depth) {
  List list(js.Length());
  for (uint32_t i = 0; i < js.Length(); i++) {
    if (to_value(js.Get(i), &list[i], wrong, depth + 1)) continue;
    *wrong = std::to_string(i) + "." + *wrong;
    return false;
  }
  *out = Value(std::move(list));
  return true;
}

bool to_map(const Napi::Object& js, Value* out, std::string* wrong, int depth) {
  Napi::Array names = js.GetPropertyNames();
  Map map;
  map.reserve(names.Length());
  for (uint32_t i = 0; i < names.Length(); i++) {
    Napi::Value name = names.Get(i);
    std::string key = name.ToString().Utf8Value();
    Value v;
    if (!to_value(js.Get(name), &v, wrong, depth + 1)) {
      *wrong = key + (wrong->rfind("must", 0) == 0 ? ": " : ".") + *wrong;
      return false;
    }
    map.emplace_back(std::move(key), std::move(v));
  }
  if (!map.empty() && map[0].first == "ref" && map[0].second.integer()) {
    bool peer = map.size() > 1 && map[1].second.string() && *map[1].second.string() == "peerIndex";
    *out = Value(Ref{static_cast<uint32_t>(*map[0].second.integer()), peer});
  } else {
    *out = Value(std::move(map));
  }
  return true;
}

}  // namespace

bool to_value(const Napi::Value& js, Value* out, std::string* wrong, int depth) {
  if (depth > kMaxDepth) {
    *wrong = "must not be nested so deep";
    return false;
  }
  if (js.IsUndefined() || js.IsNull()) {
    *out = Value();
  } else if (js.IsBoolean()) {
    *out = Value(js.As<Napi::Boolean>().Value());
  } else if (js.IsNumber() || js.IsBigInt()) {
    return to_integer(js, out, wrong);
  } else if (js.IsString()) {
    *out = Value(js.As<Napi::String>().Utf8Value());
  } else if (js.IsTypedArray()) {
    auto a = js.As<Napi::TypedArray>();
    const auto* p = static_cast<const uint8_t*>(a.ArrayBuffer().Data()) + a.ByteOffset();
    *out = Value(Bytes(p, p + a.ByteLength()));
  } else if (js.IsArray()) {
    return to_list(js.As<Napi::Array>(), out, wrong, depth);
  } else if (js.IsObject() && !js.IsFunction()) {
    return to_map(js.As<Napi::Object>(), out, wrong, depth);
  } else {
    *wrong = "must be plain data";
    return false;
  }
  return true;
}

Napi::Value to_js(Napi::Env env, const Value& v) {
  if (const bool* b = v.boolean()) return Napi::Boolean::New(env, *b);
  if (const int64_t* i = v.integer()) {
    if (std::fabs(static_cast<double>(*i)) > kMaxSafe) return Napi::BigInt::New(env, *i);
    return Napi::Number::New(env, static_cast<double>(*i));
  }
  if (const std::string* s = v.string()) return Napi::String::New(env, *s);
  if (const Bytes* b = v.bytes()) {
    auto array = Napi::Uint8Array::New(env, b->size());
    // An environment that is ending makes no buffers.
    if (!array.IsEmpty() && !b->empty()) std::copy(b->begin(), b->end(), array.Data());
    return array;
  }
  if (const List* list = v.list()) {
    auto array = Napi::Array::New(env, list->size());
    for (uint32_t i = 0; i < list->size(); i++) array.Set(i, to_js(env, (*list)[i]));
    return array;
  }
  if (const Map* map = v.map()) {
    auto object = Napi::Object::New(env);
    for (const auto& [name, value] : *map) object.Set(name, to_js(env, value));
    return object;
  }
  return env.Undefined();
}

Napi::Object to_js(Napi::Env env, const Failure& f) {
  auto o = Napi::Object::New(env);
  o.Set("step", f.step);
  o.Set("op", f.op);
  o.Set("errno", f.error);
  o.Set("syscall", f.syscall);
  o.Set("extAck", f.ext_ack);
  o.Set("attribute", f.attribute);
  return o;
}

Napi::Value to_js(Napi::Env env, const Outcome& o) {
  auto result = Napi::Object::New(env);
  auto results = Napi::Array::New(env, o.results.size());
  for (uint32_t i = 0; i < o.results.size(); i++) results.Set(i, to_js(env, o.results[i]));
  result.Set("results", results);
  if (o.failure) result.Set("failure", to_js(env, o.failure));
  auto more = Napi::Array::New(env, o.more_failures.size());
  for (uint32_t i = 0; i < o.more_failures.size(); i++) more.Set(i, to_js(env, o.more_failures[i]));
  result.Set("moreFailures", more);
  return result;
}

namespace {

bool to_step(const Napi::Object& js, Step* step, std::string* wrong) {
  Napi::Value op = js.Get("op");
  Napi::Value ns = js.Get("ns");
  if (!op.IsString() || !ns.IsNumber()) {
    *wrong = "op: a step needs op (string) and ns (number)";
    return false;
  }
  step->op = op.As<Napi::String>().Utf8Value();
  step->ns = ns.As<Napi::Number>().Uint32Value();
  Napi::Value flags = js.Get("flags");
  if (flags.IsNumber()) step->flags = static_cast<uint16_t>(flags.As<Napi::Number>().Uint32Value());
  if (!to_value(js.Get("args"), &step->args, wrong)) {
    *wrong = step->op + "." + *wrong;
    return false;
  }
  Napi::Value accept = js.Get("accept");
  if (accept.IsArray()) {
    auto list = accept.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); i++) {
      step->accept.push_back(Napi::Value(list.Get(i)).ToNumber().Int32Value());
    }
  }
  Napi::Value undo = js.Get("undo");
  return !undo.IsArray() || to_steps(undo, &step->undo, wrong);
}

}  // namespace

bool to_steps(const Napi::Value& js, std::vector<Step>* out, std::string* wrong) {
  if (!js.IsArray()) {
    *wrong = "steps: must be an array";
    return false;
  }
  auto list = js.As<Napi::Array>();
  out->resize(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value step = list.Get(i);
    if (!step.IsObject()) {
      *wrong = "steps: must hold objects";
      return false;
    }
    if (!to_step(step.As<Napi::Object>(), &(*out)[i], wrong)) return false;
  }
  return true;
}

}  // namespace vnet
