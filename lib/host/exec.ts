/**
 * Running another program to its end. Loaded only when there is one to run.
 */
import { spawn } from 'node:child_process'
import type { Environment } from './world.js'

/** A program to run, such as a foreign plug-in. */
export interface ExecRequest {
  /** Path of the file. */
  readonly file: string
  /** The whole environment of the program. */
  readonly env: Environment
  /** What it reads on stdin. */
  readonly input: string
  /** It is killed after so many milliseconds. */
  readonly timeoutMs: number
}

/** How a program ended. */
export interface ExecOutcome {
  /** Exit status; null when a signal ended it or it did not start. */
  readonly status: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  /** Why it did not start, or `ETIMEDOUT`: an errno's name. */
  readonly failure?: string
}

/** Runs the program; other calls of this process go on meanwhile. Never rejects. */
export function execProgram(request: ExecRequest): Promise<ExecOutcome> {
  return new Promise<ExecOutcome>((resolve) => run(request, resolve)).catch(notStarted)
}

// Some errors come by an event (ENOENT, EACCES, EMFILE), others are thrown (ENOTDIR, E2BIG).
function notStarted(error: NodeJS.ErrnoException): ExecOutcome {
  const failure = error.code ?? error.message
  return { status: null, signal: null, stdout: '', stderr: '', failure }
}

function run(request: ExecRequest, resolve: (outcome: ExecOutcome) => void): void {
  const { file, env, input, timeoutMs } = request
  const child = spawn(file, [], { env: { ...env }, stdio: 'pipe' })
  child.on('error', (error) => {
    if (child.pid === undefined) resolve(notStarted(error))
  })
  // It has no streams then, when there are too many open files.
  if (child.pid === undefined) return
  const out: Buffer[] = []
  const err: Buffer[] = []
  let isTooLate = false
  const timer = setTimeout(() => {
    isTooLate = true
    child.kill('SIGKILL')
    // What it started may hold the pipes open: nobody waits for that.
    child.stdout.destroy()
    child.stderr.destroy()
  }, timeoutMs)
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  // A program need not read its input to the end.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  child.on('close', (status, signal) => {
    clearTimeout(timer)
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8')
    const outcome = { status, signal, stdout: text(out), stderr: text(err) }
    resolve(isTooLate ? { ...outcome, failure: 'ETIMEDOUT' } : outcome)
  })
}
