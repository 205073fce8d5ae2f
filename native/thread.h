// Work that must happen inside another network namespace: a thread is made for that one job,
// enters the namespace, and is gone afterwards, so that there is nothing to restore.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

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

// As in_netns, but on this thread when it is in the namespace already: for jobs that leave nothing
// behind on their thread. Most are about the caller's own namespace, and a thread takes longer than
// they do.
template <typename Job>
Failure here_or_in_netns(const char* op, int netns, Job job) {
  struct stat wanted {};
  struct stat own {};
  bool here = fstat(netns, &wanted) == 0 && stat("/proc/thread-self/ns/net", &own) == 0 &&
              wanted.st_dev == own.st_dev && wanted.st_ino == own.st_ino;
  return here ? job() : in_netns(op, netns, job);
}

}  // namespace vnet
