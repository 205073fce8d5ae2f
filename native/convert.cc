#include "convert.h"

#include <cmath>
#include <vector>

#include "json.h"

namespace vnet {

namespace {

constexpr int kMaxDepth = 16;
constexpr uint32_t kMaxEntries = 1u << 20;
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

bool to_bytes(const Napi::TypedArray& js, Value* out, std::string* wrong) {
  void* data = nullptr;
  size_t size = js.ByteLength();
  // ArrayBuffer().Data() would be null for a SharedArrayBuffer; this pointer is right for both.
  napi_status status =
      napi_get_typedarray_info(js.Env(), js, nullptr, nullptr, &data, nullptr, nullptr);
  if (status != napi_ok || (!data && size)) {
    *wrong = "must be a Uint8Array";
    return false;
  }
  const auto* p = static_cast<const uint8_t*>(data);
  *out = Value(Bytes(p, p + size));
  return true;
}

bool fits(const Napi::Array& js, std::string* wrong) {
  if (js.Length() <= kMaxEntries) return true;
  *wrong = "must not hold more than " + std::to_string(kMaxEntries) + " entries";
  return false;
}

bool to_list(const Napi::Array& js, Value* out, std::string* wrong, int depth) {
  if (!fits(js, wrong)) return false;
  List list(js.Length());
  for (uint32_t i = 0; i < js.Length(); i++) {
    Napi::Value item = js.Get(i);
    if (js.Env().IsExceptionPending()) return false;
    if (to_value(item, &list[i], wrong, depth + 1)) continue;
    *wrong = std::to_string(i) + "." + *wrong;
    return false;
  }
  *out = Value(std::move(list));
  return true;
}

bool to_map(const Napi::Object& js, Value* out, std::string* wrong, int depth) {
  Napi::Env env = js.Env();
  Napi::Array names = js.GetPropertyNames();
  if (env.IsExceptionPending() || !fits(names, wrong)) return false;
  Map map;
  map.reserve(names.Length());
  for (uint32_t i = 0; i < names.Length(); i++) {
    Napi::Value name = names.Get(i);
    std::string key = name.ToString().Utf8Value();
    Value v;
    Napi::Value member = js.Get(name);
    // A getter of the caller's may throw: what it threw is what the caller sees.
    if (env.IsExceptionPending()) return false;
    if (!to_value(member, &v, wrong, depth + 1)) {
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

// A dump of ten thousand entries has a hundred thousand members. Made one by one each costs a call
// across the border; as one JSON text the engine makes them all, several times as fast. What JSON
// cannot say (bytes, integers beyond 2^53) is made one by one and put in afterwards.
Napi::Value entries(Napi::Env env, const List& list) {
  constexpr size_t kFewEntries = 8;
  Napi::Array out;
  std::vector<uint32_t> odd;
  if (list.size() > kFewEntries) {
    std::string text = "[";
    for (uint32_t i = 0; i < list.size(); i++) {
      size_t start = text.size();
      if (!to_json(list[i], &text)) {
        text.resize(start);
        text += "null";
        odd.push_back(i);
      }
      text += ',';
    }
    text.back() = ']';
    Napi::Value parsed = parse_json(env, text);
    if (!parsed.IsEmpty() && parsed.IsArray()) out = parsed.As<Napi::Array>();
  }
  if (out.IsEmpty()) {
    out = Napi::Array::New(env, list.size());
    odd.resize(list.size());
    for (uint32_t i = 0; i < list.size(); i++) odd[i] = i;
  }
  for (uint32_t i : odd) {
    Napi::HandleScope scope(env);
    out.Set(i, to_js(env, list[i]));
  }
  return out;
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
    return to_bytes(js.As<Napi::TypedArray>(), out, wrong);
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
  if (const List* list = v.list()) return entries(env, *list);
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
  if (f.message >= 0) o.Set("message", f.message);
  return o;
}

Napi::Value to_js(Napi::Env env, const Outcome& o) {
  auto result = Napi::Object::New(env);
  auto results = Napi::Array::New(env, o.results.size());
  for (uint32_t i = 0; i < o.results.size(); i++) results.Set(i, to_js(env, o.results[i]));
  result.Set("results", results);
  if (o.failure) result.Set("failure", to_js(env, o.failure));
  if (o.aborted) result.Set("aborted", true);
  auto more = Napi::Array::New(env, o.more_failures.size());
  for (uint32_t i = 0; i < o.more_failures.size(); i++) more.Set(i, to_js(env, o.more_failures[i]));
  result.Set("moreFailures", more);
  return result;
}

namespace {

// An integer from 0 to `max`; absent is left as it is.
bool to_number(const Napi::Object& js, const char* name, uint32_t max, bool required, uint32_t* out,
               std::string* wrong) {
  Napi::Value v = js.Get(name);
  if (js.Env().IsExceptionPending()) return false;
  if (v.IsUndefined() && !required) return true;
  double n = v.IsNumber() ? v.As<Napi::Number>().DoubleValue() : -1;
  if (std::trunc(n) != n || n < 0 || n > max) {
    *wrong = std::string(name) + ": must be an integer from 0 to " + std::to_string(max);
    return false;
  }
  *out = static_cast<uint32_t>(n);
  return true;
}

bool to_accept(const Napi::Object& js, Step* step, std::string* wrong) {
  Napi::Value accept = js.Get("accept");
  if (js.Env().IsExceptionPending()) return false;
  if (accept.IsUndefined()) return true;
  bool ok = accept.IsArray() && fits(accept.As<Napi::Array>(), wrong);
  for (uint32_t i = 0; ok && i < accept.As<Napi::Array>().Length(); i++) {
    Napi::Value number = accept.As<Napi::Array>().Get(i);
    ok = number.IsNumber();
    if (ok) step->accept.push_back(number.As<Napi::Number>().Int32Value());
  }
  if (!ok) *wrong = "accept: must be an array of errno numbers";
  return ok;
}

bool to_step(const Napi::Object& js, Step* step, std::string* wrong, bool may_undo) {
  Napi::Env env = js.Env();
  Napi::Value op = js.Get("op");
  if (env.IsExceptionPending()) return false;
  if (!op.IsString()) {
    *wrong = "op: must be a string";
    return false;
  }
  step->op = op.As<Napi::String>().Utf8Value();
  auto fail = [&]() {
    *wrong = step->op + "." + *wrong;
    return false;
  };
  uint32_t flags = 0;
  if (!to_number(js, "ns", UINT32_MAX, true, &step->ns, wrong)) return fail();
  if (!to_number(js, "flags", UINT16_MAX, false, &flags, wrong)) return fail();
  step->flags = static_cast<uint16_t>(flags);
  Napi::Value args = js.Get("args");
  if (env.IsExceptionPending() || !to_value(args, &step->args, wrong)) return fail();
  if (!to_accept(js, step, wrong)) return fail();
  Napi::Value undo = js.Get("undo");
  if (env.IsExceptionPending()) return false;
  if (undo.IsUndefined()) return true;
  if (!may_undo || !undo.IsArray()) {
    *wrong =
        may_undo ? "undo: must be an array of steps" : "undo: an undo step has none of its own";
    return fail();
  }
  return to_steps(undo, &step->undo, wrong, false) || fail();
}

}  // namespace

bool to_steps(const Napi::Value& js, std::vector<Step>* out, std::string* wrong, bool may_undo) {
  if (!js.IsArray()) {
    *wrong = "steps: must be an array";
    return false;
  }
  auto list = js.As<Napi::Array>();
  if (!fits(list, wrong)) return false;
  out->resize(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value step = list.Get(i);
    if (js.Env().IsExceptionPending()) return false;
    if (!step.IsObject()) {
      *wrong = "steps: must hold objects";
      return false;
    }
    if (!to_step(step.As<Napi::Object>(), &(*out)[i], wrong, may_undo)) return false;
  }
  return true;
}

}  // namespace vnet
