// Netlink messages described as tables. One table serves the encoder, the decoder, the check of
// what a caller gave, and the name of the attribute that the kernel complains about.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../json.h"
#include "../value.h"
#include "reader.h"

namespace vnet {

constexpr uint16_t kListElement = 1;  // linux/netfilter/nf_tables.h: NFTA_LIST_ELEM

// Nests within nests that are followed; what lies deeper stays bytes. The deepest thing that the
// kernel builds (an expression of an element of a set in a transaction) has less than half.
constexpr int kMaxNesting = 24;

enum class Type : uint8_t {
  kU8,
  kU16,
  kU32,
  kI32,
  kU64,
  kBe16,
  kBe32,
  kBe64,
  kBeI32,    // signed, in network order
  kString,   // NUL-terminated
  kMac,      // colon-separated hex of the attribute's length
  kAddress,  // 4 or 16 bytes, text at the edge
  kBytes,
  kFlag,    // present or not, no payload
  kNest,    // attributes of a table
  kList,    // a nest of nests of a table: of type 1 (NFTA_LIST_ELEM) or numbered, as we read
  kRow,     // a nest whose attributes are all the one of a table: a list of its values
  kStruct,  // a fixed struct, and the attributes after it if it has a table of them
  kArray,   // fixed structs one after the other, without attributes
  kKinds,   // what a member beside it decides
  kLink,    // u32 interface index; accepts a Ref
  kNetNs,   // position in the plan's namespaces -> descriptor
  kSkip,    // known and passed over: another attribute says the same
  kCustom,  // code of its own does it
};

enum class Mode : uint8_t { kBoth, kEncode, kDecode };

struct Attr;
struct Kinds;
struct Custom;
class Encoder;

struct Table {
  std::span<const Attr> attrs;
  // The member without which the rest means nothing.
  const char* required = nullptr;

  constexpr Table() = default;
  template <size_t N>
  constexpr Table(const Attr (&a)[N], const char* needed = nullptr) : attrs(a), required(needed) {}
  // Looks from that position on, and around: the kernel sends most attributes in an order.
  const Attr* by_type(uint16_t type, size_t from = 0) const;
  const Attr* by_name(std::string_view name) const;
};

// A member of a fixed struct.
struct Field {
  std::string_view name;
  uint8_t offset;
  Type kind;         // a number, a link, an address, or bytes
  uint8_t size = 0;  // of bytes; an address has 16, of which IPv4 uses the first 4

  size_t width() const;
};

// A fixed struct, and the attributes that follow it: what a message holds, and some attributes.
struct Struct {
  size_t size = 0;
  std::span<const Field> fields;
  Table attrs;

  const Field* field(std::string_view name) const;
};

// For attributes whose layout no type above has. What they hold must not hold them again: the
// bound on depth does not see inside.
struct Custom {
  void (*encode)(const Attr&, const Value&, Encoder&);
  Value (*decode)(View);
};

struct Attr {
  uint16_t type;
  std::string_view name;
  Type kind;
  Mode mode = Mode::kBoth;
  // Comes any number of times; the value is the list of what they hold.
  bool many = false;
  const Table* nest = nullptr;
  const Struct* fixed = nullptr;
  const Kinds* kinds = nullptr;
  const Custom* custom = nullptr;

  constexpr Attr(uint16_t t, std::string_view n, Type k, Mode m = Mode::kBoth)
      : type(t), name(n), kind(k), mode(m) {}
  constexpr Attr(uint16_t t, std::string_view n, Type k, const Table& table, Mode m = Mode::kBoth)
      : type(t), name(n), kind(k), mode(m), nest(&table) {}
  constexpr Attr(uint16_t t, std::string_view n, Type k, const Struct& s, Mode m = Mode::kBoth)
      : type(t), name(n), kind(k), mode(m), fixed(&s) {}
  constexpr Attr(uint16_t t, std::string_view n, const Kinds& k, Mode m = Mode::kBoth)
      : type(t), name(n), kind(Type::kKinds), mode(m), kinds(&k) {}
  constexpr Attr(uint16_t t, std::string_view n, const Custom& c, Mode m = Mode::kBoth)
      : type(t), name(n), kind(Type::kCustom), mode(m), custom(&c) {}

  constexpr Attr repeated() const {
    Attr a = *this;
    a.many = true;
    return a;
  }
};

// One of the things that an attribute can hold. It is picked by its name, or by its number where
// the selector is one.
struct Kind {
  const char* name;
  Table data;
  int64_t number = -1;
};
using KindList = std::span<const Kind>;

// An attribute whose table a member beside it picks: IFLA_INFO_DATA by IFLA_INFO_KIND.
struct Kinds {
  const char* selector;
  std::span<const KindList* const> lists;
  // The value is a map of one member, which has the kind's name: { counter: {…} }.
  bool named = false;
  // The member in whose place bytes stand when no table is known for the kind. Without one the
  // attributes are told as unknown.
  const char* raw = nullptr;

  // nullptr for a kind that has no table here, or no selector.
  const Kind* find(const Value* selected) const;
  const Kind* by_name(std::string_view name) const;
  const Kind* by_number(int64_t number) const;
  // The one that the selector's attribute picks. The kernel sends it before what depends on it;
  // bytes from elsewhere may not.
  const Kind* among(const Table& table, View attributes) const;
};

// Which members of a message are told: all of them, or some. Attributes that no table has are told
// in either case.
class Members {
 public:
  bool all() const { return told_.empty(); }
  // By position: the fields of the struct, then the attributes.
  bool has(size_t at) const { return all() || told_[at]; }
  // The first that is added turns all into this one. False when the struct has none of that name.
  bool add(const Struct& s, std::string_view name);
  // All but an attribute of that type.
  void leave_out(const Struct& s, uint16_t type);

 private:
  std::vector<uint8_t> told_;
};

Value decode_struct(const Struct& s, View v);
// Adds to `into`: one member per known attribute, the rest as unknown: [{type, data}].
void decode_attributes(const Table& table, View v, Map& into);
Value decode_message(const Struct& body, View payload, const Members& members);
// Writes what decode_message makes, straight from the bytes.
void write_message(const Struct& body, View payload, const Members& members, JsonText& out);
// The dotted name of the attribute whose header lies at `offset` of a struct with attributes.
std::string attribute_name(const Struct& body, View payload, size_t offset);
std::string format_address(View v);

}  // namespace vnet
