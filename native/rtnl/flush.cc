#include <linux/neighbour.h>

#include "objects.h"

namespace vnet {

namespace {

// Members that tell an entry from all others of its kind; the rest the kernel does not look at.
const char* const kAddressKeys[] = {"family", "prefixLength", "index", "local", "address"};
const char* const kNeighbourKeys[] = {"family", "link", "address", "mac", "vlan", "vni"};
const char* const kRouteKeys[] = {"family", "toLength", "tos",  "scope",    "protocol", "type",
                                  "table",  "to",       "link", "priority", "via"};

template <size_t N>
Map pick(const char* const (&keys)[N], const Value& entry) {
  Map out;
  for (const char* key : keys) {
    if (const Value* v = entry.get(key)) out.emplace_back(key, *v);
  }
  return out;
}

}  // namespace

bool flush_selects(const Value& filter, const Value& entry) {
  const Map* wants = filter.map();
  if (!wants) return false;
  for (const auto& [name, want] : *wants) {
    const int64_t* number = want.integer();
    // Family 0 means any. "outLink" only narrows the dump: entries have it as "link".
    if (!number || (name == "family" && *number == 0)) continue;
    const Value* have = entry.get(name == "outLink" ? "link" : name.c_str());
    int64_t value = have && have->integer() ? *have->integer() : 0;
    // Proxy entries come with other flags that the kernel adds.
    if (name == "flags" ? (value & *number) != *number : value != *number) return false;
  }
  return true;
}

Value flush_arguments(const Object& object, const Value& entry) {
  if (&object == &kAddressObject) return Value(pick(kAddressKeys, entry));
  if (&object == &kRoute) return Value(pick(kRouteKeys, entry));
  Map out = pick(kNeighbourKeys, entry);
  constexpr int64_t kKept = NTF_PROXY | NTF_SELF | NTF_MASTER;
  out.emplace_back("flags", Value(entry.number("flags", 0) & kKept));
  return Value(std::move(out));
}

}  // namespace vnet
