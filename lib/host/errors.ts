/**
 * The errors of the state folder: each names the path and what helps.
 */
import { dirname } from 'node:path'
import { STATE_DIR_VARIABLE } from './paths.js'

/** A state file or its lock could not be read, made or written. */
export class StateError extends Error {
  override readonly name = 'StateError'
  /** Symbolic errno: `ENOSPC`, `EROFS`, `EACCES`. */
  readonly code: string
  /** The file in question. */
  readonly path: string
  /** What the operator can do about it. */
  readonly cure: string

  constructor(action: string, path: string, code: string, options?: ErrorOptions) {
    const cure = cureFor(code, dirname(path))
    super(`cannot ${action} ${path}: ${code}; ${cure}`, options)
    this.code = code
    this.path = path
    this.cure = cure
  }
}

/** Another process holds a lock for longer than the caller may wait. */
export class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError'
  /** The lock file. */
  readonly path: string
  /** What the holder wrote about itself, or `unknown`. */
  readonly holder: string
  /** What the operator can do about it. */
  readonly cure: string

  constructor(path: string, holder: string, timeoutMs: number) {
    const cure = 'end or resume that process; the kernel drops the lock when it ends'
    super(`lock ${path} is held by ${holder} for over ${timeoutMs} ms; ${cure}`)
    this.path = path
    this.holder = holder
    this.cure = cure
  }
}

function cureFor(code: string, dir: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `free some space on the file system of ${dir}`
  }
  if (code === 'EROFS') {
    return `make ${dir} writable or set ${STATE_DIR_VARIABLE} to a writable folder`
  }
  if (code === 'EACCES' || code === 'EPERM') return `run as root or check who owns ${dir}`
  return `check ${dir}`
}

/** Runs a file operation; what it throws becomes a StateError with the cause kept. */
export function fileOperation<T>(action: string, path: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new StateError(action, path, code, { cause: error })
  }
}
