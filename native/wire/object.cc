#include "object.h"

namespace vnet {

uint16_t message_type(const Object& o, Verb verb) {
  switch (verb) {
    case Verb::kNew:
    case Verb::kEnsure:
      return o.types.create;
    case Verb::kSet:
      return o.types.set;
    case Verb::kDel:
      return o.types.del;
    case Verb::kDestroy:
      return o.types.destroy;
    case Verb::kReset:
    case Verb::kDumpReset:
      return o.types.reset;
    default:
      return o.types.get;
  }
}

namespace {

constexpr std::pair<const char*, Verb> kVerbs[] = {
    {"new", Verb::kNew},         {"set", Verb::kSet},     {"del", Verb::kDel},
    {"destroy", Verb::kDestroy}, {"reset", Verb::kReset}, {"dumpReset", Verb::kDumpReset},
    {"get", Verb::kGet},         {"dump", Verb::kDump},   {"list", Verb::kList},
    {"stream", Verb::kStream},   {"flush", Verb::kFlush}, {"ensure", Verb::kEnsure}};

bool can(const Object& o, Verb verb) {
  if (verb == Verb::kFlush && o.keys.empty()) return false;
  if (verb == Verb::kList && !o.filter) return false;
  if (verb == Verb::kEnsure && !o.equal) return false;
  return message_type(o, verb) != 0;
}

}  // namespace

bool find_operation(std::span<const Object* const> objects, std::string_view op,
                    const Object** object, Verb* verb) {
  size_t dot = op.rfind('.');
  if (dot == std::string_view::npos) return false;
  for (const Object* o : objects) {
    if (op.substr(0, dot) != o->name) continue;
    for (const auto& [name, v] : kVerbs) {
      if (op.substr(dot + 1) != name || !can(*o, v)) continue;
      *object = o;
      *verb = v;
      return true;
    }
  }
  return false;
}

void encode_request(const Object& object, Verb verb, uint16_t flags, uint32_t sequence,
                    uint16_t generic_id, const Value& args, Encoder& e) {
  uint16_t type = message_type(object, verb);
  size_t at = e.out.begin_message(object.family.generic() ? generic_id : type, flags, sequence);
  e.structure(object.asks(), args);
  if (object.family.generic()) {
    genlmsghdr header{static_cast<uint8_t>(type), object.family.generic_version, 0};
    e.out.patch(at + sizeof(nlmsghdr), &header, sizeof header);
  }
  e.out.end_message(at);
}

void write_entry(const Object& object, View payload, const Members& members, ListWriter& out) {
  out.add([&](JsonText& text) { write_message(object.body, payload, members, text); },
          [&] { return decode_object(object, payload, members); });
}

Members wanted(const Object& object, const Value& args) {
  Members members;
  const Unwanted& u = object.unwanted;
  if (u.member && (args.number(u.member, 0) & u.bits)) {
    members.leave_out(object.body, u.attribute);
  }
  return members;
}

Value query_of(const Object& object, Verb verb, const Value& args, bool precise) {
  bool filtered =
      object.filter && (verb == Verb::kList || verb == Verb::kFlush || verb == Verb::kStream);
  return filtered ? object.filter->query(args, precise) : args;
}

namespace {

const char* entry_name(const Object& object, const std::string& name) {
  for (const Alias& alias : object.aliases) {
    if (name == alias.filter) return alias.entry;
  }
  return name.c_str();
}

}  // namespace

bool selects(const Object& object, const Value& filter, const Value& entry) {
  if (object.filter) return object.filter->selects(filter, entry);
  const Map* wants = filter.map();
  if (!wants) return false;
  for (const auto& [name, want] : *wants) {
    const int64_t* number = want.integer();
    // Family 0 means any.
    if (!number || (name == "family" && *number == 0)) continue;
    int64_t value = entry.number(entry_name(object, name), 0);
    // Proxy entries come with other flags that the kernel adds.
    if (name == "flags" ? (value & *number) != *number : value != *number) return false;
  }
  return true;
}

Value key_of(const Object& object, const Value& entry) {
  Map out;
  for (const Key& key : object.keys) {
    const Value* v = entry.get(key.name);
    if (!v) continue;
    const int64_t* number = v->integer();
    out.emplace_back(key.name, number ? Value(*number & key.bits) : *v);
  }
  return Value(std::move(out));
}

}  // namespace vnet
