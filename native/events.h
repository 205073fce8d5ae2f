// What the notifications of the kernel tell, as the objects' records say.
#pragma once

#include <string_view>
#include <vector>

#include "value.h"
#include "wire/object.h"
#include "wire/reader.h"

namespace vnet {

// Every kind that an object's record has.
std::vector<const EventKind*> event_kinds();
// The kind of that name, or nullptr.
const EventKind* event_kind(std::string_view name);

// What a datagram of a protocol tells those who asked for `kinds`:
// {kind, change: "new" | "del", object, value} for each message that is theirs. Asks nothing of
// the kernel, so that it can be fuzzed.
List read_events(View datagram, int protocol, const std::vector<const EventKind*>& kinds);

}  // namespace vnet
