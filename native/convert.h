// Between Node-API values and plain ones. The only place where misuse becomes a TypeError.
#pragma once

#include <napi.h>

#include <string>

#include "executor.h"
#include "failure.h"
#include "value.h"

namespace vnet {

// False with a complaint that names the place when the value cannot cross.
bool to_value(const Napi::Value& js, Value* out, std::string* wrong, int depth = 0);
Napi::Value to_js(Napi::Env env, const Value& v);
// JSON.parse as it was when the addon was loaded; empty when it fails. In addon.cc.
Napi::Value parse_json(Napi::Env env, const std::string& text);
Napi::Object to_js(Napi::Env env, const Failure& f);
Napi::Value to_js(Napi::Env env, const Outcome& o);
// Undo steps have no undo of their own. When JavaScript threw meanwhile (a getter), the answer is
// false, `wrong` may be empty, and the exception is pending.
bool to_steps(const Napi::Value& js, std::vector<Step>* out, std::string* wrong,
              bool may_undo = true);

}  // namespace vnet
