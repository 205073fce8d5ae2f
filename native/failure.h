// Kernel failures are values. Only misuse by the caller becomes a TypeError, in convert.cc.
#pragma once

#include <string>

namespace vnet {

struct Failure {
  int step = -1;   // position in the plan
  std::string op;  // "link.new"
  int error = 0;   // errno, positive
  std::string
      syscall;  // set when a system call failed; empty when the kernel's netlink code answered
  std::string ext_ack;    // NLMSGERR_ATTR_MSG
  int message = -1;       // position in an nft transaction
  std::string attribute;  // dotted name of what NLMSGERR_ATTR_OFFS points at
  bool aborted = false;   // the caller's wish, not the kernel's (error is ECANCELED)

  explicit operator bool() const { return error != 0; }
};

inline Failure syscall_failure(const char* op, const char* syscall, int error) {
  Failure f;
  f.op = op;
  f.syscall = syscall;
  f.error = error;
  return f;
}

}  // namespace vnet
