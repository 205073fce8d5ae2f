// Turns values into bytes by a table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "schema.h"
#include "writer.h"

namespace vnet {

// The first complaint sticks and names the field by its path.
class Encoder {
 public:
  // `netns` are the descriptors of the plan's namespaces; `results` answers a Ref (interface and
  // peer of each step so far), and is nullptr in a dry run, where `steps` is how many there are.
  Encoder(Writer& w, const std::vector<int>& netns, const std::vector<std::pair<int, int>>* results,
          size_t steps = 0)
      : out(w), netns_(netns), results_(results), steps_(steps) {}

  // The struct and the attributes after it.
  void structure(const Struct& s, const Value& args);
  // `fixed` are the members that a struct before them has taken.
  void attributes(const Table& table, const Value& args, const Struct* fixed = nullptr);
  bool link_index(const Value& v, uint32_t* out_index);
  void fail(const std::string& what);
  bool failed() const { return !error_.empty(); }
  // The complaint is about a reference to a step that found or made no interface.
  bool missing_link() const { return missing_link_; }
  const std::string& error() const { return error_; }

  Writer& out;
  std::vector<std::string> path;

 private:
  void header(const Struct& s, const Value& args);
  void field(const Field& f, const Value& v, uint8_t* bytes);
  void member(const Attr& a, const Value& v, const Value& siblings);
  void attribute(const Attr& a, const Value& v, const Value& siblings);
  bool integer(Type kind, const Value& v, uint8_t* bytes);
  void text(const Attr& a, const Value& v);
  void nested(const Attr& a, const Value& v);
  void structs(const Attr& a, const Value& v);
  // That what the rest hangs on is there, and known.
  void check_kind(const Table& table, const Value& args);
  void kind(const Attr& a, const Value& v, const Value& siblings);
  void named_kind(const Attr& a, const Value& v, const Kind* selected);
  void netns(const Attr& a, const Value& v);
  void unknown(const Value& v);

  const std::vector<int>& netns_;
  const std::vector<std::pair<int, int>>* results_;
  size_t steps_;
  std::string error_;
  bool missing_link_ = false;
};

}  // namespace vnet
