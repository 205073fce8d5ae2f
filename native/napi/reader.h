// Copies what a caller gave into plain values, before anything else is done with it.
//
// Reading may run code of the caller's: getters, traps of proxies. It can change what is being
// read, call us again, close handles. So each length and each list of names is read once, nothing
// of the caller's is looked at twice, and what was copied is ours. Only own enumerable members
// count: what somebody put on Object.prototype is no argument.
#pragma once

#include <string>
#include <vector>

#include "environment.h"

namespace vnet {

class Reader {
 public:
  explicit Reader(Call& call) : js_(call.js), at_(call.environment->at) {}

  // Each is false with complaint() set, or with an exception of the caller's code pending.

  // Any plain data.
  bool value(napi_value js, Value* out);
  // The members of an object. What was read before something went wrong is in `out` too.
  bool members(napi_value js, Map* out);
  // The length of an array; a complaint where it is none, or too long.
  bool length(napi_value js, uint32_t* out);

  // "elements.0.key: must be …"; of the first thing that was wrong.
  std::string complaint() const;

 private:
  bool wrong(const char* what);
  bool within(std::string place);
  bool afford(size_t bytes);
  bool integer(napi_value js, Value* out);
  bool text(napi_value js, std::string* out);
  bool bytes(napi_value js, Value* out);
  bool list(napi_value js, Value* out);
  bool name(napi_value js, std::string* out);
  bool object(napi_value js, Value* out);
  bool is_literal(napi_value js);
  bool is_plain(napi_value js);
  bool is_live(napi_value view);

  Js& js_;
  napi_ref at_;
  int depth_ = 0;
  size_t left_ = kMost;
  const char* what_ = "";
  std::vector<std::string> path_;  // innermost first

  // All that one call may bring. A few small objects that hold one another many times over are as
  // large as any.
  static constexpr size_t kMost = size_t{256} << 20;
};

}  // namespace vnet
