/**
 * Critical sections: between processes by flock(2), between the calls of one process by a queue.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Addon, NativeLock } from '../binding.js'
import { isFailure } from '../binding.js'
import { errnoName } from '../errors.js'
import { fileOperation, LockTimeoutError, StateError } from './errors.js'
import { makeFolder } from './make-folder.js'

/** Takes the lock of a file: the addon's flock(2), or what a test gives. */
export type LockFile = Addon['lockFile']

/** A lock that is held; the kernel drops it when the process ends. */
export interface HeldLock {
  release(): void
}

/** How to take a lock. */
export interface LockOptions {
  /** How long to wait, in milliseconds; 10000 when absent. */
  readonly timeoutMs?: number
  /** Who takes it, for whoever waits: `ADD pod-a pid 4711`. */
  readonly label: string
}

/** How long to wait for a lock when the caller does not say, in milliseconds. */
export const LOCK_TIMEOUT_MS = 10_000

/** What `lockFile` answers with where there is no folder (asm-generic/errno-base.h). */
const ENOENT = 2

/** What `lockFile` answers with while another has the lock (asm-generic/errno-base.h). */
const EAGAIN = 11

/** Pauses between two looks at a lock that is held, in milliseconds. */
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 8

/** The locks of one process. */
export class Locks {
  readonly #lockFile: () => LockFile
  /** The end of the queue for each path. */
  readonly #queues = new Map<string, Promise<void>>()

  /** @param lockFile gives what takes a lock; asked when the first one is needed */
  constructor(lockFile: () => LockFile) {
    this.#lockFile = lockFile
  }

  /**
   * Takes the lock file `path`, and makes its folder when that is absent. The calls of this process
   * get it in the order in which they asked.
   *
   * Rejects with LockTimeoutError when others hold it for longer, be they calls of this process or
   * other processes; with StateError when the lock file cannot be made.
   */
  async take(path: string, options: LockOptions): Promise<HeldLock> {
    const timeoutMs = options.timeoutMs ?? LOCK_TIMEOUT_MS
    const deadline = Date.now() + timeoutMs
    const { before, leave } = this.#queueUp(path)
    try {
      if (before && !(await comesWithin(before, timeoutMs))) {
        throw new LockTimeoutError(path, holderOf(path), timeoutMs)
      }
      const lock = await this.#takeFile(path, { ...options, timeoutMs }, deadline)
      const release = () => {
        lock.close()
        leave()
      }
      return { release }
    } catch (error) {
      // Not before its turn: whoever stands behind waits for the same holder.
      if (before) void before.then(leave)
      else leave()
      throw error
    }
  }

  /** Takes a place in the queue: what it waits for, and how to make room for the next. */
  #queueUp(path: string): { before?: Promise<void>; leave: () => void } {
    const before = this.#queues.get(path)
    let next = () => {}
    const turn = new Promise<void>((resolve) => {
      next = resolve
    })
    this.#queues.set(path, turn)
    const leave = () => {
      if (this.#queues.get(path) === turn) this.#queues.delete(path)
      next()
    }
    return before ? { before, leave } : { leave }
  }

  async #takeFile(
    path: string,
    { label, timeoutMs }: Required<LockOptions>,
    deadline: number,
  ): Promise<NativeLock> {
    const lockFile = () => this.#lockFile()(path, 0, label)
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      let lock = lockFile()
      if (isFailure(lock) && lock.errno === ENOENT) {
        // Only the first call of a host finds no folder.
        const dir = dirname(path)
        fileOperation('make', dir, () => makeFolder(dir))
        lock = lockFile()
      }
      if (!isFailure(lock)) return lock
      if (lock.errno !== EAGAIN) {
        throw new StateError('lock', path, errnoName(lock.errno))
      }
      if (Date.now() >= deadline) {
        throw new LockTimeoutError(path, holderOf(path), timeoutMs)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

/** Whether a turn comes within so many milliseconds. */
function comesWithin(turn: Promise<void>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    void turn.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function holderOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 200).trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}
