#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// RTEXT_FILTER_MRP (linux/rtnetlink.h of 5.8): rings of bridges, which dumps of links never tell.
constexpr int64_t kNothingMore = 1 << 4;

// Whether a route leaves by the link: a multipath route has one for each hop.
bool leaves_by(const Value& route, int64_t link) {
  if (route.number("link", 0) == link) return true;
  const Value* hops = route.get("hops");
  for (const Value& hop : hops && hops->list() ? *hops->list() : List{}) {
    if (hop.number("link", 0) == link) return true;
  }
  return false;
}

}  // namespace

Value dump_arguments(const Object& object, const Value& args) {
  if (&object != &kLink || args.get("extMask")) return args;
  Map more = args.map() ? *args.map() : Map{};
  more.emplace_back("extMask", Value(kNothingMore));
  return Value(std::move(more));
}

std::string needs_strict_dump(const Object& object, const Value& args) {
  bool by_bridge = &object == &kNeighbour && args.get("master");
  return by_bridge ? "entries of one bridge need NETLINK_GET_STRICT_CHK (Linux 4.20)" : "";
}

bool dump_selects(const Object& object, const Value& args, const Value& entry) {
  // Without strict checks the kernel adds exceptions to routes (of their MTU, say).
  bool exception = &object == &kRoute && (entry.number("flags", 0) & RTM_F_CLONED);
  if (exception && !(args.number("flags", 0) & RTM_F_CLONED)) return false;
  // Links have been filtered by any kernel.
  if (&object == &kLink || !args.map()) return true;
  Map rest;
  for (const auto& [name, want] : *args.map()) {
    if (name == "extMask") continue;
    bool by_link = &object == &kRoute && name == "link" && want.integer();
    if (by_link && !leaves_by(entry, *want.integer())) return false;
    if (!by_link) rest.emplace_back(name, want);
  }
  return selects(object, Value(std::move(rest)), entry);
}

}  // namespace vnet
