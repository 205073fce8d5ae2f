#include "json.h"

#include <charconv>
#include <cstdio>

namespace vnet {

namespace {

constexpr int64_t kMaxSafe = 9007199254740991;  // Number.MAX_SAFE_INTEGER

void quote(const std::string& s, std::string* out) {
  *out += '"';
  size_t done = 0;
  for (size_t i = 0; i < s.size(); i++) {
    char c = s[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) continue;
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
    out->append(s, done, i - done).append(escaped);
    done = i + 1;
  }
  out->append(s, done);
  *out += '"';
}

template <typename Items, typename One>
bool join(const Items& items, char open, char close, std::string* out, One one) {
  *out += open;
  bool first = true;
  for (const auto& item : items) {
    if (!first) *out += ',';
    first = false;
    if (!one(item)) return false;
  }
  *out += close;
  return true;
}

}  // namespace

bool to_json(const Value& v, std::string* out) {
  if (const bool* b = v.boolean()) {
    *out += *b ? "true" : "false";
    return true;
  }
  if (const int64_t* i = v.integer()) {
    if (*i > kMaxSafe || *i < -kMaxSafe) return false;
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, *i).ptr;
    out->append(digits, end);
    return true;
  }
  if (const std::string* s = v.string()) {
    quote(*s, out);
    return true;
  }
  if (const List* list = v.list()) {
    return join(*list, '[', ']', out, [&](const Value& item) { return to_json(item, out); });
  }
  if (const Map* map = v.map()) {
    return join(*map, '{', '}', out, [&](const auto& member) {
      // Names come from tables: there is nothing to escape.
      out->append(1, '"').append(member.first).append("\":");
      return to_json(member.second, out);
    });
  }
  return false;
}

void JsonWriter::clear() { *this = {}; }

void JsonWriter::add(Value entry) {
  size_t start = list_.text.size();
  bool plain = to_json(entry, &list_.text);
  if (!plain) {
    list_.text.resize(start);
    list_.text += "null";
    list_.odd_places.push_back(static_cast<uint32_t>(count_));
    list_.odd.push_back(entry);
  }
  list_.text += ',';
  if (count_ < kFew) few_.push_back(std::move(entry));
  count_++;
}

Value JsonWriter::take() {
  if (count_ <= kFew) return Value(std::move(few_));
  list_.text.back() = ']';
  return Value(std::make_shared<const JsonList>(std::move(list_)));
}

}  // namespace vnet
