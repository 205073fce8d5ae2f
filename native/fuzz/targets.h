// What is fuzzed. Every object of the executor has a target of its own, so that a new object is
// fuzzed as soon as operations can name it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../wire/reader.h"

namespace vnet::fuzz {

struct Target {
  std::string name;
  // Aborts when a property does not hold; sanitizers see to the rest.
  std::function<void(View)> run;
};

std::vector<Target> targets();

}  // namespace vnet::fuzz
