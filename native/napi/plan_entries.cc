#include "plan_entries.h"

#include <utility>

#include "../steps.h"
#include "netns_handle.h"
#include "reader.h"
#include "to_js.h"

namespace vnet {

void AbortHandle::define(Js& js, Environment& environment) {
  using H = Handle<AbortHandle>;
  H::define(js, environment, {{"abort", H::enter_method<&AbortHandle::abort>}});
}

napi_value AbortHandle::make(Call& call) {
  AbortHandle* handle = nullptr;
  return Handle<AbortHandle>::make(call, &handle);
}

napi_value AbortHandle::abort(Call& call) {
  flag_->store(true);
  return call.js.undefined();
}

namespace {

bool read_namespaces(Call& call, std::vector<std::shared_ptr<NetNs>>* out) {
  constexpr uint32_t kMost = 1u << 16;
  Js& js = call.js;
  napi_value list = call.arguments[0];
  uint32_t count = js.is_array(list) ? js.length(list) : kMost + 1;
  if (count > kMost) {
    js.misuse("namespaces must be an array of at most 65536 handles");
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    Scope scope(js);
    out->push_back(NetNsHandle::get(js, js.element(list, i)));
    if (out->back()) continue;
    js.misuse("namespaces." + std::to_string(i) + ": not an open namespace handle (NetNs)");
    return false;
  }
  return true;
}

bool read_steps(Call& call, std::vector<Step>* out) {
  Js& js = call.js;
  Reader reader(call);
  napi_value list = call.arguments[1];
  uint32_t count = 0;
  if (!reader.length(list, &count)) {
    js.misuse("steps: " + reader.complaint());
    return false;
  }
  out->resize(count);
  for (uint32_t i = 0; i < count; i++) {
    Scope scope(js);
    napi_value step = js.element(list, i);
    if (!js.is(step, napi_object)) {
      js.misuse("steps: must hold objects");
      return false;
    }
    Map members;
    std::string wrong;
    if (!reader.members(step, &members)) wrong = reader.complaint();
    Value op;
    for (const auto& [name, value] : members) {
      if (name == "op") op = value;
    }
    if (wrong.empty()) wrong = read_step(std::move(members), &(*out)[i]);
    if (!js.failed() && wrong.empty()) continue;
    js.misuse(step_complaint(&op, i, wrong));
    return false;
  }
  return true;
}

// A plan that is known to be well-formed.
bool read_plan(Call& call, Plan* plan) {
  if (!read_namespaces(call, &plan->namespaces) || !read_steps(call, &plan->steps)) return false;
  if (!boolean_argument(call, 2, "keepGoing", &plan->keep_going)) return false;
  std::string wrong = check_plan(*plan);
  if (!wrong.empty()) call.js.misuse(wrong);
  return wrong.empty();
}

// A plan on a thread of the pool.
struct Work {
  Plan plan;
  std::shared_ptr<AbortFlag> abort;
  Outcome outcome;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void execute(napi_env, void* data) {
  auto* work = static_cast<Work*>(data);
  work->outcome = run_plan(work->plan, work->abort.get());
}

// In a worker that is being terminated this is called as well, though it runs no JavaScript any
// more: then there is nobody to be told, and each of these calls is refused.
void complete(napi_env env, napi_status, void* data) {
  std::unique_ptr<Work> work(static_cast<Work*>(data));
  Js js(env);
  napi_delete_async_work(env, work->work);
  napi_value answer = js.close(to_js(js, work->outcome));
  napi_value thrown = nullptr;
  if (answer) {
    napi_resolve_deferred(env, work->deferred, answer);
  } else if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
    napi_reject_deferred(env, work->deferred, thrown);
  }
}

}  // namespace

napi_value run_sync(Call& call) {
  Plan plan;
  if (!read_plan(call, &plan)) return nullptr;
  return to_js(call.js, run_plan(plan));
}

napi_value run(Call& call) {
  Js& js = call.js;
  auto work = std::make_unique<Work>();
  if (!read_plan(call, &work->plan)) return nullptr;
  if (!js.is(call.arguments[3], napi_undefined)) {
    AbortHandle* handle = Handle<AbortHandle>::get(js, call.arguments[3]);
    if (!handle) return js.misuse("abort: not what newAbort() makes");
    work->abort = handle->flag();
  }
  napi_value promise = nullptr;
  napi_value name = js.make("vnet-cni.plan");
  if (!js.ok(napi_create_promise(js.env(), &work->deferred, &promise)) ||
      !js.ok(napi_create_async_work(js.env(), nullptr, name, execute, complete, work.get(),
                                    &work->work)) ||
      !js.ok(napi_queue_async_work(js.env(), work->work))) {
    return nullptr;
  }
  // complete() frees it.
  work.release();
  return promise;
}

}  // namespace vnet
