// Messages that nest as deep as 64 KiB allow.
#pragma once

#include "../wire/reader.h"

namespace vnet::fuzz {

// Byte 0 picks the object, the others which nest comes next in each. Decoding it and naming what
// lies at its end must not need a stack of its depth.
void deep(View input);

}  // namespace vnet::fuzz
