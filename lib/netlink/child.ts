/**
 * Programs that run inside a namespace.
 */
import { ArgumentError } from '../argument-error.js'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import {
  isFailure,
  type Backend,
  type NativeChild,
  type NativeNetNs,
  type WireChild,
} from '../binding.js'
import { toError } from '../errors.js'
import { osConstants } from '../os-constants.js'
import { checkSignal } from './base/check.js'
import { ERRNO } from './base/constants.js'
import { checkOptions, type Options } from './base/options.js'
import { pipeStream } from './pipe.cjs'

/** What becomes of one of the program's standard streams. */
export type ChildStdio = 'pipe' | 'inherit' | 'ignore'

/** How a program is started. */
export interface SpawnOptions {
  /** The program's whole environment; that of this process when absent. */
  readonly env?: { readonly [name: string]: string | undefined }
  /** Working folder; that of this process when absent. */
  readonly cwd?: string
  /**
   * Standard input, output and error, or one word for all three; `pipe` when absent. `inherit`
   * gives the program the stream of this process, `ignore` /dev/null.
   */
  readonly stdio?: ChildStdio | readonly [ChildStdio, ChildStdio, ChildStdio]
  /** Sends `killSignal` when it aborts; aborted already, nothing is started. */
  readonly signal?: AbortSignal
  /** `SIGTERM` when absent. */
  readonly killSignal?: NodeJS.Signals
}

/** How a program ended: one of the two is not null. */
export interface ChildExit {
  /** Exit status, 0 to 255. */
  readonly code: number | null
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null
}

const OPTIONS: Options<SpawnOptions> = {
  env: 'value',
  cwd: 'value',
  stdio: 'value',
  signal: 'value',
  killSignal: 'value',
}

function signalName(number: number): NodeJS.Signals | null {
  const known = Object.entries(osConstants().signals)
  return (known.find(([, n]) => n === number)?.[0] ?? null) as NodeJS.Signals | null
}

function signalNumber(signal: unknown, field: string): number {
  const signals = osConstants().signals as Partial<Record<string, number>>
  const number = typeof signal === 'string' ? signals[signal] : signal
  if (Number.isInteger(number) && (number as number) >= 0 && (number as number) <= 64) {
    return number as number
  }
  throw new ArgumentError(`${field}: ${String(signal)} is no signal, such as SIGTERM`)
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
  throw new ArgumentError(`${field}: must be a non-empty string without NUL bytes`)
}

function argument(value: unknown, field: string): string {
  if (typeof value === 'string' && !value.includes('\0')) return value
  throw new ArgumentError(`${field}: must be a string without NUL bytes`)
}

function environment(env: unknown): string[] {
  if (typeof env !== 'object' || env === null) {
    throw new ArgumentError('env: must be an object of names and strings')
  }
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (name === '' || /[=\0]/.test(name)) {
      throw new ArgumentError(`env: ${JSON.stringify(name)} cannot name a variable`)
    }
    return [`${name}=${argument(value, `env.${name}`)}`]
  })
}

function standardStreams(stdio: SpawnOptions['stdio']): ChildStdio[] {
  const three = typeof stdio === 'string' ? [stdio, stdio, stdio] : [...(stdio ?? [])]
  const known = (one: unknown) => ['pipe', 'inherit', 'ignore'].includes(one as string)
  if (three.length === 3 && three.every(known)) return three as ChildStdio[]
  throw new ArgumentError(
    'stdio: must be pipe, inherit or ignore, or an array of three of these words',
  )
}

function toWire(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): WireChild {
  const file = text(command, 'command')
  if (!Array.isArray(args)) throw new ArgumentError('args: must be an array of strings')
  const argv = [file, ...args.map((one, i) => argument(one, `args.${i}`))]
  const { cwd, env = process.env, stdio = 'pipe' } = options
  return {
    file,
    argv,
    env: environment(env),
    ...(cwd !== undefined && { cwd: text(cwd, 'cwd') }),
    stdio: standardStreams(stdio),
  }
}

// The end of a stream that is ours to read or write; both are one class in Node.
function stream(native: NativeChild, at: number): Socket | null {
  const fd = native.pipe(at)
  if (fd < 0) return null
  return pipeStream(fd, at === 0)
}

/**
 * A program that was started inside a namespace by {@link NetNs.spawn}. It keeps the process alive
 * until it ends, unless `unref` says otherwise. When this process ends first, the program runs on.
 */
export class NetNsChild {
  /** Its process id, as this process sees it. */
  readonly pid: number
  /** Null where it is not piped; so for the others. */
  readonly stdin: Writable | null
  /** What it writes to standard output. */
  readonly stdout: Readable | null
  /** What it writes to standard error. */
  readonly stderr: Readable | null
  /**
   * Resolves when the program has ended; its last output may still be unread in the streams. Rejects
   * with SyscallError (ECHILD) when other code in this process has reaped the child (waitpid(2)).
   */
  readonly exited: Promise<ChildExit>
  readonly #native: NativeChild
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: () => void

  /** @internal */
  constructor(
    backend: Backend,
    namespace: NativeNetNs,
    command: string,
    args: readonly string[],
    options: SpawnOptions,
  ) {
    checkOptions(options, 'NetNs.spawn', OPTIONS)
    const { signal, killSignal = 'SIGTERM' } = options
    const wire = toWire(command, args, options)
    signalNumber(killSignal, 'killSignal')
    checkSignal(signal)
    signal?.throwIfAborted()
    let onEnd: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (onEnd = resolve))
    const native = backend.spawn(namespace, wire, onEnd)
    if (isFailure(native)) {
      throw toError(native, [], native.syscall === 'chdir' ? options.cwd : command)
    }
    this.#native = native
    this.pid = native.pid()
    this.stdin = stream(native, 0)
    this.stdout = stream(native, 1)
    this.stderr = stream(native, 2)
    this.#onAbort = () => void this.kill(killSignal)
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.exited = ended.then(() => this.#end())
    // A caller that never looks at `exited` must not get an unhandled rejection.
    this.exited.catch(() => undefined)
  }

  /**
   * Sends a signal, SIGTERM when none is named; true when it was sent, false when the program has
   * ended. Goes by the program's descriptor: another one of the same number is never hit.
   * Throws SyscallError: EPERM when the program has become another user's.
   */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    const failure = this.#native.kill(signalNumber(signal, 'signal'))
    if (!failure) return true
    if (failure.errno === ERRNO.ESRCH) return false
    throw toError(failure)
  }

  /** Lets the process end before the program does. Its streams have an `unref` of their own. */
  unref(): void {
    this.#native.hold(false)
  }

  /** Takes `unref` back. */
  ref(): void {
    this.#native.hold(true)
  }

  #end(): ChildExit {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const end = this.#native.end()
    this.#native.close()
    if (isFailure(end)) throw toError(end)
    if (end.signal === 0) return { code: end.code, signal: null }
    const name = signalName(end.signal) ?? (`SIG${end.signal}` as NodeJS.Signals)
    return { code: null, signal: name }
  }
}
