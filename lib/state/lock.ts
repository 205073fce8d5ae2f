/**
 * A critical section between processes.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { addon, isFailure, type Addon } from '../binding.js'
import { errnoName } from '../errors.js'
import { fileOperation, LockTimeoutError, StateError } from './errors.js'

/** Takes the lock; the addon's flock(2) unless a test gives another. */
export type LockFile = Addon['lockFile']

/** How to take a lock. */
export interface LockOptions {
  /** How long to wait, in milliseconds; 10000 when absent. */
  readonly timeoutMs?: number
  /** Who takes it, for whoever waits: `ADD pod-a pid 4711`. */
  readonly label: string
  /** Replaces the addon's lock. */
  readonly lockFile?: LockFile
}

/** How long to wait for a lock when the caller does not say, in milliseconds. */
export const LOCK_TIMEOUT_MS = 10_000

/**
 * Runs `fn` while this process alone holds the lock file `path`; makes its folder when
 * absent. `fn` must be synchronous: the lock is dropped as soon as it returns.
 *
 * Throws LockTimeoutError when another holds it for longer, StateError when the lock file
 * cannot be made, and whatever `fn` throws.
 */
export function withLock<T>(path: string, options: LockOptions, fn: () => T): T {
  const timeoutMs = options.timeoutMs ?? LOCK_TIMEOUT_MS
  const dir = dirname(path)
  fileOperation('make', dir, () => makeFolder(dir))
  const lockFile = options.lockFile ?? addon().lockFile
  const lock = lockFile(path, timeoutMs, options.label)
  if (isFailure(lock)) {
    const code = errnoName(lock.errno)
    if (code === 'EAGAIN') {
      throw new LockTimeoutError(path, holderOf(path), timeoutMs)
    }
    throw new StateError('lock', path, code)
  }
  try {
    return fn()
  } finally {
    lock.close()
  }
}

// Not mkdir's own `recursive`: in Node that never returns where the kernel answers ENOENT
// although the parent is there, as in /proc.
function makeFolder(dir: string, mayMakeParent = true): void {
  try {
    mkdirSync(dir, { mode: 0o755 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || !mayMakeParent) throw error
    makeFolder(dirname(dir))
    makeFolder(dir, false)
  }
}

function holderOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 200).trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}
