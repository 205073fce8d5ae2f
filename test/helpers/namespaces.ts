import { must, run, runSync } from './process.js'

/** Makes named network namespaces. */
export async function addNamespaces(names: readonly string[]): Promise<void> {
  // One after the other: the first `ip netns add` of a machine also sets its folder up.
  for (const name of names) await must('ip', ['netns', 'add', name])
}

function processesIn(name: string): number[] {
  const { stdout } = runSync('ip', ['netns', 'pids', name])
  return stdout.split('\n').filter(Boolean).map(Number)
}

function endProcesses(name: string): void {
  for (const pid of processesIn(name)) {
    if (pid === process.pid) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

/** Ends what runs in named namespaces and deletes them; absent ones are fine. */
export function deleteNamespaces(names: readonly string[]): void {
  for (const name of names) {
    endProcesses(name)
    runSync('ip', ['netns', 'del', name])
  }
}

/** Whether eth0 has its IPv6 link-local address and the route that follows it. */
export async function hasLinkLocal(name: string): Promise<boolean> {
  const routes = ['-n', name, '-6', 'route', 'show', 'table', 'all', 'dev', 'eth0']
  const { stdout } = await run('ip', routes)
  return /local fe80::/.test(stdout) && stdout.includes('ff00::/8')
}
