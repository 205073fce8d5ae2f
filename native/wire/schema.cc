#include "schema.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "walk.h"

namespace vnet {

namespace {

// The longest text of an address; of a MAC it depends.
constexpr size_t kLongest = INET6_ADDRSTRLEN;

// Both write to `out`, which has room, and answer with where the text ends.
char* put_mac(View v, char* out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < v.size; i++) {
    if (i) *out++ = ':';
    *out++ = kHex[v.data[i] >> 4];
    *out++ = kHex[v.data[i] & 15];
  }
  return out;
}

char* put_address(View v, char* out) {
  if (v.size == 4) {
    // inet_ntop has this printed by a format, which costs a tenth of a dump of routes.
    for (size_t i = 0; i < 4; i++) {
      if (i) *out++ = '.';
      out = std::to_chars(out, out + 3, v.data[i]).ptr;
    }
    return out;
  }
  inet_ntop(AF_INET6, v.data, out, kLongest);
  return out + std::strlen(out);
}

std::string format_mac(View v) {
  std::string text(v.size * 3, '\0');
  text.resize(static_cast<size_t>(put_mac(v, text.data()) - text.data()));
  return text;
}

template <typename T>
bool read_as(View v, int64_t* out, T (*order)(T) = nullptr) {
  T n;
  if (v.size != sizeof n || !v.read(0, &n)) return false;
  *out = static_cast<int64_t>(order ? order(n) : n);
  return true;
}

uint16_t from_be16(uint16_t n) { return be16toh(n); }
uint32_t from_be32(uint32_t n) { return be32toh(n); }
uint64_t from_be64(uint64_t n) { return be64toh(n); }
int32_t signed_from_be32(int32_t n) {
  return static_cast<int32_t>(be32toh(static_cast<uint32_t>(n)));
}

// Makes values of what a walk tells.
class ValueSink {
 public:
  void open_map() { open(Value(Map{})); }
  void close_map() { open_.pop_back(); }
  void open_list() { open(Value(List{})); }
  void close_list() { open_.pop_back(); }
  void key(std::string_view name) { key_ = name; }
  void number(int64_t n) { value(Value(n)); }
  void boolean(bool b) { value(Value(b)); }
  void text(std::string_view s) { value(Value(std::string(s))); }
  void mac(View v) { value(Value(format_mac(v))); }
  void address(View v) { value(Value(format_address(v))); }
  void bytes(const uint8_t* data, size_t size) { value(Value(Bytes(data, data + size))); }
  void value(Value v) { place(std::move(v)); }
  bool odd() const { return false; }

  Value take() { return std::move(root_); }

 private:
  // What a container holds does not move while it is open: only the innermost one grows.
  void open(Value container) { open_.push_back(place(std::move(container))); }

  Value* place(Value v) {
    if (open_.empty()) {
      root_ = std::move(v);
      return &root_;
    }
    if (Map* map = open_.back()->map()) {
      return &map->emplace_back(std::string(key_), std::move(v)).second;
    }
    return &open_.back()->list()->emplace_back(std::move(v));
  }

  Value root_;
  std::vector<Value*> open_;
  std::string_view key_;
};

// Writes it down at once.
class TextSink {
 public:
  explicit TextSink(JsonText& out) : out_(out) {}

  void open_map() { out_.open_map(); }
  void close_map() { out_.close_map(); }
  void open_list() { out_.open_list(); }
  void close_list() { out_.close_list(); }
  void key(std::string_view name) { out_.key(name); }
  void number(int64_t n) { out_.number(n); }
  void boolean(bool b) { out_.boolean(b); }
  void text(std::string_view s) { out_.text(s); }
  void mac(View v) {
    constexpr size_t kMost = 32;  // MAX_ADDR_LEN (linux/netdevice.h)
    char text[kMost * 3];
    if (v.size > kMost) return out_.plain_text(format_mac(v));
    out_.plain_text({text, static_cast<size_t>(put_mac(v, text) - text)});
  }
  void address(View v) {
    char text[kLongest];
    out_.plain_text({text, static_cast<size_t>(put_address(v, text) - text)});
  }
  void bytes(const uint8_t*, size_t) { out_.mark_odd(); }
  void value(const Value& v) { out_.value(v); }
  bool odd() const { return out_.odd(); }

 private:
  JsonText& out_;
};

}  // namespace

size_t Field::width() const {
  switch (kind) {
    case Type::kU8:
      return 1;
    case Type::kU16:
    case Type::kBe16:
      return 2;
    case Type::kU64:
    case Type::kBe64:
      return 8;
    case Type::kAddress:
      return 16;
    case Type::kBytes:
      return size;
    default:
      return 4;
  }
}

