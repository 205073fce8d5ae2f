// The names of what a plan can ask for.
#pragma once

#include <span>
#include <string_view>

#include "wire/object.h"

namespace vnet {

// Every object that operations can name.
std::span<const Object* const> all_objects();

// "link.new" -> kLink, kNew; false for what there is not. `object` stays where there is none.
bool find_operation(std::string_view op, const Object** object, Verb* verb);

}  // namespace vnet
