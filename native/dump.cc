#include "dump.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>

#include "nft/batch.h"
#include "nft/objects.h"

namespace vnet {

namespace {

// A table that does not fit into one datagram is read in parts, and the kernel goes on where it
// counted to. NLM_F_DUMP_INTR tells of a change in between, except where an object's record has
// another guard.
constexpr int kTries = 10;

bool passes(const Object& object, const std::string& member) {
  for (const char* name : object.passing) {
    if (member == name) return true;
  }
  return member == "unknown";
}

void append_text(const Object& object, const Value& v, std::string* out) {
  if (const Map* map = v.map()) {
    for (const auto& [name, value] : *map) {
      // What changes by itself, and what no two entries differ by alone.
      if (passes(object, name)) continue;
      *out += name + '=';
      append_text(object, value, out);
      *out += ';';
    }
  } else if (const std::string* text = v.string()) {
    *out += *text;
  } else if (const Bytes* bytes = v.bytes()) {
    out->append(bytes->begin(), bytes->end());
  } else if (const int64_t* number = v.integer()) {
    *out += std::to_string(*number);
  }
}

// What tells the entries of a table apart, in an order of its own: all but what changes by itself.
std::vector<std::string> keys_of(const Object& object, const List& entries) {
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  for (const Value& entry : entries) {
    append_text(object, entry, &keys.emplace_back());
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

bool unique(const std::vector<std::string>& sorted) {
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

// The number of the ruleset, when no transaction is under way: an empty batch waits for the one
// that is (it takes the same mutex), and changes nothing.
Failure settled_generation(Socket& socket, int64_t* id) {
  Writer batch;
  const std::vector<int> no_namespaces;
  Encoder e(batch, no_namespaces, nullptr);
  Map nothing;
  nothing.emplace_back("messages", Value(List{}));
  uint32_t first = socket.take_sequences(2);
  NftBatch::encode(Value(std::move(nothing)), first, e);
  uint32_t culprit = 0;
  Bytes error;
  const auto ignore = [](const nlmsghdr&, View) {};
  Failure f = socket.batch(batch.bytes(), first, 2, false, ignore, &culprit, &error);
  if (f) return f;
  Writer get;
  uint32_t sequence = socket.next_sequence();
  Encoder request(get, no_namespaces, nullptr);
  encode_request(kNftGeneration, Verb::kGet, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, Value(Map{}),
                 request);
  bool interrupted = false;
  return socket.exchange(
      get.bytes(), sequence, kNftGeneration,
      [&](const nlmsghdr&, View payload) {
        *id = decode_object(kNftGeneration, payload).number("id", -1);
      },
      &interrupted);
}

struct Reading {
  List entries;
  bool interrupted = false;
  // It came in more than one datagram.
  bool parts = false;
};

Failure read_once(Socket& socket, const Object& object, uint16_t skip, const EncodeDump& encode,
                  const AbortFlag* abort, Reading* out) {
  uint32_t sequence = socket.next_sequence();
  Writer w;
  if (Failure bad = encode(sequence, &w)) return bad;
  const uint8_t* last = nullptr;
  return socket.exchange(
      w.bytes(), sequence, object,
      [&](const nlmsghdr&, View payload) {
        // All datagrams are read into one buffer: its start means another one.
        if (last && payload.data <= last) out->parts = true;
        last = payload.data;
        out->entries.push_back(decode_object(object, payload, skip));
      },
      &out->interrupted, abort);
}

}  // namespace

Failure run_dump(Socket& socket, const Object& object, uint16_t skip, const EncodeDump& encode,
                 const AbortFlag* abort, Value* result) {
  const Guard guard = object.guard;
  Failure f;
  std::vector<std::string> seen;
  int64_t before = -1;
  if (guard == Guard::kGeneration) {
    if (Failure bad = settled_generation(socket, &before)) return bad;
  }
  for (int attempt = 0; attempt < kTries; attempt++) {
    Reading reading;
    f = read_once(socket, object, skip, encode, abort, &reading);
    // A datagram that did not fit has made the buffer grow: ask again.
    if (f.error == EMSGSIZE && !f.syscall.empty()) continue;
    if (f || (abort && abort->load(std::memory_order_relaxed))) return f;
    bool whole = !reading.interrupted;
    if (guard == Guard::kGeneration && reading.parts) {
      int64_t after = -1;
      if (Failure bad = settled_generation(socket, &after)) return bad;
      whole = whole && after == before;
      before = after;
    } else if (guard == Guard::kSecondLook && reading.parts) {
      std::vector<std::string> keys = keys_of(object, reading.entries);
      whole = whole && keys == seen && unique(keys);
      seen = std::move(keys);
    }
    if (whole) {
      *result = Value(std::move(reading.entries));
      return {};
    }
    f.error = EINTR;
    f.ext_ack = "the table changed during each of " + std::to_string(kTries) + " dumps";
  }
  return f;
}

}  // namespace vnet
