// The names of what a plan can ask for, and the check of a plan before the kernel sees any of it.
#include <initializer_list>
#include <iterator>

#include "ct/filter.h"
#include "executor.h"
#include "nft/batch.h"
#include "nft/objects.h"
#include "rtnl/objects.h"
#include "tun.h"

namespace vnet {

namespace {

const Object* const kObjects[] = {
    &kLink,        &kLinkProperty, &kBridgePort,   &kAddressObject, &kRoute,    &kNeighbour,
    &kRule,        &kNsid,         &kNftTable,     &kNftChain,      &kNftRule,  &kNftSet,
    &kNftElements, &kNftObject,    &kNftFlowtable, &kNftGeneration, &kConntrack};

bool can_flush(const Object& o) {
  return &o == &kAddressObject || &o == &kNeighbour || &o == &kRoute;
}

}  // namespace

uint16_t message_type(const Object& o, Verb verb) {
  switch (verb) {
    case Verb::kNew:
      return o.type_new;
    case Verb::kSet:
      return o.type_set;
    case Verb::kDel:
      return o.type_del;
    case Verb::kDestroy:
      return o.type_destroy;
    case Verb::kReset:
    case Verb::kDumpReset:
      return o.type_reset;
    default:
      return o.type_get;
  }
}

bool find_operation(const std::string& op, const Object** object, Verb* verb) {
  if (op == "sysctl.get") return *verb = Verb::kSysctlGet, true;
  if (op == "sysctl.set") return *verb = Verb::kSysctlSet, true;
  if (op == "tun.new") return *verb = Verb::kTun, true;
  if (op == "nft.batch") return *verb = Verb::kBatch, true;
  if (op == "conntrack.list") return *verb = Verb::kList, *object = &kConntrack, true;
  if (op == "conntrack.flush") return *verb = Verb::kFlush, *object = &kConntrack, true;
  static constexpr std::pair<const char*, Verb> kVerbs[] = {
      {"new", Verb::kNew},         {"set", Verb::kSet},     {"del", Verb::kDel},
      {"destroy", Verb::kDestroy}, {"reset", Verb::kReset}, {"dumpReset", Verb::kDumpReset},
      {"get", Verb::kGet},         {"dump", Verb::kDump},   {"flush", Verb::kFlush}};
  size_t dot = op.rfind('.');
  if (dot == std::string::npos) return false;
  for (const Object* o : kObjects) {
    if (op.compare(0, dot, o->name) != 0) continue;
    for (const auto& [name, v] : kVerbs) {
      if (op.compare(dot + 1, std::string::npos, name) != 0 || !message_type(*o, v)) continue;
      if (v == Verb::kFlush && !can_flush(*o)) continue;
      *object = o;
      *verb = v;
      return true;
    }
  }
  return false;
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

// `before` is how many steps a reference may point at.
std::string check_step(Step& s, const Plan& plan, const std::vector<int>& fds, size_t before) {
  if (!find_operation(s.op, &s.object, &s.verb)) return "op: " + s.op + " is not a known operation";
  if (s.ns >= plan.namespaces.size()) return s.op + ".ns: no namespace has that position";
  if (s.verb == Verb::kSysctlGet) return check_texts(s, {"name"});
  if (s.verb == Verb::kSysctlSet) return check_texts(s, {"name", "value"});
  if (s.verb == Verb::kTun) {
    std::string wrong = check_tun(s.args);
    return wrong.empty() ? wrong : s.op + "." + wrong;
  }
  Writer w;
  Encoder e(w, fds, nullptr, before);
  e.path.push_back(s.op);
  if (s.verb == Verb::kBatch) {
    NftBatch::encode(s.args, 1, e);
  } else if ((s.verb == Verb::kFlush && s.object == &kConntrack) || s.verb == Verb::kList) {
    e.object(*s.object, conntrack_query(s.args, true));
  } else {
    e.object(*s.object, s.args);
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

std::vector<const Object*> all_objects() { return {std::begin(kObjects), std::end(kObjects)}; }

}  // namespace vnet
