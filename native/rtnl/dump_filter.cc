#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <string>

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

bool fits(const Object& object, const std::string& name, int64_t want, const Value& entry) {
  // Family 0 means any.
  if (name == "family") return want == 0 || entry.number("family", 0) == want;
  // Proxy entries come with other flags that the kernel adds.
  if (name == "flags") return (entry.number("flags", 0) & want) == want;
  if (&object == &kRoute && name == "link") return leaves_by(entry, want);
  if (&object == &kNeighbour && name == "outLink") return entry.number("link", 0) == want;
  return entry.number(name, 0) == want;
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
  for (const auto& [name, want] : *args.map()) {
    if (name == "extMask" || !want.integer()) continue;
    if (!fits(object, name, *want.integer(), entry)) return false;
  }
  return true;
}

}  // namespace vnet
