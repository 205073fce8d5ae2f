// Values as JSON text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value.h"

namespace vnet {

// Writes JSON, a piece at a time. Each value has a comma behind it, which the end of what it
// stands in takes away.
class JsonText {
 public:
  void open_map() { put('{'); }
  void close_map() { close('}'); }
  void open_list() { put('['); }
  void close_list() { close(']'); }
  // Names come from tables: there is nothing to escape.
  void key(std::string_view name);
  void number(int64_t n);
  void boolean(bool b) { literal(b ? "true," : "false,"); }
  void null() { literal("null,"); }
  void text(std::string_view s);
  // What is ASCII and has nothing to escape.
  void plain_text(std::string_view s);
  void value(const Value& v);

  // Something was to be written that JSON cannot say: bytes, references, and integers that a
  // JavaScript number would round. What stands there is no JSON then.
  bool odd() const { return odd_; }
  void mark_odd() { odd_ = true; }
  size_t size() const { return size_; }
  // Takes back what was written since.
  void rewind(size_t size) {
    size_ = size;
    odd_ = false;
  }
  std::string_view view() const { return {text_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* p) const;
  };

  // Room for so many bytes more.
  char* room(size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return text_.get() + size_;
  }
  void grow(size_t bytes);
  void put(char c) {
    *room(1) = c;
    size_++;
  }
  void put(std::string_view s);
  void literal(std::string_view s) { put(s); }
  void close(char c);
  void escape(std::string_view s, size_t from);

  std::unique_ptr<char, Free> text_;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool odd_ = false;
};

// A long list on its way out, as the text that JavaScript's engine reads fastest. It is written
// entry by entry while a dump is read, so that no tree of ten thousand values is ever made, and by
// the thread that reads, not by JavaScript's.
struct JsonList {
  JsonText text;
  // What JSON cannot say: `null` stands for it in the text.
  std::vector<uint32_t> odd_places;
  List odd;
};

// Collects the entries of a list as text, or as they are where they are few.
class ListWriter {
 public:
  void clear();
  void add(Value entry);
  // An entry that `write` writes as text, and `make` answers with as a value: for one of few, and
  // for what JSON cannot say.
  template <typename Write, typename Make>
  void add(Write write, Make make) {
    if (count_ < kFew) return add(make());
    if (!list_) begin_text();
    size_t start = list_->text.size();
    write(list_->text);
    if (list_->text.odd()) put_odd(start, make());
    count_++;
  }
  size_t size() const { return count_; }
  // The list: a JsonList, or a List of at most kFew.
  Value take();

  // So few are made faster one by one.
  static constexpr size_t kFew = 8;

 private:
  void begin_text();
  void put_odd(size_t start, Value entry);

  size_t count_ = 0;
  List few_;
  std::shared_ptr<JsonList> list_;
};

}  // namespace vnet
