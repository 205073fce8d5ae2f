/**
 * Programs run by a Node of their own: what may end a process must not end the test's.
 */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const PRELUDE = `
import { NetNs } from 'vnet-cni'
import { addon } from './dist/esm/binding.js'
const a = addon()
const h = a.createNetns()
`

// Without what the test runner has every node load.
const argv = (code: string) => [
  ...['-u', 'NODE_OPTIONS', process.execPath],
  ...['--input-type=module', '-e', PRELUDE + code],
]

/** How a child ended. */
export interface Ending {
  status: number | null
  signal: string | null
  stdout: string
  stderr: string
}

/** Runs code with \`NetNs\`, the addon \`a\` and a namespace handle \`h\` to its end. */
export function child(code: string): Ending {
  const done = spawnSync('env', argv(code), {
    encoding: 'utf8',
    cwd: root,
    timeout: 600_000,
    killSignal: 'SIGKILL',
  })
  const { status, signal, stdout, stderr } = done
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() }
}

/** Starts such code; `line()` waits for its next line of output. */
export function startChild(code: string) {
  const running = spawn('env', argv(code), {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let buffer = ''
  const chunks = running.stdout.setEncoding('utf8')[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    while (!buffer.includes('\n')) {
      const { value, done } = await chunks.next()
      if (done) throw new Error(`ended after: ${buffer}`)
      buffer += value as string
    }
    const end = buffer.indexOf('\n')
    const text = buffer.slice(0, end)
    buffer = buffer.slice(end + 1)
    return text
  }
  return { running, line }
}
