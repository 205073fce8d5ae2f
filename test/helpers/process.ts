import { spawn, spawnSync } from 'node:child_process'

/** How a program that was run to its end came out. */
export interface Outcome {
  /** Exit status, or `null` when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Settings of one run. */
export interface RunOptions {
  /** Written to standard input, which is closed then; without it, standard input is empty. */
  input?: string
  /** Added to this process's environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>
  /** After so many milliseconds the program gets SIGKILL. */
  timeoutMs?: number
  /** Working folder. */
  cwd?: string
}

/** After so many milliseconds a program is ended, unless it is given another time. */
export const DEFAULT_TIMEOUT_MS = 600_000

/** A program ended in another way than with status 0. */
export class CommandError extends Error {
  override name = 'CommandError'

  constructor(
    readonly command: string,
    readonly outcome: Outcome,
  ) {
    const how = outcome.signal ?? `status ${outcome.code}`
    super(`${command}: ${how}: ${(outcome.stderr || outcome.stdout).trim()}`)
  }
}

/** This process's environment with changes. */
export function environment(extra: RunOptions['env']): NodeJS.ProcessEnv {
  return { ...process.env, ...extra }
}

/** Runs a program to its end; rejects only when it cannot be started at all. */
export function run(
  command: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: environment(options.env),
      cwd: options.cwd,
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    // A program may end without reading its input: that is its right, not our failure.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** The same as {@link run} without giving way to the event loop. */
export function runSync(
  command: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Outcome {
  const done = spawnSync(command, args, {
    env: environment(options.env),
    cwd: options.cwd,
    input: options.input ?? '',
    encoding: 'utf8',
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.error && done.signal === null) throw done.error
  return {
    code: done.status,
    signal: done.signal,
    stdout: done.stdout ?? '',
    stderr: done.stderr ?? '',
  }
}

/** Standard output of a program that has to succeed; rejects with {@link CommandError}. */
export async function must(
  command: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<string> {
  const outcome = await run(command, args, options)
  if (outcome.code !== 0) throw new CommandError([command, ...args].join(' '), outcome)
  return outcome.stdout
}

/**
 * How long tests wait for what has to come. Long, because a slow machine is no failure; whoever
 * gets what they wait for does not wait.
 */
const PATIENCE_MS = 120_000

/** Waits until `condition` gives a truthy value and returns it. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
  everyMs = 20,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
