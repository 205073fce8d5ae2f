// The fuzz targets without a fuzzer: each gets files of a corpus and bytes from a seeded generator.
// For valgrind and for machines without clang.
//   vnet_check <runs> <seed> [file …]
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "targets.h"

namespace {

// xorshift64* (Vigna): small, and the same everywhere.
uint64_t next(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545f4914f6cdd1dULL;
}

std::vector<uint8_t> random_bytes(uint64_t* state) {
  std::vector<uint8_t> out(next(state) % 200);
  // Mostly small numbers: lengths and types that fit together now and then.
  for (uint8_t& b : out) {
    uint64_t n = next(state);
    b = static_cast<uint8_t>(n >> 56 & (n % 4 ? 0x1f : 0xff));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: vnet_check <runs> <seed> [file …]\n", stderr);
    return 2;
  }
  long runs = std::strtol(argv[1], nullptr, 10);
  std::vector<std::vector<uint8_t>> inputs;
  for (int i = 3; i < argc; i++) {
    std::ifstream file(argv[i], std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  uint64_t state = std::strtoull(argv[2], nullptr, 10) | 1;
  for (long i = 0; i < runs; i++) inputs.push_back(random_bytes(&state));
  for (const auto& target : vnet::fuzz::targets()) {
    for (const auto& input : inputs) target.run({input.data(), input.size()});
    std::printf("%s %zu\n", target.name.c_str(), inputs.size());
  }
  return 0;
}
