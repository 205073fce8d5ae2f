import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { execProgram, type ExecRequest } from '../../dist/esm/host/exec.js'

/** Longer than any of these programs takes, on any machine. */
const FOREVER_MS = 10 * 60_000

const env = { PATH: process.env['PATH'] }

function run(file: string, more: Partial<ExecRequest> = {}) {
  return execProgram({ file, env, input: '', timeoutMs: FOREVER_MS, ...more })
}

/** A shell script in a folder of its own. */
function script(folder: string, text: string, mode = 0o755): string {
  const file = join(folder, 'program')
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode })
  return file
}

t.test('exit status, and what it wrote to either stream', async (t) => {
  const file = script(t.testdir(), 'cat; echo oops >&2; exit 3')
  t.strictSame(await run(file, { input: '{"a":1}' }), {
    status: 3,
    signal: null,
    stdout: '{"a":1}',
    stderr: 'oops\n',
  })
})

t.test('the environment is what was given, whole', async (t) => {
  process.env['VNET_CNI_OURS'] = 'not for others'
  t.teardown(() => delete process.env['VNET_CNI_OURS'])
  const { stdout } = await run('/usr/bin/env', { env: { A: 'x y', B: '', C: undefined } })
  // tap adds variables of its own to those of every program.
  const lines = stdout.split('\n').filter((line) => /^([ABC]|VNET_CNI_OURS)=/.test(line))
  t.strictSame(lines.sort(), ['A=x y', 'B='])
})

t.test('a signal that ends it', async (t) => {
  const outcome = await run(script(t.testdir(), 'kill -TERM $$'))
  t.strictSame(outcome, { status: null, signal: 'SIGTERM', stdout: '', stderr: '' })
})

t.test('more than a pipe holds, with characters across its parts', async (t) => {
  const input = `x${'ä€😀'.repeat(200_000)}`
  const { stdout, status } = await run('/bin/cat', { input })
  t.equal(status, 0)
  t.ok(stdout === input, 'comes back as it went')
})

t.test('input that it does not read does no harm', async (t) => {
  const file = script(t.testdir(), 'exec 0<&-; echo done')
  const outcome = await run(file, { input: 'x'.repeat(5_000_000) })
  t.strictSame(outcome, { status: 0, signal: null, stdout: 'done\n', stderr: '' })
})

t.test('one that does not end is killed', async (t) => {
  const file = script(t.testdir(), 'trap "" TERM INT; while :; do sleep 1; done')
  t.match(await run(file, { timeoutMs: 50 }), {
    status: null,
    signal: 'SIGKILL',
    failure: 'ETIMEDOUT',
  })
})

t.test('what it started and left behind is not waited for', async (t) => {
  const folder = t.testdir()
  const left = join(folder, 'left')
  // It has stdin, stdout and stderr of the program, and lives on.
  const file = script(folder, `sleep 100000 & echo $! >${left}; echo said; exit 0`)
  const pidOf = () => Number(readFileSync(left, 'utf8'))
  for (let timeoutMs = 500; ; timeoutMs *= 2) {
    const outcome = await run(file, { timeoutMs })
    const told = outcome.stdout === 'said\n'
    if (told) process.kill(pidOf(), 'SIGKILL')
    // Killed before it had said all, on a slow machine: it gets longer.
    if (!told || outcome.status === null) continue
    t.strictSame(outcome, {
      status: 0,
      signal: null,
      stdout: 'said\n',
      stderr: '',
      failure: 'ETIMEDOUT',
    })
    return
  }
})

t.test('a file that cannot be started', async (t) => {
  const folder = t.testdir({ text: 'no program', folder: {} })
  const lost = join(folder, 'lost')
  writeFileSync(lost, '#!/no/such/interpreter\n', { mode: 0o755 })
  const cases: Record<string, string> = {
    [join(folder, 'nothing')]: 'ENOENT',
    [lost]: 'ENOENT',
    [join(folder, 'text')]: 'EACCES',
    [join(folder, 'folder')]: 'EACCES',
    [join(folder, 'text', 'below')]: 'ENOTDIR',
    [join(folder, 'x'.repeat(300))]: 'ENAMETOOLONG',
  }
  for (const [file, failure] of Object.entries(cases)) {
    const outcome = await run(file, { input: 'x'.repeat(100_000) })
    t.strictSame(outcome, { status: null, signal: null, stdout: '', stderr: '', failure })
  }
  const { failure } = await run('/bin/true', { env: { A: 'a\0b' } })
  t.equal(failure, 'ERR_INVALID_ARG_VALUE', 'nor can one with such a variable')
})

t.test('other calls of the process go on meanwhile', async (t) => {
  const folder = t.testdir({ a: {}, b: {} })
  for (const name of ['a', 'b']) mkdirSync(join(folder, name), { recursive: true })
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Each waits for the other: opening a pipe's one end blocks until the other is opened.
  const reader = run(script(join(folder, 'a'), `cat ${pipe}`))
  const writer = run(script(join(folder, 'b'), `echo hello >${pipe}`))
  t.equal((await writer).status, 0)
  t.equal((await reader).stdout, 'hello\n')
})
