// A lock that is given in the order in which it was asked for.
#pragma once

#include <atomic>
#include <cstdint>

namespace vnet {

// std::mutex is taken by whoever comes at the right moment: a thread that unlocks and locks again,
// as a plan does between its steps, has it back before those that wait are awake. Here each draws a
// ticket, and unlocking calls the next number. Free, it costs no system call; it must not be locked
// twice by one thread. For std::lock_guard.
class FairMutex {
 public:
  FairMutex() = default;
  FairMutex(const FairMutex&) = delete;
  FairMutex& operator=(const FairMutex&) = delete;

  void lock();
  void unlock();

 private:
  // The ticket that is drawn next, and the one whose turn it is; equal when nobody has the lock.
  // They wrap around, which equality does not mind.
  std::atomic<uint32_t> next_{0};
  std::atomic<uint32_t> turn_{0};
};

}  // namespace vnet
