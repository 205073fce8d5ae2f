// A value as JSON text.
#pragma once

#include <string>

#include "value.h"

namespace vnet {

// Appends the text of the value. False, with part of it appended, for what JSON cannot say: bytes,
// references, and integers that a JavaScript number would round.
bool to_json(const Value& v, std::string* out);

}  // namespace vnet
