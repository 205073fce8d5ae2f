// A lock between processes without the addon: a file that only one can make.
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'

const EAGAIN = 11
const failure = { step: -1, op: 'lock', syscall: 'flock', extAck: '', attribute: '' }

export function fileLock(path, timeoutMs, label) {
  const guard = `${path}.guard`
  const end = Date.now() + timeoutMs
  for (;;) {
    try {
      closeSync(openSync(guard, 'wx'))
      writeFileSync(path, label)
      return { close: () => rmSync(guard) }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (Date.now() >= end) return { ...failure, errno: EAGAIN }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
  }
}

/** A lock for one process: counts how often it is taken and given back. */
export function countingLock() {
  const counts = { taken: 0, open: 0, labels: [] }
  const lockFile = (_path, _timeoutMs, label) => {
    counts.taken++
    counts.open++
    counts.labels.push(label)
    return { close: () => counts.open-- }
  }
  return { counts, lockFile }
}

/** A lock that always answers with an errno. */
export function brokenLock(errno) {
  return () => ({ ...failure, errno })
}
