// The record of a kind of netlink object: all that the executor, dumps, flushes, monitors and the
// fuzzers have to know of it. A new object is a record and the tables that it names.
#pragma once

#include <linux/genetlink.h>

#include <span>
#include <string>

#include "encoder.h"
#include "schema.h"

namespace vnet {

// What speaks one language: a netlink protocol, or a family of generic netlink.
struct Family {
  const char* name;
  int protocol;  // NETLINK_*
  // For generic netlink: messages have this version, a number that nlctrl tells for `name` as
  // their type, and a command in their header. 0 elsewhere.
  uint8_t generic_version = 0;
  // The number, where the kernel has fixed it: nlctrl's own.
  uint16_t generic_id = 0;

  bool generic() const { return generic_version != 0; }
};

enum class Verb : uint8_t {
  kNew,
  kEnsure,  // makes one unless the dump has its equal, for which the kernel does not look
  kSet,
  kDel,
  kDestroy,  // deletes without complaint when there is nothing
  kGet,
  kReset,  // gets, and sets counters to zero
  kDump,
  kDumpReset,
  kStream,  // begins a dump that is read a little at a time
  kStreamRead,
  kStreamClose,
  kSysctlGet,
  kSysctlSet,
  kBatch,
  kList,   // a dump by the object's own filter
  kFlush,  // deletes what a dump by the filter tells
  kTun
};

// Message types, or commands of generic netlink; 0 is none.
struct Types {
  uint16_t create = 0;
  uint16_t set = 0;
  uint16_t del = 0;
  uint16_t get = 0;
  uint16_t destroy = 0;
  uint16_t reset = 0;
};

// How a dump that came in several datagrams is known to be whole. The kernel goes on where it was
// by a name or by a count. NLM_F_DUMP_INTR tells of a change in between, where it is set; it is not
// - for neighbours and forwarding tables (net/core/neighbour.c, net/bridge/br_fdb.c), rules
//   (net/core/fib_rules.c), ports of bridges (net/core/rtnetlink.c, rtnl_bridge_getlink), numbers
//   of namespaces (net/core/net_namespace.c), and routes;
// - for addresses in time: their count goes up after the list has changed (net/ipv6/addrconf.c);
// - for elements in time: that of nftables goes up when a transaction commits, but its elements
//   join their set before that, and leave it after (net/netfilter/nf_tables_api.c).
enum class Guard : uint8_t {
  kKernel,      // NLM_F_DUMP_INTR tells
  kSecondLook,  // two in a row must be alike
  kRoutes,      // those of IPv6 too; IPv4 goes on by prefix (net/ipv4/fib_trie.c, ip6_fib.c)
  kGeneration,  // the number of nftables' ruleset must stay
};

// A kind of notification that can be asked for, by name.
struct EventKind {
  const char* name;
  const Family* family;
  uint32_t groups[2] = {0, 0};  // RTNLGRP_*, NFNLGRP_*; 0 is none
  // Messages of this nfnetlink subsystem that no object claims are told too, as bytes; 0 is none.
  uint8_t subsystem = 0;
};

// Some rtnetlink messages tell of different things by the first byte of their header.
enum class Only : uint8_t { kAny, kBridge, kNotBridge };

// The messages that tell of an object which came or went.
struct Notice {
  const EventKind* kind;
  uint16_t made;
  uint16_t gone = 0;
  Only only = Only::kAny;
};

// A member that names an entry for its deletion, with the bits of it that count.
struct Key {
  const char* name;
  int64_t bits = -1;
};

// A filter's member that the entries have under another name.
struct Alias {
  const char* filter;
  const char* entry;
};

// For objects whose filter the kernel knows only in part.
struct Filter {
  // The arguments of the dump. A kernel that refuses them all is asked again with `precise` false.
  Value (*query)(const Value& filter, bool precise);
  bool (*selects)(const Value& filter, const Value& entry);
};

// An attribute that need not be read when the request has these bits in this member.
struct Unwanted {
  const char* member = nullptr;
  int64_t bits = 0;
  uint16_t attribute = 0;
};

struct Object {
  const char* name;
  const Family& family;
  // What a message holds: the header that it starts with, and the attributes.
  Struct body;
  // What a request holds, where it is another thing than the answer.
  const Struct* request = nullptr;
  Types types{};
  // The first kernel that has it, where that is later than the oldest that we support (5.4).
  const char* since = nullptr;
  // Making one makes an interface: its index is the result, and steps can refer to it.
  bool makes_link = false;
  // What a dump without a family asks for, one after the other, where the kernel wants one.
  std::span<const uint8_t> families{};
  Guard guard = Guard::kKernel;
  // Members that change by themselves, which a second look does not compare.
  std::span<const char* const> passing{};
  // What names an entry for `flush`; without them there is none.
  std::span<const Key> keys{};
  std::span<const Alias> aliases{};
  const Filter* filter = nullptr;
  // Whether what is asked for is an entry of the dump already, for `ensure`; without it there is
  // none.
  bool (*equal)(const Value& asked, const Value& entry) = nullptr;
  Unwanted unwanted{};
  std::span<const Notice> notices{};

  const Struct& asks() const { return request ? *request : body; }
};

// The type for a verb; 0 if the object has none.
uint16_t message_type(const Object& object, Verb verb);

// "link.new" -> the object and the verb, among `objects`; false for what there is not. Names of
// objects may hold dots.
bool find_operation(std::span<const Object* const> objects, std::string_view op,
                    const Object** object, Verb* verb);

// A whole request. `generic_id` is the number of the family, for generic netlink.
void encode_request(const Object& object, Verb verb, uint16_t flags, uint32_t sequence,
                    uint16_t generic_id, const Value& args, Encoder& e);

inline Value decode_object(const Object& object, View payload, const Members& members = {}) {
  return decode_message(object.body, payload, members);
}

// Adds an entry of a dump to a list for JavaScript.
void write_entry(const Object& object, View payload, const Members& members, ListWriter& out);

// What a request with these arguments wants to be told.
Members wanted(const Object& object, const Value& args);

// The arguments of the request that the verb makes of its own: a list and a flush dump by the
// object's filter.
Value query_of(const Object& object, Verb verb, const Value& args, bool precise);

// Whether an entry of a dump is one of those that the filter means.
bool selects(const Object& object, const Value& filter, const Value& entry);
// The arguments that delete it.
Value key_of(const Object& object, const Value& entry);

}  // namespace vnet
