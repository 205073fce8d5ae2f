// A namespace as JavaScript holds it, and the entries that open, make and delete one.
#pragma once

#include <memory>

#include "../netns.h"
#include "handle.h"

namespace vnet {

class NetNsHandle {
 public:
  static constexpr Class kClass = Class::kNetNs;
  static constexpr const char* kName = "NativeNetNs";
  static constexpr napi_type_tag kTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806142};

  static void define(Js& js, Environment& environment);
  // The namespace behind a value, or nullptr when it is none or closed.
  static std::shared_ptr<NetNs> get(Js& js, napi_value v);
  // The same of an argument; a TypeError where there is none.
  static std::shared_ptr<NetNs> argument(Call& call, size_t i);

  // openNetns(path)
  static napi_value open(Call& call);
  // createNetns(path?)
  static napi_value create(Call& call);
  // deleteNetns(path)
  static napi_value remove(Call& call);

 private:
  static napi_value answer(Call& call, const Failure& failure, std::shared_ptr<NetNs> ns);
  napi_value identity(Call& call);
  napi_value fd(Call& call);
  napi_value close(Call& call);

  std::shared_ptr<NetNs> ns_;
};

}  // namespace vnet
