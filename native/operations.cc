// The names of what a plan can ask for, and the check of a plan before the kernel sees any of it.
#include "operations.h"

#include <initializer_list>

#include "ct/objects.h"
#include "diag/objects.h"
#include "executor.h"
#include "genl/objects.h"
#include "nft/batch.h"
#include "nft/objects.h"
#include "rtnl/objects.h"
#include "tun.h"

namespace vnet {

namespace {

const Object* const kObjects[] = {
    &kLink,          &kLinkProperty, &kBridgePort,    &kAddressObject,    &kRoute,
    &kNeighbour,     &kRule,         &kNsid,          &kNftTable,         &kNftChain,
    &kNftRule,       &kNftSet,       &kNftElements,   &kNftObject,        &kNftFlowtable,
    &kNftGeneration, &kConntrack,    &kGenericFamily, &kEthtoolLinkState, &kNextHop,
    &kInetSocket};

}  // namespace

std::span<const Object* const> all_objects() { return kObjects; }

bool find_operation(std::string_view op, const Object** object, Verb* verb) {
  if (op == "sysctl.get") return *verb = Verb::kSysctlGet, true;
  if (op == "sysctl.set") return *verb = Verb::kSysctlSet, true;
  // It makes a link, though not by netlink.
  if (op == "tun.new") return *verb = Verb::kTun, *object = &kLink, true;
  if (op == "nft.batch") return *verb = Verb::kBatch, true;
  if (op == "stream.read") return *verb = Verb::kStreamRead, true;
  if (op == "stream.close") return *verb = Verb::kStreamClose, true;
  return find_operation(kObjects, op, object, verb);
}

std::vector<int> descriptors(const Plan& plan) {
  std::vector<int> fds;
  for (const auto& ns : plan.namespaces) fds.push_back(ns->fd());
  return fds;
}

namespace {

// A map that holds just the given text members.
std::string check_texts(const Step& s, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const Value* v = s.args.get(name);
    if (!v || !v->string()) return s.op + "." + name + ": must be a string";
    if (v->string()->find('\0') != std::string::npos) {
      return s.op + "." + name + ": must not hold a NUL byte";
    }
  }
  return {};
}

// Only what is read whole or as a stream, and not looked through here, can be told in part.
std::string check_only(Step& s) {
  if (s.names.empty()) return {};
  bool reads = s.verb == Verb::kDump || s.verb == Verb::kDumpReset || s.verb == Verb::kStream;
  if (!reads || s.object->filter) return s.op + ".only: is for dumps and streams without a filter";
  for (const std::string& name : s.names) {
    if (!s.only.add(s.object->body, name)) {
      return s.op + ".only: " + s.object->name + " has no member " + name;
    }
  }
  return {};
}

// `before` is how many steps a reference may point at.
std::string check_step(Step& s, const Plan& plan, const std::vector<int>& fds, size_t before) {
  if (!find_operation(s.op, &s.object, &s.verb)) return "op: " + s.op + " is not a known operation";
  if (s.ns >= plan.namespaces.size()) return s.op + ".ns: no namespace has that position";
  if (std::string wrong = check_only(s); !wrong.empty()) return wrong;
  if (s.verb == Verb::kSysctlGet) return check_texts(s, {"name"});
  if (s.verb == Verb::kSysctlSet) return check_texts(s, {"name", "value"});
  if (s.verb == Verb::kStreamRead || s.verb == Verb::kStreamClose) {
    const Value* id = s.args.get("id");
    return id && id->integer() ? "" : s.op + ".id: must be the number that a stream began with";
  }
  if (s.verb == Verb::kTun) {
    std::string wrong = check_tun(s.args);
    return wrong.empty() ? wrong : s.op + "." + wrong;
  }
  Writer w;
  Encoder e(w, fds, nullptr, before);
  e.path.push_back(s.op);
  if (s.verb == Verb::kBatch) {
    NftBatch::encode(s.args, 1, e);
  } else {
    encode_request(*s.object, s.verb, 0, 0, 0, query_of(*s.object, s.verb, s.args, true), e);
  }
  return e.error();
}

std::string check_steps(std::vector<Step>& steps, const Plan& plan, const std::vector<int>& fds) {
  for (size_t i = 0; i < steps.size(); i++) {
    std::string wrong = check_step(steps[i], plan, fds, i);
    for (size_t u = 0; u < steps[i].undo.size() && wrong.empty(); u++) {
      wrong = check_step(steps[i].undo[u], plan, fds, i + 1);
    }
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

std::string check_plan(Plan& plan) { return check_steps(plan.steps, plan, descriptors(plan)); }

}  // namespace vnet
