/**
 * The world of a plug-in process: environment, standard streams, and sudden ends.
 */
import { fstatSync, readSync, writeSync } from 'node:fs'
import { CniCode, CniError, internalError } from '../spec/errors.js'

/** What `runPlugin` knows of the process; tests give their own. */
export interface PluginIo {
  env: Readonly<Record<string, string | undefined>>
  /** Reads all of stdin. */
  stdin: () => string
  /** Writes the one JSON document; returns when it is written. */
  stdout: (text: string) => void
  /** Writes text for people. */
  stderr: (text: string) => void
  /**
   * Reports that the process is about to end for a reason that no handler sees: an
   * uncaught exception, a signal, nothing left to wait for. Answers with how to stop that.
   */
  onFatal?: (report: (reason: unknown) => void) => () => void
}

/** The real process. */
export function processIo(): PluginIo {
  return {
    env: process.env,
    stdin: readStdin,
    stdout: (text) => writeAll(1, text),
    stderr: (text) => writeAll(2, text),
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

function readStdin(): string {
  // A terminal has no config to give, and reading it would wait for a person.
  if (fstatSync(0).isCharacterDevice()) return ''
  const chunks: Buffer[] = []
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536)
    const size = retry(() => readSync(0, chunk))
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

function watchProcess(report: (reason: unknown) => void): () => void {
  const idle = (): void =>
    report(internalError('the plug-in waits for something that will never come'))
  const events: [string, (reason: unknown) => void][] = [
    ['uncaughtException', report],
    ['unhandledRejection', report],
    ['beforeExit', idle],
    ['SIGTERM', () => report(stoppedBy('SIGTERM'))],
    ['SIGINT', () => report(stoppedBy('SIGINT'))],
  ]
  // As a plain emitter: its typed overloads take one event name each.
  const emitter: NodeJS.EventEmitter = process
  for (const [event, listener] of events) emitter.on(event, listener)
  return () => {
    for (const [event, listener] of events) emitter.off(event, listener)
  }
}

function stoppedBy(signal: string): CniError {
  return new CniError(CniCode.TryAgain, `stopped by ${signal}: call DEL, then try again`)
}
