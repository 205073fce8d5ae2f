// A lock between processes without the addon: a file that only one can make.
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'

const EAGAIN = 11
const failure = { step: -1, op: 'lock', syscall: 'flock', extAck: '', attribute: '' }

export function fileLock(path, _timeoutMs, label) {
  const guard = `${path}.guard`
  try {
    closeSync(openSync(guard, 'wx'))
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return { ...failure, errno: EAGAIN }
  }
  writeFileSync(path, label)
  return { close: () => rmSync(guard) }
}
