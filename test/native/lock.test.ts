import { existsSync, readFileSync, statSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import t from 'tap'
import {
  addon,
  isFailure,
  type NativeLock,
  type WireFailure,
} from '../../dist/esm/binding.js'
import { child, startChild } from './children.js'

function take(path: string, timeoutMs = 0, label = 'the test'): NativeLock {
  const lock = addon().lockFile(path, timeoutMs, label)
  if (isFailure(lock)) throw new Error(`refused: ${JSON.stringify(lock)}`)
  return lock
}

function refused(path: string, timeoutMs = 0): WireFailure {
  const lock = addon().lockFile(path, timeoutMs, 'the test')
  if (isFailure(lock)) return lock
  lock.close()
  throw new Error('the lock was free')
}

/** A process that holds the lock until its input ends, or for ever. */
async function holder(path: string, label: string) {
  const { running, line } = startChild(`
    globalThis.lock = a.lockFile(${JSON.stringify(path)}, 0, ${JSON.stringify(label)})
    console.log('errno' in lock ? 'refused' : 'held')
    process.stdin.on('data', () => lock.close())
    process.stdin.on('end', () => process.exit(0))
  `)
  return { running, first: await line() }
}

t.test('a lock makes its file, private, with its label', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const lock = take(path, 0, 'ADD pod-a pid 5')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(readFileSync(path, 'utf8'), 'ADD pod-a pid 5')
  t.equal(refused(path).errno, 11, 'it is not re-entrant')
  lock.close()
  lock.close()
  const again = take(path, 0, 'x')
  t.equal(
    readFileSync(path, 'utf8'),
    'x',
    'a shorter label leaves nothing of a longer one',
  )
  again.close()
  t.ok(existsSync(path), 'the file stays')
})

t.test('one process at a time', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const { running, first } = await holder(path, 'DEL pod-b')
  t.equal(first, 'held')
  const failure = refused(path)
  t.match(failure, { errno: 11, op: 'lock', syscall: 'flock', extAck: 'DEL pod-b' })
  const late = child(
    `console.log(JSON.stringify(a.lockFile(${JSON.stringify(path)}, 50, 'x')))`,
  )
  t.match(JSON.parse(late.stdout), { errno: 11, extAck: 'DEL pod-b' })
  running.stdin.write('go\n')
  take(path, 10_000).close()
  running.stdin.end()
  await once(running, 'exit')
})

t.test('a waiter gets it when the holder lets go', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const lock = take(path)
  const { running, line } = startChild(`
    console.log('waiting')
    const lock = a.lockFile(${JSON.stringify(path)}, 30000, 'second')
    console.log('errno' in lock ? 'refused' : 'held')
  `)
  t.equal(await line(), 'waiting')
  lock.close()
  t.equal(await line(), 'held')
  await once(running, 'exit')
})

t.test('kill -9 releases it', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const { running, first } = await holder(path, 'doomed')
  t.equal(first, 'held')
  t.equal(refused(path).extAck, 'doomed')
  running.kill('SIGKILL')
  await once(running, 'exit')
  take(path).close()
})

t.test('a child of the holder does not inherit it', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const { running, line } = startChild(`
    import { spawn } from 'node:child_process'
    globalThis.lock = a.lockFile(${JSON.stringify(path)}, 0, 'x')
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore', detached: true })
    console.log(sleeper.pid)
    process.stdin.on('end', () => process.exit(0)).resume()
  `)
  const sleeper = Number(await line())
  t.teardown(() => process.kill(sleeper, 'SIGKILL'))
  running.stdin.end()
  await once(running, 'exit')
  take(path).close()
})

t.test(
  'a lock whose file was taken away protects nothing, and is not given',
  async (t) => {
    const path = join(t.testdir(), 'a.lock')
    const old = take(path)
    unlinkSync(path)
    const fresh = take(path)
    t.equal(refused(path).errno, 11)
    old.close()
    t.equal(refused(path).errno, 11, 'closing the old one leaves the new one held')
    fresh.close()
  },
)

t.test('many processes, one counter', async (t) => {
  const dir = t.testdir({ counter: '0' })
  const add = `
    import { readFileSync, writeFileSync } from 'node:fs'
    for (let i = 0; i < 50; i++) {
      const lock = a.lockFile(${JSON.stringify(join(dir, 'a.lock'))}, 60000, 'x')
      const file = ${JSON.stringify(join(dir, 'counter'))}
      writeFileSync(file, String(Number(readFileSync(file, 'utf8')) + 1))
      lock.close()
    }`
  const all = Array.from({ length: 6 }, () => startChild(add).running)
  const codes = await Promise.all(
    all.map(async (p) => (await once(p, 'exit'))[0] as number),
  )
  t.strictSame(codes, [0, 0, 0, 0, 0, 0])
  t.equal(readFileSync(join(dir, 'counter'), 'utf8'), '300')
})

t.test('paths that cannot be locked', async (t) => {
  const dir = t.testdir({ file: '' })
  symlinkSync(join(dir, 'file'), join(dir, 'link'))
  t.match(refused(dir), { errno: 21, syscall: 'open', op: 'lock' })
  t.match(refused(join(dir, 'none', 'x')), { errno: 2, syscall: 'open' })
  t.match(refused(join(dir, 'file', 'x')), { errno: 20, syscall: 'open' })
  t.match(
    refused(join(dir, 'link')),
    { errno: 40, syscall: 'open' },
    'no link is followed',
  )
})

t.test('timeouts out of range', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const lock = take(path)
  for (const wrong of [NaN, Infinity, -1, 2 ** 31, 1e12]) {
    t.throws(() => addon().lockFile(path, wrong, 'x'), { name: 'TypeError' }, `${wrong}`)
  }
  lock.close()
})
