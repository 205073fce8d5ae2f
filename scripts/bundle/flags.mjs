// Switches that the executable starts Node with; docs/performance.md has what each one gave.

/** In force for every call, whatever NODE_OPTIONS says. */
export const EXEC_ARGV = [
  // V8 mixes a random seed into the hashes of all strings of its start-up snapshot, so that
  // nobody can prepare keys that collide. That is for servers: a call here reads one small
  // document from root and ends. It is a sixth of the start.
  '--no-rehash-snapshot',
  // No call lives long enough for compiled code to pay for the compiler's memory.
  '--jitless',
  // Threads that would only be started and ended: V8's workers (one is the least there can be; 0
  // means one less than the machine has cores), and the one that waits for SIGUSR1 to begin debugging.
  '--v8-pool-size=1',
  '--disable-sigusr1',
  // In MB: room for what an ADD on a full node allocates, so that no garbage is collected in it.
  '--min-semi-space-size=4',
]
