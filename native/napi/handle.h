// Classes of handles: objects of ours that JavaScript holds. An object is known by a tag that no
// other code can put on one, whatever its prototype says.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "environment.h"

namespace vnet {

// T has kClass, kName, and kTag; made by JavaScript's `new` it is a handle of nothing.
template <typename T>
class Handle {
 public:
  struct Method {
    const char* name;
    napi_callback callback;
  };

  // A method as Node-API wants it.
  template <napi_value (T::*method)(Call&)>
  static napi_value enter_method(napi_env env, napi_callback_info info) {
    Call call(env, info);
    if (!call.ready()) return call.js.close(nullptr);
    T* self = get(call.js, call.self);
    if (!self) return call.js.misuse(std::string("this must be a ") + T::kName);
    return call.js.close((self->*method)(call));
  }

  template <size_t N>
  static void define(Js& js, Environment& environment, const Method (&methods)[N]) {
    std::array<napi_property_descriptor, N> properties{};
    for (size_t i = 0; i < N; i++) {
      properties[i].utf8name = methods[i].name;
      properties[i].method = methods[i].callback;
      properties[i].attributes = napi_default_method;
    }
    napi_value made = nullptr;
    js.ok(napi_define_class(js.env(), T::kName, NAPI_AUTO_LENGTH, construct, nullptr, N,
                            properties.data(), &made));
    environment.constructors[static_cast<size_t>(T::kClass)] = js.keep(made);
  }

  // A new object, and the handle in it; nullptr when the engine would not.
  static napi_value make(Call& call, T** out) {
    Js& js = call.js;
    napi_value made = nullptr;
    napi_value constructor =
        js.kept(call.environment->constructors[static_cast<size_t>(T::kClass)]);
    bool done = js.ok(napi_new_instance(js.env(), constructor, 0, nullptr, &made)) &&
                (*out = get(js, made));
    return done ? made : nullptr;
  }

  // The handle in a value, or nullptr when it has none.
  static T* get(Js& js, napi_value v) {
    bool ours = false;
    void* data = nullptr;
    if (!js.is(v, napi_object)) return nullptr;
    if (!js.ok(napi_check_object_type_tag(js.env(), v, &T::kTag, &ours)) || !ours) return nullptr;
    return js.ok(napi_unwrap(js.env(), v, &data)) ? static_cast<T*>(data) : nullptr;
  }

 private:
  static napi_value construct(napi_env env, napi_callback_info info) {
    Call call(env, info);
    Js& js = call.js;
    napi_value target = nullptr;
    if (!call.ready() || !js.ok(napi_get_new_target(env, info, &target))) {
      return js.close(nullptr);
    }
    if (!target) return js.misuse(std::string(T::kName) + " is a class: it needs new");
    auto handle = std::make_unique<T>();
    auto destroy = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
    if (!js.ok(napi_wrap(env, call.self, handle.get(), destroy, nullptr, nullptr))) {
      return js.close(nullptr);
    }
    handle.release();
    // What has the tag has a handle: the tag comes last.
    js.ok(napi_type_tag_object(env, call.self, &T::kTag));
    return js.close(call.self);
  }
};

}  // namespace vnet
