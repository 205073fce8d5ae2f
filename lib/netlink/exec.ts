/**
 * Programs that are run to their end inside a namespace.
 */
import { ArgumentError } from '../argument-error.js'
import type { Readable, Writable } from 'node:stream'
import type { ChildExit, NetNsChild, SpawnOptions } from './child.js'

/** How a program is run to its end. */
export interface ExecOptions extends Omit<SpawnOptions, 'stdio'> {
  /** What it reads from standard input, which ends then; nothing when absent. */
  readonly input?: string | Uint8Array
  /** Most bytes of standard output, and of standard error; 16 MiB when absent. */
  readonly maxBuffer?: number
}

/** What a program wrote, as UTF-8. */
export interface ExecResult {
  /** All of its standard output. */
  readonly stdout: string
  /** All of its standard error. */
  readonly stderr: string
}

/** A program ended with a status other than 0, by a signal, or wrote too much. */
export class ExecError extends Error {
  /** `ExecError`, also where `instanceof` cannot tell. */
  override readonly name: string = 'ExecError'

  constructor(
    message: string,
    /** The program and its arguments. */
    readonly command: readonly string[],
    /** Exit status, or null when a signal ended it. */
    readonly code: number | null,
    /** The signal that ended it, or null. */
    readonly signal: NodeJS.Signals | null,
    /** What it had written to standard output. */
    readonly stdout: string,
    /** What it had written to standard error. */
    readonly stderr: string,
  ) {
    super(message)
  }
}

const MOST_BYTES = 16 * 1024 * 1024
const SHOWN = 1000

// All of a stream, at most so many bytes: then `full` is called, and the rest is not kept.
function collect(from: Readable, most: number, full: () => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    from.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= most) chunks.push(chunk)
      else full()
    })
    from.once('error', reject)
    from.once('close', () => resolve(Buffer.concat(chunks)))
  })
}

/** Runs a program in a namespace to its end; see {@link NetNs.exec}. */
export async function exec(
  spawn: (options: SpawnOptions) => NetNsChild,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { input = '', maxBuffer = MOST_BYTES, ...rest } = options
  if (!(maxBuffer > 0)) {
    throw new ArgumentError('maxBuffer: must be a number of bytes above 0')
  }
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) {
    throw new ArgumentError('input: must be a string or a Uint8Array')
  }
  const child = spawn({ ...rest, stdio: 'pipe' })
  const { stdout, stderr, stdin } = child as NetNsChild & Piped
  let full = false
  let aborted = false
  // What the program started itself may have its streams still, and is not waited for.
  const letGo = () => {
    stdout.destroy()
    stderr.destroy()
  }
  const onFull = () => {
    if (!full) child.kill('SIGKILL')
    full = true
    letGo()
  }
  const onAbort = () => {
    aborted = true
    letGo()
  }
  rest.signal?.addEventListener('abort', onAbort, { once: true })
  const out = collect(stdout, maxBuffer, onFull)
  const err = collect(stderr, maxBuffer, onFull)
  // A program may end without reading its input: that is its right.
  stdin.on('error', () => undefined)
  stdin.end(input)
  try {
    const [exit, ...wrote] = await Promise.all([child.exited, out, err])
    if (aborted) throw rest.signal?.reason
    const how = full ? `wrote more than ${maxBuffer} bytes (maxBuffer)` : undefined
    return checked(command, exit, wrote.map(String) as [string, string], how)
  } finally {
    rest.signal?.removeEventListener('abort', onAbort)
  }
}

/** The streams where all three are piped. */
interface Piped {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** What was written, or the error that the end of the program amounts to. */
function checked(
  command: readonly string[],
  { code, signal }: ChildExit,
  [stdout, stderr]: [string, string],
  wrong: string | undefined,
): ExecResult {
  if (code === 0 && !wrong) return { stdout, stderr }
  const how = wrong ?? signal ?? `exit status ${code}`
  const end = stderr.trim().slice(-SHOWN)
  const message = `${command.join(' ')}: ${how}${end && `: ${end}`}`
  throw new ExecError(message, command, code, signal, stdout, stderr)
}
