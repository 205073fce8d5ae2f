// A monitor as JavaScript holds it.
#pragma once

#include <memory>

#include "../monitor.h"
#include "handle.h"
#include "watch.h"

namespace vnet {

class MonitorHandle final : private Watch {
 public:
  static constexpr Class kClass = Class::kMonitor;
  static constexpr const char* kName = "NativeMonitor";
  static constexpr napi_type_tag kTag = {0x76c1a4d0b7e24f59, 0x9a1d3c5e7f806145};

  ~MonitorHandle() { stop(); }

  static void define(Js& js, Environment& environment);
  // openMonitor(namespace, kinds, limit, receiveBuffer, onReady); answers with a handle or a
  // failure.
  static napi_value open(Call& call);

 private:
  void halt() override { monitor_.reset(); }
  // Watches that wait, at most `most`; a failure when there are none and none will come.
  napi_value take(Call& call);
  // While held, the monitor keeps the event loop alive.
  napi_value set_hold(Call& call);
  napi_value close(Call& call);

  std::unique_ptr<Monitor> monitor_;
};

}  // namespace vnet
