#include "reader.h"

#include <algorithm>
#include <cmath>

namespace vnet {

namespace {

constexpr int kMaxDepth = 24;
constexpr uint32_t kMaxEntries = 1u << 20;
// Of a text or an array of bytes. The longest that Linux takes anywhere is an argument of a program
// (MAX_ARG_STRLEN, 128 KiB).
constexpr size_t kMaxSize = 1u << 20;
constexpr double kMaxSafe = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

const char* const kNotPlain = "must be plain data";

// { ref, field }: an object with a member `ref` is a reference and nothing else.
const char* to_reference(const Map& map, Value* out) {
  Ref ref{0, false};
  for (const auto& [name, value] : map) {
    if (name == "ref") {
      const int64_t* step = value.integer();
      if (!step || *step < 0 || *step > UINT32_MAX) {
        return "ref: must be the position of a step, an integer from 0 to 4294967295";
      }
      ref.step = static_cast<uint32_t>(*step);
    } else if (name != "field") {
      return "must have ref and field alone, as a reference";
    } else if (!value.null()) {
      const std::string* field = value.string();
      ref.peer = field && *field == "peerIndex";
      if (!ref.peer && !(field && *field == "index")) return "field: must be index or peerIndex";
    }
  }
  *out = Value(ref);
  return nullptr;
}

bool has_ref(const Map& map) {
  return std::any_of(map.begin(), map.end(), [](const auto& m) { return m.first == "ref"; });
}

}  // namespace

std::string Reader::complaint() const {
  std::string text;
  for (size_t i = path_.size(); i-- > 0;) text += path_[i] + (i ? "." : "");
  // Some complaints begin with a member themselves.
  std::string what = what_;
  bool member = what.rfind("must", 0) != 0;
  if (!text.empty()) text += member ? "." : ": ";
  return text + what;
}

bool Reader::wrong(const char* what) {
  // What the caller's own code threw comes first, and a refusal of the engine is no fault of
  // theirs.
  if (!js_.failed()) what_ = what;
  return false;
}

bool Reader::within(std::string place) {
  path_.push_back(std::move(place));
  return false;
}

bool Reader::afford(size_t bytes) {
  if (bytes > left_) return wrong("must not be so much: 256 MiB are the most for a call");
  left_ -= bytes;
  return true;
}

bool Reader::integer(napi_value js, Value* out) {
  double n = 0;
  if (!js_.number(js, &n)) return false;
  if (std::trunc(n) != n || std::fabs(n) > kMaxSafe) return wrong("must be an integer");
  *out = Value(static_cast<int64_t>(n));
  return true;
}

bool Reader::text(napi_value js, std::string* out) {
  size_t length = js_.text_length(js);
  if (length > kMaxSize) return wrong("must not be longer than 1 MiB");
  return afford(length) && js_.text(js, out);
}

// Asks the engine: a method of a view that is detached, or out of the bounds of a buffer that
// became smaller, throws.
bool Reader::is_live(napi_value view) {
  napi_value zero = js_.make(0);
  napi_value at = js_.kept(at_);
  if (js_.failed()) return false;
  napi_value ignored = nullptr;
  if (napi_call_function(js_.env(), view, at, 1, &zero, &ignored) == napi_ok) return true;
  napi_value thrown = nullptr;
  js_.ok(napi_get_and_clear_last_exception(js_.env(), &thrown));
  return false;
}

bool Reader::bytes(napi_value js, Value* out) {
  napi_typedarray_type type = napi_int8_array;
  size_t size = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  bool owned = false;
  napi_status status =
      napi_get_typedarray_info(js_.env(), js, &type, &size, &data, &buffer, nullptr);
  if (!js_.ok(status)) return false;
  if (type != napi_uint8_array) return wrong("must be a Uint8Array");
  if (!js_.ok(napi_is_arraybuffer(js_.env(), buffer, &owned))) return false;
  if (!owned) return wrong("must not be shared memory; give a copy (Uint8Array.from)");
  if (size > kMaxSize) return wrong("must not be longer than 1 MiB");
  if (size == 0 && !is_live(js)) {
    return wrong("must not be a view of a detached buffer, or beyond the end of one");
  }
  if (!afford(size)) return false;
  const auto* p = static_cast<const uint8_t*>(data);
  *out = Value(size ? Bytes(p, p + size) : Bytes());
  return true;
}

bool Reader::length(napi_value js, uint32_t* out) {
  if (!js_.is_array(js)) return wrong("must be an array");
  *out = js_.length(js);
  if (*out > kMaxEntries) return wrong("must not hold more than 1048576 entries");
  return afford(*out * sizeof(Value)) && !js_.failed();
}

bool Reader::list(napi_value js, Value* out) {
  uint32_t count = 0;
  if (!length(js, &count)) return false;
  List list(count);
  for (uint32_t i = 0; i < count; i++) {
    Scope scope(js_);
    napi_value item = js_.element(js, i);
    if (!item || !value(item, &list[i])) return within(std::to_string(i));
  }
  *out = Value(std::move(list));
  return true;
}

bool Reader::name(napi_value js, std::string* out) {
  if (!js_.is(js, napi_string)) return wrong("must not have symbols for names");
  return text(js, out);
}

bool Reader::members(napi_value js, Map* out) {
  napi_value names = js_.own_names(js);
  uint32_t count = 0;
  if (!names || !length(names, &count)) return false;
  if (!afford(count * (sizeof(Map::value_type) - sizeof(Value)))) return false;
  out->reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    Scope scope(js_);
    napi_value key = js_.element(names, i);
    std::string text;
    if (!key || !name(key, &text)) return false;
    napi_value member = js_.member(js, key);
    Value v;
    if (!member || !value(member, &v)) return within(std::move(text));
    out->emplace_back(std::move(text), std::move(v));
  }
  return true;
}

