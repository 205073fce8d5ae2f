// Threads of ours. None of them takes a signal: Node's handlers write to a pipe of the process, and
// a thread with descriptors of its own has none. Also work that must happen inside another network
// namespace: a thread is made for that one job, enters the namespace, and is gone afterwards, so
// that there is nothing to restore.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "failure.h"

namespace vnet {

// pthread_create(3) of a thread in which all signals are blocked that can be meant for the process;
// those that a fault of its own raises are not. Answers with an errno, or 0.
inline int start_thread(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                        void* argument) {
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    sigdelset(&blocked, fault);
  }
  // The mask is inherited. What comes meanwhile waits, and is taken by this thread or another.
  if (int error = pthread_sigmask(SIG_SETMASK, &blocked, &before)) return error;
  int error = pthread_create(thread, attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

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
  int error = start_thread(&thread, nullptr, body, &run);
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
