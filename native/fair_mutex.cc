#include "fair_mutex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace vnet {

namespace {

static_assert(std::atomic<uint32_t>::is_always_lock_free &&
                  sizeof(std::atomic<uint32_t>) == sizeof(uint32_t),
              "the kernel reads the number itself");

// Those who wait are told apart by a bit, so that a turn wakes one of up to 32 and not all.
uint32_t bit_of(uint32_t ticket) { return 1u << (ticket % 32); }

// Sleeps until that ticket's bit is woken, unless the number is no longer `seen`. Also wakes for
// signals and for a ticket with the same bit: the caller looks again.
void wait(const std::atomic<uint32_t>& turn, uint32_t seen, uint32_t ticket) {
  syscall(SYS_futex, &turn, FUTEX_WAIT_BITSET_PRIVATE, seen, nullptr, nullptr, bit_of(ticket));
}

void wake(const std::atomic<uint32_t>& turn, uint32_t ticket) {
  syscall(SYS_futex, &turn, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, nullptr, nullptr, bit_of(ticket));
}

}  // namespace

void FairMutex::lock() {
  uint32_t ticket = next_.fetch_add(1);
  for (uint32_t seen = turn_.load(); seen != ticket; seen = turn_.load()) {
    wait(turn_, seen, ticket);
  }
}

// All accesses are in one order (seq_cst): either the ticket that was drawn meanwhile is seen here,
// or whoever drew it sees the new turn.
void FairMutex::unlock() {
  uint32_t turn = turn_.load(std::memory_order_relaxed) + 1;
  turn_.store(turn);
  if (next_.load() != turn) wake(turn_, turn);
}

}  // namespace vnet
