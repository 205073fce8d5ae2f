// tun and tap links, which netlink reports but does not make: that is /dev/net/tun's.
#pragma once

#include <string>

#include "failure.h"
#include "value.h"

namespace vnet {

// What is wrong with { name, type, flags?, owner?, group? }, or an empty string.
std::string check_tun(const Value& args);

// Makes a persistent link in the namespace. EEXIST when a link has the name.
Failure add_tun(int netns, const Value& args);

}  // namespace vnet
