// Node-API, with every answer looked at. Nothing outside of this folder speaks Node-API.
//
// The engine may say no at any moment: an exception of the caller's own code is pending, or the
// environment is ending (worker.terminate()), when whatever runs JavaScript or makes an object is
// refused. A value that could not be made is nullptr; everything here takes nullptr and passes it
// on, so that code can go on to its end. What leaves an entry then is nothing, and close() sees to
// it that no caller takes it for an answer.
//
// node-addon-api's classes are not used for that: some of them end the process when the engine
// says no (NAPI_FATAL_IF_FAILED), and an empty value of theirs is undefined behaviour.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../value.h"

namespace vnet {

class Js {
 public:
  explicit Js(napi_env env) : env_(env) {}
  napi_env env() const { return env_; }

  // True when the engine did it.
  bool ok(napi_status status) {
    failed_ |= status != napi_ok;
    return status == napi_ok;
  }
  // The engine has refused something.
  bool failed() const { return failed_; }
  // An exception is on its way to the caller.
  bool thrown();
  // The answer of an entry. Where there is none and nobody said why, that is an error.
  napi_value close(napi_value answer);

  // Throws a TypeError, unless the engine has refused something: what the caller's own code threw
  // comes first. Answers with nullptr, for returning.
  napi_value misuse(const std::string& what);

  // What a value is; napi_undefined for none.
  napi_valuetype type(napi_value v);
  bool is(napi_value v, napi_valuetype wanted) { return type(v) == wanted; }
  bool is_array(napi_value v);
  // Of an array; an own property that no getter can take the place of.
  uint32_t length(napi_value array);
  napi_value element(napi_value array, uint32_t i);
  napi_value member(napi_value object, napi_value name);
  napi_value member(napi_value object, const char* name);
  // The names of its own enumerable members, strings all; symbols as they are.
  napi_value own_names(napi_value object);
  bool number(napi_value v, double* out);
  // False without an exception when it does not fit into 64 bits.
  bool bigint(napi_value v, int64_t* out);
  bool boolean(napi_value v, bool* out);
  // Bytes in UTF-8.
  size_t text_length(napi_value v);
  bool text(napi_value v, std::string* out);

  napi_value undefined();
  napi_value make(bool v);
  napi_value make(double v);
  napi_value make(int v) { return make(static_cast<double>(v)); }
  napi_value make(std::string_view v);
  // Without it a literal would become a boolean.
  napi_value make(const char* v) { return make(std::string_view(v)); }
  napi_value make_bigint(int64_t v);
  napi_value make_bytes(const Bytes& v);
  napi_value make_array(const std::vector<napi_value>& elements);
  // Puts an element in the place of one that there is.
  void put(napi_value array, uint32_t i, napi_value v);
  using Members = std::vector<std::pair<std::string, napi_value>>;
  // Own members, whatever setters Object.prototype has.
  napi_value make_object(const Members& members);
  napi_value make_function(const char* name, napi_callback callback);

  napi_value call(napi_value self, napi_value function, const std::vector<napi_value>& arguments);

  // What stays beyond a call; nullptr when it could not be kept. Freed with the environment.
  napi_ref keep(napi_value v);
  napi_value kept(napi_ref ref);
  void drop(napi_ref ref);

 private:
  napi_env env_;
  bool failed_ = false;
};

// Values made inside are let go of at its end: for loops over what a caller gave.
class Scope {
 public:
  explicit Scope(Js& js) : js_(js) {
    if (!js_.ok(napi_open_handle_scope(js_.env(), &scope_))) scope_ = nullptr;
  }
  ~Scope() {
    if (scope_) js_.ok(napi_close_handle_scope(js_.env(), scope_));
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Js& js_;
  napi_handle_scope scope_ = nullptr;
};

}  // namespace vnet
