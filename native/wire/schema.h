// Netlink objects described as tables. One table serves the encoder, the decoder, the check of
// what a caller gave, and the name of the attribute that the kernel complains about.
#pragma once

#include <string>
#include <vector>

#include "../value.h"
#include "reader.h"
#include "writer.h"

namespace vnet {

constexpr uint16_t kListElement = 1;  // linux/netfilter/nf_tables.h: NFTA_LIST_ELEM

enum class Type : uint8_t {
  kU8,
  kU16,
  kU32,
  kI32,
  kU64,
  kBe16,
  kBe32,
  kBe64,
  kString,   // NUL-terminated
  kMac,      // colon-separated hex of the attribute's length
  kAddress,  // 4 or 16 bytes, text at the edge
  kBytes,
  kFlag,    // present or not, no payload
  kNest,    // attributes of `nest`
  kList,    // NFTA_LIST_ELEM-like: attributes of type 1, each a nest of `nest`
  kLink,    // u32 interface index; accepts a Ref
  kNetNs,   // position in the plan's namespaces -> descriptor
  kSkip,    // known and passed over: another attribute says the same
  kCustom,  // `custom` does it
};

enum class Mode : uint8_t { kBoth, kEncode, kDecode };

struct Attr;
struct Table {
  const Attr* attrs = nullptr;
  size_t count = 0;
  template <size_t N>
  constexpr Table(const Attr (&a)[N]) : attrs(a), count(N) {}
  constexpr Table() = default;
  const Attr* by_type(uint16_t type) const;
};

class Encoder;

// For attributes whose shape depends on a sibling (link kinds, nft expressions) or that hold a
// struct before their attributes (veth peer, next hops).
struct Custom {
  void (*encode)(const Attr&, const Value&, Encoder&);
  Value (*decode)(View);
  // The dotted name of what lies at `offset` of the attribute's value, or empty; nullptr where
  // there is nothing to tell apart inside.
  std::string (*name_at)(View, size_t offset) = nullptr;
  // In the place of `decode` for an attribute whose shape depends on those before it.
  Value (*decode_beside)(View, const Map& siblings) = nullptr;
};

struct Attr {
  uint16_t type;
  const char* name;
  Type kind;
  const Table* nest = nullptr;
  const Custom* custom = nullptr;
  Mode mode = Mode::kBoth;
};

// A field of the fixed struct that starts a message.
struct Field {
  const char* name;
  uint8_t offset;
  uint8_t size;  // 1, 2 or 4 bytes, host order
  bool link = false;
  bool big_endian = false;
};

// A kind of netlink object: its struct, its attributes, its message types (0 = has none).
struct Object {
  const char* name;
  size_t header_size;
  const Field* fields;
  size_t field_count;
  Table attrs;
  uint16_t type_new;
  uint16_t type_set;
  uint16_t type_del;
  uint16_t type_get;
  uint16_t type_destroy = 0;  // deletes without complaint when there is nothing
  uint16_t type_reset = 0;    // gets, and sets counters to zero

  // What the kernel answers a look-up or a dump with. rtnetlink's types come in fours (new, del,
  // get, set); of nftables the answer stands before the question.
  uint16_t type_answer() const {
    if (type_new) return type_new;
    return static_cast<uint16_t>(type_get - (type_get >> 8 ? 1 : 2));
  }
};

// Turns values into bytes. The first complaint sticks and names the field by its path.
class Encoder {
 public:
  // `netns` are the descriptors of the plan's namespaces; `resolve` answers a Ref, or 0 in a dry
  // run.
  Encoder(Writer& w, const std::vector<int>& netns, const std::vector<std::pair<int, int>>* results,
          size_t steps = 0)
      : out(w), netns_(netns), results_(results), steps_(steps) {}

  void object(const Object& object, const Value& args);
  void attributes(const Table& table, const Value& args, const Field* fields = nullptr,
                  size_t field_count = 0);
  void header(const Object& object, const Value& args);
  bool link_index(const Value& v, uint32_t* out_index);
  void fail(const std::string& what);
  bool failed() const { return !error_.empty(); }
  // The complaint is about a reference to a step that found or made no interface.
  bool missing_link() const { return missing_link_; }
  const std::string& error() const { return error_; }

  Writer& out;
  std::vector<std::string> path;

 private:
  void attribute(const Attr& a, const Value& v);
  void integer(const Attr& a, const Value& v);
  void text(const Attr& a, const Value& v);
  void nested(const Attr& a, const Value& v);
  void unknown(const Value& v);

  const std::vector<int>& netns_;
  const std::vector<std::pair<int, int>>* results_;  // index, peer index of each step so far
  size_t steps_;
  std::string error_;
  bool missing_link_ = false;
};

// Attributes of type `skip` are passed over; 0 for none.
Value decode_object(const Object& object, View payload, uint16_t skip = 0);
// Adds to `into`: one member per known attribute, the rest as unknown: [{type, data}].
void decode_attributes(const Table& table, View v, Map& into, uint16_t skip = 0);
// The dotted name of the attribute whose header lies at `offset` of the message's payload.
std::string attribute_name(const Object& object, View payload, size_t offset);
// The same within a row of attributes, `offset` being from its start.
std::string name_in(const Table& table, View attributes, size_t offset);
std::string format_address(View v);

}  // namespace vnet
