#include "dump.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "nft/batch.h"
#include "nft/objects.h"
#include "rtnl/objects.h"

namespace vnet {

namespace {

constexpr int kTries = 10;

// A table that does not fit into one datagram is read in parts, and the kernel goes on where it
// counted to. NLM_F_DUMP_INTR tells of a change in between, except here (forwarding tables, IPv6
// addresses and elements were seen on Linux 6.18 to leave an entry out, or tell it twice):
// - neighbours and forwarding tables have no count of changes at all (net/core/neighbour.c,
//   net/bridge/br_fdb.c);
// - that of addresses goes up after the list has changed, not with it (net/ipv6/addrconf.c);
// - that of nftables goes up when a transaction commits, but its elements join their set before
//   that, and leave it after (net/netfilter/nf_tables_api.c).
enum class Guard : uint8_t { kKernel, kSecondLook, kGeneration };

Guard guard_of(const Object& o) {
  if (&o == &kNeighbour || &o == &kAddressObject) return Guard::kSecondLook;
  return &o == &kNftElements ? Guard::kGeneration : Guard::kKernel;
}

void append_text(const Value& v, std::string* out);

void append_member(const std::string& name, const Value& value, std::string* out) {
  // What changes by itself, and what no two entries differ by alone.
  for (const char* passing : {"lifetime", "cache", "state", "probes", "unknown"}) {
    if (name == passing) return;
  }
  *out += name + '=';
  append_text(value, out);
  *out += ';';
}

void append_text(const Value& v, std::string* out) {
  if (const Map* map = v.map()) {
    for (const auto& [name, value] : *map) append_member(name, value, out);
  } else if (const std::string* text = v.string()) {
    *out += *text;
  } else if (const Bytes* bytes = v.bytes()) {
    out->append(bytes->begin(), bytes->end());
  } else if (const int64_t* number = v.integer()) {
    *out += std::to_string(*number);
  }
}

// What tells the entries of a table apart, in an order of its own: all but what changes by itself.
std::vector<std::string> keys_of(const List& entries) {
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  for (const Value& entry : entries) {
    append_text(entry, &keys.emplace_back());
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
  size_t at = get.begin_message(kNftGeneration.type_get, NLM_F_REQUEST | NLM_F_ACK, sequence);
  nfgenmsg header{AF_UNSPEC, NFNETLINK_V0, 0};
  get.raw(&header, sizeof header);
  get.end_message(at);
  Answer answer;
  return socket.exchange(
      {get.take(), sequence, &kNftGeneration},
      [&](const nlmsghdr&, View payload) {
        *id = decode_object(kNftGeneration, payload).number("id", -1);
      },
      &answer);
}

struct Reading {
  List entries;
  Answer answer;
};

Failure read_once(Socket& socket, const Object& object, uint16_t skip, const EncodeDump& encode,
                  const AbortFlag* abort, Reading* out) {
  uint32_t sequence = socket.next_sequence();
  Writer w;
  if (Failure bad = encode(sequence, &w)) return bad;
  return socket.exchange(
      {w.take(), sequence, &object},
      [&](const nlmsghdr&, View payload) {
        out->entries.push_back(decode_object(object, payload, skip));
      },
      &out->answer, abort);
}

}  // namespace

Failure run_dump(Socket& socket, const Object& object, uint16_t skip, const EncodeDump& encode,
                 const AbortFlag* abort, Value* result) {
  const Guard guard = guard_of(object);
  Failure f;
  std::vector<std::string> seen;
  int64_t before = -1;
  if (guard == Guard::kGeneration) {
    if (Failure bad = settled_generation(socket, &before)) return bad;
  }
  for (int attempt = 0; attempt < kTries; attempt++) {
    Reading reading;
    f = read_once(socket, object, skip, encode, abort, &reading);
    if (f || (abort && abort->load(std::memory_order_relaxed))) return f;
    bool whole = !reading.answer.interrupted;
    if (guard == Guard::kGeneration && reading.answer.parts > 1) {
      int64_t after = -1;
      if (Failure bad = settled_generation(socket, &after)) return bad;
      whole = whole && after == before;
      before = after;
    } else if (guard == Guard::kSecondLook && reading.answer.parts > 1) {
      std::vector<std::string> keys = keys_of(reading.entries);
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
