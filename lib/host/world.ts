/**
 * The process as a door sees it. The only room above lib/netlink that touches `process`: a test, or
 * the rehearsal that fills the executable's code cache, gives a world of its own.
 */
import { fstatSync, readSync, writeSync } from 'node:fs'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a program is started with, and how it ends. */
export interface World {
  /** What the caller called it, as written (`argv[0]` of execve). */
  readonly argv0: string
  /** Path of the script or executable, and the arguments behind it. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly pid: number
  /** Version of Node: `24.1.0`. */
  readonly nodeVersion: string
  /** Descriptors of the standard streams. */
  readonly streams: { readonly in: number; readonly out: number; readonly err: number }
  /** Ends the program. */
  exit(code: number): void
  /**
   * Reports that the process is about to end for a reason that no handler sees: an uncaught
   * exception, a signal, nothing left to wait for. Answers with how to stop that.
   */
  onFatal(report: (event: FatalEvent, reason: unknown) => void): () => void
}

/** Why a process is about to end. */
export type FatalEvent = 'exception' | 'idle' | 'SIGTERM' | 'SIGINT'

/** The real one. */
export function processWorld(): World {
  return {
    argv0: process.argv0,
    argv: process.argv.slice(1),
    env: process.env,
    pid: process.pid,
    nodeVersion: process.versions.node,
    streams: { in: 0, out: 1, err: 2 },
    exit: (code) => process.exit(code),
    onFatal: watchProcess,
  }
}

/**
 * Writes all of a text before it returns. `process.stdout` would not do: on a pipe it may
 * still hold the text when the process exits.
 */
export function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const written = retry(() => writeSync(fd, rest))
    rest = rest.subarray(written)
  }
}

/** Reads a stream to its end; a terminal counts as empty. */
export function readAll(fd: number): string {
  // A terminal has no config to give, and reading it would wait for a person.
  if (fstatSync(fd).isCharacterDevice()) return ''
  const chunks: Buffer[] = []
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536)
    const size = retry(() => readSync(fd, chunk))
    if (size === 0) return Buffer.concat(chunks).toString()
    chunks.push(chunk.subarray(0, size))
  }
}

/** Repeats a call while the other end of a non-blocking pipe is not ready. */
function retry(call: () => number): number {
  for (;;) {
    try {
      return call()
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

function watchProcess(report: (event: FatalEvent, reason: unknown) => void): () => void {
  const exception = (reason: unknown) => report('exception', reason)
  const events: [string, (reason: unknown) => void][] = [
    ['uncaughtException', exception],
    ['unhandledRejection', exception],
    ['beforeExit', () => report('idle', undefined)],
    ['SIGTERM', () => report('SIGTERM', undefined)],
    ['SIGINT', () => report('SIGINT', undefined)],
  ]
  // As a plain emitter: its typed overloads take one event name each.
  const emitter: NodeJS.EventEmitter = process
  for (const [event, listener] of events) emitter.on(event, listener)
  return () => {
    for (const [event, listener] of events) emitter.off(event, listener)
  }
}
