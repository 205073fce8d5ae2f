#include "json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace vnet {

namespace {

constexpr int64_t kMaxSafe = 9007199254740991;  // Number.MAX_SAFE_INTEGER
constexpr size_t kFirst = 4096;

bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

}  // namespace

void JsonText::Free::operator()(char* p) const { std::free(p); }

// Not a std::string: of a large block realloc() moves the pages, not what is in them.
void JsonText::grow(size_t bytes) {
  capacity_ = std::max({capacity_ * 2, size_ + bytes, kFirst});
  auto* larger = static_cast<char*>(std::realloc(text_.get(), capacity_));
  // As operator new does without exceptions.
  if (!larger) std::abort();
  static_cast<void>(text_.release());
  text_.reset(larger);
}

void JsonText::put(std::string_view s) {
  std::memcpy(room(s.size()), s.data(), s.size());
  size_ += s.size();
}

void JsonText::close(char c) {
  if (text_.get()[size_ - 1] == ',') size_--;
  char* end = room(2);
  end[0] = c;
  end[1] = ',';
  size_ += 2;
}

void JsonText::key(std::string_view name) {
  char* end = room(name.size() + 3);
  *end++ = '"';
  std::memcpy(end, name.data(), name.size());
  end += name.size();
  *end++ = '"';
  *end = ':';
  size_ += name.size() + 3;
}

void JsonText::number(int64_t n) {
  if (n > kMaxSafe || n < -kMaxSafe) odd_ = true;
  constexpr size_t kMost = 24;
  char* start = room(kMost);
  char* end = std::to_chars(start, start + kMost, n).ptr;
  *end++ = ',';
  size_ += static_cast<size_t>(end - start);
}

void JsonText::plain_text(std::string_view s) {
  char* end = room(s.size() + 3);
  *end++ = '"';
  if (!s.empty()) std::memcpy(end, s.data(), s.size());
  end += s.size();
  *end++ = '"';
  *end = ',';
  size_ += s.size() + 3;
}

void JsonText::text(std::string_view s) {
  auto odd = std::find_if(s.begin(), s.end(), needs_escape);
  if (odd == s.end()) return plain_text(s);
  escape(s, static_cast<size_t>(odd - s.begin()));
}

void JsonText::escape(std::string_view s, size_t from) {
  constexpr char kHex[] = "0123456789abcdef";
  put('"');
  put(s.substr(0, from));
  for (char c : s.substr(from)) {
    if (needs_escape(c)) {
      const char escaped[] = {'\\', 'u', '0', '0', kHex[(c >> 4) & 15], kHex[c & 15]};
      put({escaped, sizeof escaped});
    } else {
      put(c);
    }
  }
  put("\",");
}

void JsonText::value(const Value& v) {
  if (const bool* b = v.boolean()) return boolean(*b);
  if (const int64_t* i = v.integer()) return number(*i);
  if (const std::string* s = v.string()) return text(*s);
  if (const List* list = v.list()) {
    open_list();
    for (const Value& item : *list) value(item);
    return close_list();
  }
  if (const Map* map = v.map()) {
    open_map();
    for (const auto& [name, item] : *map) {
      key(name);
      value(item);
    }
    return close_map();
  }
  odd_ = true;
}

void ListWriter::clear() { *this = {}; }

void ListWriter::add(Value entry) {
  if (count_ < kFew) {
    few_.push_back(std::move(entry));
    count_++;
    return;
  }
  add([&](JsonText& text) { text.value(entry); }, [&] { return std::move(entry); });
}

void ListWriter::begin_text() {
  list_ = std::make_shared<JsonList>();
  list_->text.open_list();
  // They come first, so that their places are theirs.
  count_ = 0;
  for (Value& entry : few_) {
    size_t start = list_->text.size();
    list_->text.value(entry);
    if (list_->text.odd()) put_odd(start, std::move(entry));
    count_++;
  }
  few_.clear();
}

void ListWriter::put_odd(size_t start, Value entry) {
  list_->text.rewind(start);
  list_->text.null();
  list_->odd_places.push_back(static_cast<uint32_t>(count_));
  list_->odd.push_back(std::move(entry));
}

Value ListWriter::take() {
  if (!list_) return Value(std::move(few_));
  list_->text.close_list();
  // Without the comma that stands behind every value.
  list_->text.rewind(list_->text.size() - 1);
  return Value(std::shared_ptr<const JsonList>(std::move(list_)));
}

}  // namespace vnet
