import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import t from 'tap'
import { addon } from '../../dist/esm/binding.js'
import { LockTimeoutError, StateError } from '../../dist/esm/host/errors.js'
import { Locks, type LockFile } from '../../dist/esm/host/lock.js'
import { Store } from '../../dist/esm/state/store.js'
import { brokenLock, countingLock } from '../helpers/fake-lock.js'

/** As another process would have them: they share nothing but the file. */
const realLocks = () => new Locks(() => addon().lockFile)

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Lets all that is due run, a few times over. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turnOfLoop()
}

t.test(
  'the calls of one process get a lock in the order in which they asked',
  async (t) => {
    const { counts, lockFile } = countingLock()
    const locks = new Locks(() => lockFile)
    const path = join(t.testdir(), 'a.lock')
    const holder = await locks.take(path, { label: 'first' })
    const order: string[] = []
    const calls = ['b', 'c', 'd'].map(async (label) => {
      const lock = await locks.take(path, { label })
      order.push(`${label} in`)
      await turnOfLoop()
      order.push(`${label} out`)
      lock.release()
    })
    await turns()
    t.strictSame(order, [], 'nobody is in while the first one is')
    t.equal(counts.taken, 1, 'they do not even ask the kernel')
    holder.release()
    await Promise.all(calls)
    t.strictSame(order, ['b in', 'b out', 'c in', 'c out', 'd in', 'd out'])
    t.strictSame(counts, { taken: 4, open: 0, labels: ['first', 'b', 'c', 'd'] })
  },
)

t.test('locks of different files do not wait for each other', async (t) => {
  const locks = realLocks()
  const dir = t.testdir()
  const a = await locks.take(join(dir, 'a.lock'), { label: 'a' })
  const b = await locks.take(join(dir, 'b.lock'), { label: 'b', timeoutMs: 0 })
  t.equal(readFileSync(join(dir, 'a.lock'), 'utf8'), 'a')
  t.equal(readFileSync(join(dir, 'b.lock'), 'utf8'), 'b')
  b.release()
  a.release()
})

t.test('the folder of a lock is made', async (t) => {
  const path = join(t.testdir(), 'state', 'deeper', 'a.lock')
  ;(await realLocks().take(path, { label: 'x' })).release()
  t.ok(existsSync(path), 'the file stays')
})

t.test('whoever waits too long is told who has it', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const holder = await realLocks().take(path, { label: 'ADD pod-a pid 4711' })
  const locks = realLocks()
  for (const timeoutMs of [0, 1, 20]) {
    const error = await failureOf(locks.take(path, { label: 'DEL', timeoutMs }))
    t.type(error, LockTimeoutError)
    t.match(error, { holder: 'ADD pod-a pid 4711', path })
    t.match(
      (error as Error).message,
      new RegExp(`pid 4711 for over ${timeoutMs} ms; end`),
    )
  }
  holder.release()
  ;(await locks.take(path, { label: 'after' })).release()
})

t.test('so is who waits for a call of this process, and the queue goes on', async (t) => {
  const locks = realLocks()
  const path = join(t.testdir(), 'a.lock')
  const holder = await locks.take(path, { label: 'ADD pod-a' })
  const impatient = failureOf(locks.take(path, { label: 'DEL pod-b', timeoutMs: 1 }))
  const order: string[] = []
  const patient = ['c', 'd'].map(async (label) => {
    const lock = await locks.take(path, { label })
    order.push(label)
    lock.release()
  })
  const error = await impatient
  t.type(error, LockTimeoutError)
  t.match(error, { holder: 'ADD pod-a', path })
  await turns()
  t.strictSame(order, [], 'those behind it do not slip in where it stood')
  holder.release()
  await Promise.all(patient)
  t.strictSame(order, ['c', 'd'])
})

t.test('while one waits, other calls go on', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const holder = await realLocks().take(path, { label: 'holder' })
  let isIn = false
  const waiting = realLocks()
    .take(path, { label: 'waiting', timeoutMs: 60_000 })
    .then((lock) => {
      isIn = true
      return lock
    })
  // Had the wait blocked the process, nothing would ever get here to give the lock back.
  await turns()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.notOk(isIn)
  holder.release()
  const lock = await waiting
  t.ok(isIn)
  lock.release()
})

t.test('an exception under the lock gives it back', async (t) => {
  const path = join(t.testdir(), 'x.json')
  const locks = realLocks()
  const store = new Store<{ n: number }>({
    host: {
      lock: (...request) => locks.take(...request),
      bootId: () => 'boot',
      self: { pid: process.pid, start: '', call: 1 },
    },
    path,
    version: 1,
    initial: () => ({ n: 0 }),
    parse: (data) => data as { n: number },
  })
  const updates = [1, 2, 3].map((n) =>
    store.update((data) => {
      if (n !== 3) throw new RangeError(`no ${n}`)
      data.n = n
    }),
  )
  const ends = await Promise.allSettled(updates)
  t.strictSame(
    ends.map((end) => end.status),
    ['rejected', 'rejected', 'fulfilled'],
  )
  t.strictSame(store.read(), { n: 3 })
  ;(await realLocks().take(`${path}.lock`, { label: 'x', timeoutMs: 0 })).release()
})

t.test('a lock that cannot be taken leaves the queue open', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const { lockFile } = countingLock()
  const broken: LockFile = () => {
    throw new TypeError('label: not a text')
  }
  const answers = [brokenLock(30), broken, lockFile]
  const locks = new Locks(() => answers.shift() ?? lockFile)
  const [refused, thrown, taken] = await Promise.allSettled(
    ['a', 'b', 'c'].map((label) => locks.take(path, { label })),
  )
  t.match(refused, { reason: { name: 'StateError', code: 'EROFS' } })
  t.match(thrown, { reason: { name: 'TypeError' } })
  t.equal(taken?.status, 'fulfilled')
  const noFolder = failureOf(realLocks().take('/proc/vnet-cni/a.lock', { label: 'x' }))
  t.type(await noFolder, StateError)
})

t.test('giving a lock back twice lets in one, not two', async (t) => {
  const locks = realLocks()
  const path = join(t.testdir(), 'a.lock')
  const first = await locks.take(path, { label: 'first' })
  const second = locks.take(path, { label: 'second' })
  const third = locks.take(path, { label: 'third' })
  first.release()
  const lock = await second
  first.release()
  let isIn = false
  void third.then(() => (isIn = true))
  await turns()
  t.notOk(isIn)
  t.equal(readFileSync(path, 'utf8'), 'second')
  lock.release()
  ;(await third).release()
})

t.test('two processes’ locks over one file exclude each other', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  const both = [realLocks(), realLocks()]
  let inside = 0
  let most = 0
  const done: string[] = []
  const calls = both.flatMap((locks, who) =>
    Array.from({ length: 10 }, async (_, i) => {
      const lock = await locks.take(path, { label: `${who}.${i}`, timeoutMs: 60_000 })
      most = Math.max(most, ++inside)
      await turnOfLoop()
      t.equal(readFileSync(path, 'utf8'), `${who}.${i}`, 'the holder is named')
      inside--
      done.push(`${who}.${i}`)
      lock.release()
    }),
  )
  await Promise.all(calls)
  t.equal(most, 1)
  for (const who of ['0', '1']) {
    const own = done.filter((label) => label.startsWith(who))
    t.strictSame(own, [...own].sort(), 'each in its own order')
    t.equal(own.length, 10)
  }
})
