// libFuzzer's entry: `vnet_fuzz --target=decode.link <flags of libFuzzer>`; `--list` names them.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "targets.h"

namespace {

// libFuzzer calls back without a pointer of ours, so that the choice has to be a global here.
vnet::fuzz::Target chosen;  // NOLINT

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static constexpr char kFlag[] = "--target=";
  for (int i = 1; i < *argc; i++) {
    const char* argument = (*argv)[i];
    if (std::strcmp(argument, "--list") == 0) {
      for (const auto& t : vnet::fuzz::targets()) std::puts(t.name.c_str());
      std::exit(0);
    }
    if (std::strncmp(argument, kFlag, sizeof kFlag - 1) != 0) continue;
    for (auto& t : vnet::fuzz::targets()) {
      if (t.name == argument + sizeof kFlag - 1) chosen = std::move(t);
    }
  }
  if (chosen.name.empty()) {
    std::fputs("give --target=<name>, or --list\n", stderr);
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen.run({data, size});
  return 0;
}
