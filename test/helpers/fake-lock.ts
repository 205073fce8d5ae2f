/** Stand-ins for the addon's file lock. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LockFile } from '../../dist/esm/host/lock.js'

const failure = { step: -1, op: 'lock', syscall: 'flock', extAck: '', attribute: '' }

/** A lock that is always free where its folder is: counts how often it is taken and given back. */
export function countingLock() {
  const counts = { taken: 0, open: 0, labels: [] as string[] }
  const lockFile: LockFile = (path, _timeoutMs, label) => {
    // ENOENT, as open(2) says of a file whose folder is not there.
    if (!existsSync(dirname(path))) return { ...failure, syscall: 'open', errno: 2 }
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