// Of an object without members: a literal's prototype is nothing, or has none itself. A Map, a
// handle and the like would be taken for something empty.
bool Reader::is_literal(napi_value js) {
  napi_value prototype = js;
  for (int i = 0; i < 2; i++) {
    if (!js_.ok(napi_get_prototype(js_.env(), prototype, &prototype))) return false;
    if (js_.is(prototype, napi_null)) return true;
  }
  return false;
}

bool Reader::is_plain(napi_value js) {
  // Things that have their content elsewhere than in members.
  for (auto ask :
       {napi_is_date, napi_is_promise, napi_is_error, napi_is_dataview, napi_is_arraybuffer}) {
    bool is = false;
    if (!js_.ok(ask(js_.env(), js, &is)) || is) return false;
  }
  return true;
}

bool Reader::object(napi_value js, Value* out) {
  bool typed = false;
  if (!js_.ok(napi_is_typedarray(js_.env(), js, &typed))) return false;
  if (typed) return bytes(js, out);
  if (js_.is_array(js)) return list(js, out);
  if (!is_plain(js)) return wrong(kNotPlain);
  Map map;
  if (!members(js, &map)) return false;
  if (map.empty() && !is_literal(js)) return wrong(kNotPlain);
  if (!has_ref(map)) {
    *out = Value(std::move(map));
    return true;
  }
  const char* complaint = to_reference(map, out);
  return !complaint || wrong(complaint);
}

bool Reader::value(napi_value js, Value* out) {
  switch (js_.type(js)) {
    case napi_undefined:
    case napi_null:
      *out = Value();
      return !js_.failed();
    case napi_boolean: {
      bool b = false;
      if (!js_.boolean(js, &b)) return false;
      *out = Value(b);
      return true;
    }
    case napi_number:
      return integer(js, out);
    case napi_bigint: {
      int64_t n = 0;
      if (!js_.bigint(js, &n)) return wrong("must fit into 64 bits");
      *out = Value(n);
      return true;
    }
    case napi_string: {
      std::string s;
      if (!text(js, &s)) return false;
      *out = Value(std::move(s));
      return true;
    }
    case napi_object: {
      if (depth_ >= kMaxDepth) return wrong("must not be nested so deep");
      depth_++;
      bool read = object(js, out);
      depth_--;
      return read;
    }
    default:
      return wrong(kNotPlain);
  }
}

}  // namespace vnet
