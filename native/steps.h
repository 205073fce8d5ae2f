// Steps of a plan, from what a caller gave as plain values.
#pragma once

#include <string>

#include "executor.h"
#include "value.h"

namespace vnet {

// Reads { op, ns, flags?, args, only?, accept?, undo? }, which is moved from. Answers with what is
// wrong, by the member's path, or with an empty string. Names and arguments are check_plan's to
// judge.
std::string read_step(Map members, Step* out);

// Such a complaint in full: "link.set.mtu: must be …", or with the position of a step that has no
// name. `op` may be nullptr.
std::string step_complaint(const Value* op, size_t position, const std::string& complaint);

}  // namespace vnet
