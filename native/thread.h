// Work that must happen inside another network namespace: a thread is made for that one job,
// enters the namespace, and is gone afterwards, so that there is nothing to restore.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "failure.h"

namespace vnet {

// Runs `job` (a callable returning Failure) on a new thread and waits for it.
template <typename Job>
Failure on_new_thread(const char* op, Job job) {
  struct Run {
    Job* job;
    Failure result;
  } run{&job, {}};
  pthread_t thread;
  auto body = [](void* p) -> void* {
    auto* r = static_cast<Run*>(p);
    r->result = (*r->job)();
    return nullptr;
  };
  int error = pthread_create(&thread, nullptr, body, &run);
  if (error) return syscall_failure(op, "pthread_create", error);
  pthread_join(thread, nullptr);
  return run.result;
}

template <typename Job>
Failure in_netns(const char* op, int netns, Job job) {
  return on_new_thread(op, [&]() -> Failure {
    if (setns(netns, CLONE_NEWNET) < 0) return syscall_failure(op, "setns", errno);
    return job();
  });
}

}  // namespace vnet
