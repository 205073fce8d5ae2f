// The processes of a network namespace.
import { readdirSync, statSync } from 'node:fs'

/** Sends SIGKILL to all processes in the namespace of a file, except this one. */
export function endOccupants(path) {
  const { dev, ino } = statSync(path)
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    try {
      const its = statSync(`/proc/${pid}/ns/net`)
      if (its.dev === dev && its.ino === ino) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself in the meantime.
    }
  }
}
