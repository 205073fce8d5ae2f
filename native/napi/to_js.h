// Plain values, failures and outcomes as JavaScript's.
#pragma once

#include "../executor.h"
#include "environment.h"

namespace vnet {

napi_value to_js(Js& js, const Value& v);
napi_value to_js(Js& js, const Failure& f);
napi_value to_js(Js& js, const Outcome& o);

}  // namespace vnet
