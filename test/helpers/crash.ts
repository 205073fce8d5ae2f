/** Ends of a call in the middle: what a process that was killed leaves. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Host } from '../../dist/esm/host/host.js'

/** Where a call dies: at the n-th lock, before anything is done under it or before it is written. */
export interface Moment {
  /** From 0. */
  readonly lock: number
  readonly when: 'before' | 'unwritten' | 'after'
}

/** A call that dies. */
export interface DyingCall {
  /** Puts the death in the way of a call. */
  readonly host: (host: Host) => Host
  /** Resolves when the call is dead: it never goes on then, and does nothing more to the kernel. */
  readonly died: Promise<void>
}

/** How often a call takes a lock; counts while the call runs. */
export function lockCounter(): { host: (host: Host) => Host; taken: () => number } {
  let taken = 0
  const host = (inner: Host) =>
    changed(inner, {
      lock: (path, options) => {
        taken++
        return inner.lock(path, options)
      },
    })
  return { host, taken: () => taken }
}

/** Has a call die at a moment. */
export function dyingCall({ lock: at, when }: Moment): DyingCall {
  let count = 0
  let isDead = false
  let resolveDied = () => {}
  const died = new Promise<void>((resolve) => {
    resolveDied = resolve
  })
  const die = (host: Host) => {
    isDead = true
    host[Symbol.dispose]()
    resolveDied()
  }
  const host = (inner: Host) =>
    changed(inner, {
      lock: async (path, options) => {
        const isHere = count++ === at
        if (isDead) return never()
        if (isHere && when === 'before') {
          die(inner)
          return never()
        }
        const held = await inner.lock(path, options)
        if (!isHere) return held
        const before = snapshot(path)
        return {
          release: () => {
            if (when === 'unwritten') before.restore()
            held.release()
            die(inner)
          },
        }
      },
      checkpoint: () => {
        if (isDead) throw new Error('dead')
        inner.checkpoint()
      },
    })
  return { host, died }
}

/** A Host that differs in some members. */
export function changed(host: Host, members: Partial<Host>): Host {
  return Object.create(
    host,
    Object.getOwnPropertyDescriptors(members as Record<string, unknown>),
  ) as Host
}

/** Has every write of a file fail until `mend` is called; it can still be read. */
export function breakWrites(path: string): { mend: () => void } {
  mkdirSync(`${path}.tmp/full`, { recursive: true })
  return { mend: () => rmSync(`${path}.tmp`, { recursive: true }) }
}

function never(): Promise<never> {
  return new Promise(() => {})
}

function snapshot(lockPath: string): { restore: () => void } {
  const path = lockPath.replace(/\.lock$/, '')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  return {
    restore: () => {
      mkdirSync(dirname(path), { recursive: true })
      if (text === undefined) rmSync(path, { force: true })
      else writeFileSync(path, text)
    },
  }
}
