#include "js.h"

#include <algorithm>

namespace vnet {

namespace {

// Node's own for what is wrong with an argument, as the errors of the layer above have it.
constexpr const char* kCode = "ERR_INVALID_ARG_VALUE";

}  // namespace

bool Js::thrown() {
  bool pending = false;
  return ok(napi_is_exception_pending(env_, &pending)) && pending;
}

napi_value Js::close(napi_value answer) {
  if (!failed_) return answer;
  // In an environment that ends this is refused as well, and nobody waits for the answer.
  if (!thrown()) napi_throw_error(env_, nullptr, "the engine refused to make the answer");
  return nullptr;
}

napi_value Js::misuse(const std::string& what) {
  if (!failed_) ok(napi_throw_type_error(env_, kCode, what.c_str()));
  return nullptr;
}

napi_valuetype Js::type(napi_value v) {
  napi_valuetype type = napi_undefined;
  return ok(napi_typeof(env_, v, &type)) ? type : napi_undefined;
}

bool Js::is_array(napi_value v) {
  bool is = false;
  return ok(napi_is_array(env_, v, &is)) && is;
}

uint32_t Js::length(napi_value array) {
  uint32_t length = 0;
  return ok(napi_get_array_length(env_, array, &length)) ? length : 0;
}

napi_value Js::element(napi_value array, uint32_t i) {
  napi_value v = nullptr;
  return ok(napi_get_element(env_, array, i, &v)) ? v : nullptr;
}

napi_value Js::member(napi_value object, napi_value name) {
  napi_value v = nullptr;
  return ok(napi_get_property(env_, object, name, &v)) ? v : nullptr;
}

napi_value Js::member(napi_value object, const char* name) {
  napi_value v = nullptr;
  return ok(napi_get_named_property(env_, object, name, &v)) ? v : nullptr;
}

napi_value Js::own_names(napi_value object) {
  napi_value names = nullptr;
  napi_status status = napi_get_all_property_names(
      env_, object, napi_key_own_only, napi_key_enumerable, napi_key_numbers_to_strings, &names);
  return ok(status) ? names : nullptr;
}

bool Js::number(napi_value v, double* out) { return ok(napi_get_value_double(env_, v, out)); }

bool Js::bigint(napi_value v, int64_t* out) {
  bool lossless = false;
  return ok(napi_get_value_bigint_int64(env_, v, out, &lossless)) && lossless;
}

bool Js::boolean(napi_value v, bool* out) { return ok(napi_get_value_bool(env_, v, out)); }

size_t Js::text_length(napi_value v) {
  size_t length = 0;
  return ok(napi_get_value_string_utf8(env_, v, nullptr, 0, &length)) ? length : 0;
}

bool Js::text(napi_value v, std::string* out) {
  // Node-API writes a NUL after the text: where the string has its own.
  out->resize(text_length(v));
  size_t length = 0;
  return !failed_ && ok(napi_get_value_string_utf8(env_, v, out->data(), out->size() + 1, &length));
}

napi_value Js::undefined() {
  napi_value v = nullptr;
  return ok(napi_get_undefined(env_, &v)) ? v : nullptr;
}

napi_value Js::make(bool b) {
  napi_value v = nullptr;
  return ok(napi_get_boolean(env_, b, &v)) ? v : nullptr;
}

napi_value Js::make(double n) {
  napi_value v = nullptr;
  return ok(napi_create_double(env_, n, &v)) ? v : nullptr;
}

napi_value Js::make(std::string_view text) {
  napi_value v = nullptr;
  return ok(napi_create_string_utf8(env_, text.data(), text.size(), &v)) ? v : nullptr;
}

napi_value Js::make_bigint(int64_t n) {
  napi_value v = nullptr;
  return ok(napi_create_bigint_int64(env_, n, &v)) ? v : nullptr;
}

napi_value Js::make_bytes(const Bytes& bytes) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value v = nullptr;
  if (!ok(napi_create_arraybuffer(env_, bytes.size(), &data, &buffer))) return nullptr;
  if (!bytes.empty()) std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(data));
  return ok(napi_create_typedarray(env_, napi_uint8_array, bytes.size(), buffer, 0, &v)) ? v
                                                                                         : nullptr;
}

napi_value Js::make_array(const std::vector<napi_value>& elements) {
  napi_value array = nullptr;
  if (!ok(napi_create_array_with_length(env_, elements.size(), &array))) return nullptr;
  // Defined, not set: Array.prototype may have setters.
  for (size_t i = 0; i < elements.size(); i++) {
    std::string name = std::to_string(i);
    napi_property_descriptor element{};
    element.utf8name = name.c_str();
    element.value = elements[i];
    element.attributes = napi_default_jsproperty;
    bool made = elements[i] && ok(napi_define_properties(env_, array, 1, &element));
    if (!made) return failed_ = true, nullptr;
  }
  return array;
}

void Js::put(napi_value array, uint32_t i, napi_value v) {
  ok(napi_set_element(env_, array, i, v));
}

napi_value Js::make_object(const Members& members) {
  napi_value object = nullptr;
  if (!ok(napi_create_object(env_, &object))) return nullptr;
  std::vector<napi_property_descriptor> descriptors;
  descriptors.reserve(members.size());
  for (const auto& [name, value] : members) {
    // Node-API looks at this argument no further.
    if (!value) return failed_ = true, nullptr;
    napi_property_descriptor& d = descriptors.emplace_back();
    d = {};
    d.utf8name = name.c_str();
    d.value = value;
    d.attributes = napi_default_jsproperty;
  }
  napi_status status = napi_define_properties(env_, object, descriptors.size(), descriptors.data());
  return ok(status) ? object : nullptr;
}

napi_value Js::make_function(const char* name, napi_callback callback) {
  napi_value v = nullptr;
  napi_status status = napi_create_function(env_, name, NAPI_AUTO_LENGTH, callback, nullptr, &v);
  return ok(status) ? v : nullptr;
}

napi_value Js::call(napi_value self, napi_value function,
                    const std::vector<napi_value>& arguments) {
  for (napi_value v : arguments) {
    if (!v) return failed_ = true, nullptr;
  }
  napi_value result = nullptr;
  napi_status status =
      napi_call_function(env_, self, function, arguments.size(), arguments.data(), &result);
  return ok(status) ? result : nullptr;
}

napi_ref Js::keep(napi_value v) {
  napi_ref ref = nullptr;
  return ok(napi_create_reference(env_, v, 1, &ref)) ? ref : nullptr;
}

napi_value Js::kept(napi_ref ref) {
  napi_value v = nullptr;
  return ok(napi_get_reference_value(env_, ref, &v)) ? v : nullptr;
}

void Js::drop(napi_ref ref) { ok(napi_delete_reference(env_, ref)); }

}  // namespace vnet
