#include "steps.h"

#include <algorithm>

namespace vnet {

namespace {

// An integer from 0 to `max`; empty when it is one, or absent and not `required`.
std::string read_number(const Value& v, int64_t max, bool required, int64_t* out) {
  if (v.null() && !required) return {};
  const int64_t* n = v.integer();
  if (!n || *n < 0 || *n > max) return ": must be an integer from 0 to " + std::to_string(max);
  *out = *n;
  return {};
}

std::string read_accept(const Value& v, std::vector<int>* out) {
  constexpr int64_t kMaxErrno = 4095;  // include/linux/err.h, MAX_ERRNO
  const char* wrong = ": must be an array of errno numbers";
  if (v.null()) return {};
  if (!v.list()) return wrong;
  for (const Value& number : *v.list()) {
    const int64_t* n = number.integer();
    if (!n || *n < 1 || *n > kMaxErrno) return wrong;
    out->push_back(static_cast<int>(*n));
  }
  return {};
}

std::string read_only(const Value& v, std::vector<std::string>* out) {
  const char* wrong = ": must be an array of names of members";
  if (v.null()) return {};
  if (!v.list() || v.list()->empty()) return wrong;
  for (const Value& name : *v.list()) {
    if (!name.string()) return wrong;
    out->push_back(*name.string());
  }
  return {};
}

std::string read_members(Map members, bool may_undo, Step* out);

std::string read_undo(Value& v, bool may_undo, std::vector<Step>* out) {
  if (v.null()) return {};
  if (!may_undo) return ": an undo step has none of its own";
  if (!v.list()) return ": must be an array of steps";
  for (Value& step : *v.list()) {
    std::string place = "." + std::to_string(out->size());
    if (!step.map()) return place + ": must be a step";
    std::string wrong = read_members(std::move(*step.map()), false, &out->emplace_back());
    if (!wrong.empty()) return place + "." + wrong;
  }
  return {};
}

std::string read_member(const std::string& name, Value& v, bool may_undo, Step* out) {
  int64_t number = 0;
  std::string wrong;
  if (name == "op") {
    if (!v.string()) return ": must be a string";
    out->op = *v.string();
  } else if (name == "ns") {
    wrong = read_number(v, UINT32_MAX, true, &number);
    out->ns = static_cast<uint32_t>(number);
  } else if (name == "flags") {
    wrong = read_number(v, UINT16_MAX, false, &number);
    out->flags = static_cast<uint16_t>(number);
  } else if (name == "args") {
    if (!v.map()) return ": must be an object";
    out->args = std::move(v);
  } else if (name == "only") {
    wrong = read_only(v, &out->names);
  } else if (name == "accept") {
    wrong = read_accept(v, &out->accept);
  } else if (name == "undo") {
    wrong = read_undo(v, may_undo, &out->undo);
  } else {
    return ": is not a member of a step (op, ns, flags, args, only, accept, undo)";
  }
  return wrong;
}

std::string read_members(Map members, bool may_undo, Step* out) {
  for (const char* required : {"op", "ns", "args"}) {
    bool there = std::any_of(members.begin(), members.end(),
                             [&](const auto& member) { return member.first == required; });
    if (!there) members.emplace_back(required, Value());
  }
  for (auto& [name, value] : members) {
    std::string wrong = read_member(name, value, may_undo, out);
    if (!wrong.empty()) return name + wrong;
  }
  return {};
}

}  // namespace

std::string read_step(Map members, Step* out) {
  return read_members(std::move(members), true, out);
}

std::string step_complaint(const Value* op, size_t position, const std::string& complaint) {
  constexpr std::string_view kArguments = "args.";
  if (!op || !op->string()) return "steps." + std::to_string(position) + "." + complaint;
  bool inside = complaint.rfind(kArguments, 0) == 0;
  return *op->string() + "." + (inside ? complaint.substr(kArguments.size()) : complaint);
}

}  // namespace vnet
