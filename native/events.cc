#include "events.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "operations.h"

namespace vnet {

namespace {

// What a message is about.
struct Topic {
  const EventKind* kind = nullptr;
  const Object* object = nullptr;
  bool gone = false;
};

bool tells_of(const Notice& n, uint16_t type, uint8_t address_family) {
  if (type != n.made && (n.gone == 0 || type != n.gone)) return false;
  return n.only == Only::kAny || (n.only == Only::kBridge) == (address_family == AF_BRIDGE);
}

// An nfnetlink message that no object claims.
Topic unclaimed(uint16_t type, int protocol) {
  for (const EventKind* kind : event_kinds()) {
    bool theirs = kind->subsystem != 0 && kind->subsystem == type >> 8;
    if (theirs && kind->family->protocol == protocol) return {kind, nullptr, false};
  }
  return {};
}

Topic topic_of(uint16_t type, int protocol, View payload) {
  uint8_t address_family = AF_UNSPEC;
  payload.read(0, &address_family);
  for (const Object* o : all_objects()) {
    if (o->family.protocol != protocol) continue;
    for (const Notice& n : o->notices) {
      if (tells_of(n, type, address_family)) return {n.kind, o, type != n.made};
    }
  }
  return unclaimed(type, protocol);
}

}  // namespace

std::vector<const EventKind*> event_kinds() {
  std::vector<const EventKind*> kinds;
  for (const Object* o : all_objects()) {
    for (const Notice& n : o->notices) {
      if (std::find(kinds.begin(), kinds.end(), n.kind) == kinds.end()) kinds.push_back(n.kind);
    }
  }
  return kinds;
}

const EventKind* event_kind(std::string_view name) {
  for (const EventKind* kind : event_kinds()) {
    if (name == kind->name) return kind;
  }
  return nullptr;
}

List read_events(View datagram, int protocol, const std::vector<const EventKind*>& kinds) {
  List events;
  MessageCursor m(datagram);
  while (m.next()) {
    uint16_t type = m.header.nlmsg_type;
    if (type < NLMSG_MIN_TYPE) continue;
    Topic topic = topic_of(type, protocol, m.payload);
    if (!topic.kind || std::find(kinds.begin(), kinds.end(), topic.kind) == kinds.end()) continue;
    Map event;
    event.emplace_back("kind", Value(std::string(topic.kind->name)));
    event.emplace_back("change", Value(std::string(topic.gone ? "del" : "new")));
    event.emplace_back("object", Value(std::string(topic.object ? topic.object->name : "")));
    event.emplace_back("type", Value(int64_t{type}));
    event.emplace_back(
        "value", topic.object ? decode_object(*topic.object, m.payload)
                              : Value(Bytes(m.payload.data, m.payload.data + m.payload.size)));
    events.emplace_back(std::move(event));
  }
  return events;
}

}  // namespace vnet