const Field* Struct::field(std::string_view name) const {
  for (const Field& f : fields) {
    if (name == f.name) return &f;
  }
  return nullptr;
}

const Attr* Table::by_type(uint16_t type, size_t from) const {
  auto is = [&](const Attr& a) { return a.type == type; };
  auto start = attrs.begin() + static_cast<std::ptrdiff_t>(std::min(from, attrs.size()));
  // What is only written may have the type of what is read, behind it.
  auto found = std::find_if(start, attrs.end(),
                            [&](const Attr& a) { return is(a) && a.mode != Mode::kEncode; });
  if (found == attrs.end()) found = std::find_if(attrs.begin(), attrs.end(), is);
  return found != attrs.end() ? &*found : nullptr;
}

const Attr* Table::by_name(std::string_view name) const {
  for (const Attr& a : attrs) {
    if (name == a.name) return &a;
  }
  return nullptr;
}

const Kind* Kinds::by_name(std::string_view name) const {
  for (const KindList* list : lists) {
    for (const Kind& kind : *list) {
      if (name == kind.name) return &kind;
    }
  }
  return nullptr;
}

const Kind* Kinds::by_number(int64_t number) const {
  for (const KindList* list : lists) {
    for (const Kind& kind : *list) {
      if (kind.number >= 0 && kind.number == number) return &kind;
    }
  }
  return nullptr;
}

const Kind* Kinds::find(const Value* selected) const {
  if (!selected) return nullptr;
  if (const std::string* name = selected->string()) return by_name(*name);
  const int64_t* number = selected->integer();
  return number ? by_number(*number) : nullptr;
}

const Kind* Kinds::among(const Table& table, View attributes) const {
  const Attr* a = table.by_name(selector);
  AttributeCursor c(attributes);
  while (a && c.next()) {
    if (c.type != a->type) continue;
    if (a->kind == Type::kString) return by_name(text_in(c.value));
    int64_t number = 0;
    return read_number(a->kind, c.value, &number) ? by_number(number) : nullptr;
  }
  return nullptr;
}

std::string format_address(View v) {
  char text[kLongest];
  return {text, put_address(v, text)};
}

bool read_number(Type kind, View v, int64_t* out) {
  switch (kind) {
    case Type::kU8:
      return read_as<uint8_t>(v, out);
    case Type::kU16:
      return read_as<uint16_t>(v, out);
    case Type::kU32:
    case Type::kLink:
    case Type::kNetNs:
      return read_as<uint32_t>(v, out);
    case Type::kI32:
      return read_as<int32_t>(v, out);
    case Type::kU64:
      return read_as<uint64_t>(v, out);
    case Type::kBe16:
      return read_as<uint16_t>(v, out, from_be16);
    case Type::kBe32:
      return read_as<uint32_t>(v, out, from_be32);
    case Type::kBe64:
      return read_as<uint64_t>(v, out, from_be64);
    case Type::kBeI32:
      return read_as<int32_t>(v, out, signed_from_be32);
    default:
      return false;
  }
}

bool Members::add(const Struct& s, std::string_view name) {
  bool known = false;
  size_t count = s.fields.size() + s.attrs.attrs.size();
  told_.resize(count);
  for (size_t i = 0; i < count; i++) {
    bool field = i < s.fields.size();
    if (name != (field ? s.fields[i].name : s.attrs.attrs[i - s.fields.size()].name)) continue;
    told_[i] = 1;
    known = true;
  }
  return known;
}

void Members::leave_out(const Struct& s, uint16_t type) {
  if (all()) told_.resize(s.fields.size() + s.attrs.attrs.size(), 1);
  if (const Attr* a = s.attrs.by_type(type)) {
    told_[s.fields.size() + static_cast<size_t>(a - s.attrs.attrs.data())] = 0;
  }
}

void decode_attributes(const Table& table, View v, Map& into) {
  ValueSink sink;
  sink.open_map();
  Walk<ValueSink>(sink).attributes(table, v);
  Value made = sink.take();
  for (auto& member : *made.map()) into.push_back(std::move(member));
}

Value decode_struct(const Struct& s, View v) { return decode_message(s, v, {}); }

Value decode_message(const Struct& body, View payload, const Members& members) {
  ValueSink sink;
  Walk<ValueSink>(sink).structure(body, payload, &members);
  return sink.take();
}

void write_message(const Struct& body, View payload, const Members& members, JsonText& out) {
  TextSink sink(out);
  Walk<TextSink>(sink).structure(body, payload, &members);
}

}  // namespace vnet
