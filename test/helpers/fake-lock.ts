/** Stand-ins for the addon's file lock. */
import type { LockFile } from '../../dist/esm/host/lock.js'

const failure = { step: -1, op: 'lock', syscall: 'flock', extAck: '', attribute: '' }

/** A lock that is always free: counts how often it is taken and given back. */
export function countingLock() {
  const counts = { taken: 0, open: 0, labels: [] as string[] }
  const lockFile: LockFile = (_path, _timeoutMs, label) => {
    counts.taken++
    counts.open++
    counts.labels.push(label)
    return { close: () => void counts.open-- }
  }
  return { counts, lockFile }
}

/** A lock that always answers with an errno. */
export function brokenLock(errno: number): LockFile {
  return () => ({ ...failure, errno })
}
