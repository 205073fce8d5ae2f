#include "targets.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "../events.h"
#include "../executor.h"
#include "../nft/batch.h"
#include "../operations.h"
#include "../socket.h"
#include "deep.h"
#include "random_value.h"

namespace vnet::fuzz {

namespace {

[[noreturn]] void broken(const std::string& property) {
  std::fprintf(stderr, "property does not hold: %s\n", property.c_str());
  std::abort();
}

// False when the encoder refuses the value; it must say why, and with a path.
bool encode(const Object& object, const Value& v, Bytes* out) {
  Writer w;
  std::vector<int> none;
  Encoder e(w, none, nullptr);
  e.path.emplace_back(object.name);
  e.structure(object.asks(), v);
  if (e.failed()) return false;
  *out = w.bytes();
  return true;
}

// A request, read as what it is.
Value decode(const Object& object, const Bytes& b) {
  return decode_struct(object.asks(), {b.data(), b.size()});
}

const Object& pick(Source& s) {
  std::span<const Object* const> objects = all_objects();
  return *objects[s.below(objects.size())];
}

// The text of an entry that is written straight from its bytes is that of its value. The room for
// both is kept from one execution to the next.
struct BothWays {
  JsonText of_value;
  JsonText straight;

  void decode(const Object& object, View input) {
    of_value.rewind(0);
    of_value.value(decode_object(object, input));
    straight.rewind(0);
    write_message(object.body, input, {}, straight);
    bool same =
        of_value.odd() == straight.odd() && (of_value.odd() || of_value.view() == straight.view());
    if (!same) broken(std::string(object.name) + ": one reading, as a value and as text");
  }
};

// What the encoder takes back of bytes that were decoded it writes in a form that no longer
// changes. Byte 0 picks the object.
void recode(View input) {
  Source s(input);
  const Object& object = pick(s);
  Value value = decode_struct(object.asks(), input.from(1));
  Bytes once;
  if (!encode(object, value, &once)) return;
  Bytes twice;
  if (!encode(object, decode(object, once), &twice) || once != twice) {
    broken(std::string(object.name) + ": encode(decode(b)) is stable");
  }
}

// What a caller gives comes back from the bytes. The first byte decides whether the value is a
// proper one or a careless caller's.
void round_trip(const Object& object, View input) {
  Source s(input);
  bool proper = s.chance(224);
  Value value = proper ? Value(struct_value(s, object.asks())) : any_value(s);
  Bytes bytes;
  bool taken = encode(object, value, &bytes);
  if (!proper) return;
  if (!taken) broken(std::string(object.name) + ": a proper value is taken");
  if (!contains(decode(object, bytes), value)) {
    broken(std::string(object.name) + ": decode(encode(v)) is v");
  }
}

void round_trip_any(View input) {
  if (input.size == 0) return;
  Source s(input);
  const Object& object = pick(s);
  round_trip(object, input.from(1));
}

// The cursors hand out views that lie inside what they were given and come to an end.
void cursors(View input) {
  MessageCursor m(input);
  size_t messages = 0;
  while (m.next()) {
    messages += sizeof(nlmsghdr);
    const uint8_t* end = m.payload.data + m.payload.size;
    if (messages > input.size || m.payload.data < input.data || end > input.data + input.size) {
      broken("a message lies inside its datagram");
    }
    AttributeCursor a(m.payload);
    size_t attributes = 0;
    while (a.next()) {
      attributes += sizeof(nlattr);
      const uint8_t* start = m.payload.data + a.offset;
      if (attributes > m.payload.size || start + sizeof(nlattr) != a.value.data ||
          a.value.data + a.value.size > end) {
        broken("an attribute lies inside its message");
      }
    }
  }
}

// An error message against a request, both made up: byte 0 picks the object, byte 1 the flags,
// byte 2 how much of the rest is the request.
void ack(View input) {
  if (input.size < 3) return;
  Source s(input);
  const Object& object = pick(s);
  nlmsghdr header{};
  header.nlmsg_type = s.chance(128) ? NLMSG_ERROR : NLMSG_DONE;
  header.nlmsg_flags = static_cast<uint16_t>((input.data[1] & 3) << 8);  // CAPPED, ACK_TLVS
  size_t split = s.byte();
  View rest = input.from(3);
  View request{rest.data, std::min(split, rest.size)};
  Failure f = parse_error(header, rest.from(split), &object, request);
  if (f.error < 0) broken("an errno is positive");
  if (!f && !f.ext_ack.empty()) broken("no words without an errno");
  attribute_name(object.asks(), request, split);
}

// Datagrams as answers to a request: byte 0 picks the object, byte 1 the length of a datagram;
// the sequence number is 1, as it often is in the corpus.
void reply(View input) {
  if (input.size < 2) return;
  Source s(input);
  const Object& object = pick(s);
  size_t length = size_t{s.byte()} + 16;
  View rest = input.from(2);
  Failure f;
  Answer answer;
  List list;
  Request request{Bytes(rest.data, rest.data + rest.size), 1, &object};
  while (rest.size > 0) {
    View datagram{rest.data, std::min(length, rest.size)};
    bool done = read_reply(
        datagram, request,
        [&](const nlmsghdr& header, View payload) {
          bool fits = header.nlmsg_seq == 1 && header.nlmsg_type >= NLMSG_MIN_TYPE;
          if (!fits) broken("only what answers the request is handed on");
          list.push_back(decode_object(object, payload));
        },
        &answer, &f);
    if (!done && f) broken("only the end of an answer refuses");
    if (done) return;
    rest = rest.from(length);
  }
}

// Answers to an nft batch: byte 0 is the length of a datagram.
void batch_reply(View input) {
  if (input.size < 1) return;
  size_t length = size_t{input.data[0]} + 16;
  Failure f;
  uint32_t culprit = 0;
  Bytes error;
  for (View rest = input.from(1); rest.size > 0; rest = rest.from(length)) {
    read_batch_reply(
        {rest.data, std::min(length, rest.size)}, {0, 256},
        [](const nlmsghdr& header, View payload) { NftBatch::decode_echo(0, header, payload); }, &f,
        &culprit, &error);
  }
  if (f.error < 0) broken("an errno is positive");
  MessageCursor m({error.data(), error.size()});
  if (!f) return;
  if (!m.next()) broken("the error that is kept is a whole message");
  for (const Object* object : all_objects()) parse_error(m.header, m.payload, object, m.payload);
}

// Notifications: byte 0 picks the kind whose protocol it is, all kinds are wanted.
void events(View input) {
  if (input.size < 1) return;
  std::vector<const EventKind*> kinds = event_kinds();
  int protocol = kinds[input.data[0] % kinds.size()]->family->protocol;
  for (const Value& event : read_events(input.from(1), protocol, kinds)) {
    if (!event.get("kind") || !event.get("change")) broken("an event has a kind and a change");
  }
}

// Plans as JavaScript might give them: names of operations, arguments of any shape.
void plan(View input) {
  Source s(input);
  static constexpr const char* kVerbs[] = {"new", "set", "del", "get", "dump", "flush"};
  auto operation = [&]() {
    if (s.chance(32)) return std::string(s.chance(128) ? "sysctl.set" : "conntrack.flush");
    return std::string(pick(s).name) + "." + kVerbs[s.below(std::size(kVerbs))];
  };
  auto message = [&]() {
    Map m;
    m.emplace_back("op", s.chance(240) ? Value(operation()) : any_value(s));
    m.emplace_back("flags", Value(static_cast<int64_t>(s.number(2))));
    m.emplace_back("args", s.chance(128) ? any_value(s) : Value(struct_value(s, pick(s).asks())));
    return Value(std::move(m));
  };
  Plan p;
  p.namespaces.push_back(std::make_shared<NetNs>());
  for (size_t n = s.below(4) + 1; n > 0; n--) {
    Step step;
    step.op = operation();
    step.ns = s.chance(250) ? 0 : s.byte();
    step.args = any_value(s);
    if (s.chance(96)) {
      step.op = "nft.batch";
      List messages;
      for (size_t k = s.below(5); k > 0; k--) messages.push_back(message());
      Map args;
      args.emplace_back("messages", s.chance(240) ? Value(std::move(messages)) : any_value(s));
      if (s.chance(64)) args.emplace_back("generation", Value(static_cast<int64_t>(s.number(4))));
      step.args = Value(std::move(args));
    }
    p.steps.push_back(std::move(step));
  }
  check_plan(p);
}

}  // namespace

std::vector<Target> targets() {
  std::vector<Target> all;
  auto room = std::make_shared<BothWays>();
  for (const Object* object : all_objects()) {
    all.push_back({std::string("decode.") + object->name,
                   [object, room](View input) { room->decode(*object, input); }});
  }
  all.push_back({"recode", recode});
  all.push_back({"roundtrip", round_trip_any});
  all.push_back({"cursors", cursors});
  all.push_back({"ack", ack});
  all.push_back({"reply", reply});
  all.push_back({"batchreply", batch_reply});
  all.push_back({"events", events});
  all.push_back({"deep", deep});
  all.push_back({"plan", plan});
  return all;
}

}  // namespace vnet::fuzz
