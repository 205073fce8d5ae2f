// Runs a plan: a list of requests, in order, in one call. A step may use the interface index that
// an earlier one produced. When a step fails, the undo steps of those before it run in reverse.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "failure.h"
#include "netns.h"
#include "value.h"
#include "wire/object.h"

namespace vnet {

struct Step {
  std::string op;
  const Object* object = nullptr;
  Verb verb = Verb::kGet;
  uint32_t ns = 0;
  uint16_t flags = 0;
  Value args;
  // The members of the answer that are told, by name.
  std::vector<std::string> names;
  Members only;
  std::vector<int> accept;
  std::vector<Step> undo;
};

struct Plan {
  std::vector<std::shared_ptr<NetNs>> namespaces;
  std::vector<Step> steps;
  // Go on after a failure and run no undo: what a teardown wants.
  bool keep_going = false;
};

struct Outcome {
  std::vector<Value> results;
  Failure failure;
  // The caller did not want the rest any more; `failure` says how far it came.
  bool aborted = false;
  // Failures of undo steps, or with keep_going the failures after the first.
  std::vector<Failure> more_failures;
};

// operations.cc

// Looks the operation's name up ("link.new") and checks the arguments without asking the kernel.
// Returns what is wrong with it, or an empty string.
std::string check_plan(Plan& plan);
// The namespaces' descriptors, in the order of the plan.
std::vector<int> descriptors(const Plan& plan);
// executor.cc

// Looks at `abort` between steps, between the datagrams of a dump and between the deletions of a
// flush, never at an undo step. What was done is then taken back as after a failed step; with
// `keep_going` it stays.
Outcome run_plan(const Plan& plan, const AbortFlag* abort = nullptr);

}  // namespace vnet
