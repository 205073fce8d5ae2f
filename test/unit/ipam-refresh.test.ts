import t from 'tap'
import type { Source } from '../../dist/esm/ipam/types.js'
import { interfaceOf, nic2, sourceOf } from './fixtures-ipam/hosts.mjs'
import { down, nics, pod, setUp, small } from './fixtures-ipam/set-up.js'

t.test('the source is asked once in the interval, across instances', async (t) => {
  const dir = t.testdir()
  const source = sourceOf([interfaceOf('10.0.0.0/24', 4, 20)])
  const first = setUp(dir, source)
  const second = setUp(dir, source)
  await first.ipam.acquire({ owner: pod('a'), nics })
  second.clock.ms += 9_999
  await second.ipam.acquire({ owner: pod('b'), nics })
  t.equal(source.fetches, 1)
  second.clock.ms += 1
  await second.ipam.acquire({ owner: pod('c'), nics })
  t.equal(source.fetches, 2)
  await second.ipam.acquire({ owner: pod('d'), nics, queryIntervalSeconds: 0 })
  t.equal(source.fetches, 3)
  second.clock.ms -= 86_400_000
  await second.ipam.acquire({ owner: pod('e'), nics })
  t.equal(source.fetches, 4, 'a clock that was set back')
  await second.ipam.acquire({ owner: pod('f'), nics })
  t.equal(source.fetches, 4)
})

t.test('the lock is never held while the source is asked', async (t) => {
  const held: number[] = []
  const source: Source = {
    kind: 'fake',
    fetch: async () => (held.push(counts.open), small()),
  }
  const { ipam, counts } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  t.strictSame(held, [0])
  t.strictSame([counts.taken, counts.open], [2, 0], 'before and after the question')
  await ipam.acquire({ owner: pod('b'), nics })
  t.strictSame(held, [0])
  t.strictSame([counts.taken, counts.open], [3, 0], 'one when there is none')
})

t.test('a full pool is looked at again before giving up', async (t) => {
  const source = sourceOf(small(), [interfaceOf('10.0.0.0/24', 4, 7)])
  const { ipam, clock } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  await ipam.acquire({ owner: pod('b'), nics })
  clock.ms += 999
  await t.rejects(ipam.acquire({ owner: pod('c'), nics }), {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
  })
  t.equal(source.fetches, 1, 'too early')
  clock.ms += 1
  t.match(await ipam.acquire({ owner: pod('c'), nics }), { address: '10.0.0.7/24' })
  t.equal(source.fetches, 2)
  clock.ms += 1000
  await t.rejects(ipam.acquire({ owner: pod('d'), nics }), {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
    message:
      'no free address (10.0.0.0/24 on eth0: 3 addresses, 3 in use); add ip-configs to',
  })
  t.equal(source.fetches, 3)
})

t.test('a source that fails after it was good', async (t) => {
  const source = sourceOf([interfaceOf('10.0.0.0/24', 4, 9)], down)
  const { ipam, clock, logged } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  clock.ms += 42_000
  t.match(await ipam.acquire({ owner: pod('b'), nics }), { address: '10.0.0.6/24' })
  t.strictSame(logged, [
    {
      level: 'warn',
      message: 'fake failed, pool of 42 s ago is used: fake is down; wake it',
      fields: { source: 'fake', ageSeconds: 42, error: 'fake is down; wake it' },
    },
  ])
  clock.ms += 9_999
  await ipam.acquire({ owner: pod('c'), nics })
  t.equal(source.fetches, 2, 'a dead server is left alone')
  clock.ms += 1
  await ipam.acquire({ owner: pod('d'), nics })
  t.equal(source.fetches, 3)
  t.match(ipam.snapshot(nics), { failedAt: clock.ms })
})

t.test('a full pool and a dead server: no second wait', async (t) => {
  const source = sourceOf(small(), down)
  const { ipam, clock } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  await ipam.acquire({ owner: pod('b'), nics })
  clock.ms += 20_000
  await t.rejects(ipam.acquire({ owner: pod('c'), nics }), {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
  })
  clock.ms += 5_000
  await t.rejects(ipam.acquire({ owner: pod('c'), nics }), {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
  })
  t.equal(source.fetches, 2)
})

t.test('a source that never was good', async (t) => {
  const source = sourceOf(down, down, small())
  const { ipam, logged } = setUp(t.testdir(), source)
  await t.rejects(ipam.acquire({ owner: pod('a'), nics }), down)
  await t.rejects(ipam.acquire({ owner: pod('a'), nics }), down)
  t.equal(source.fetches, 2, 'once a call')
  t.strictSame(logged, [], 'it is thrown, not logged')
  t.match(await ipam.acquire({ owner: pod('a'), nics }), { address: '10.0.0.5/24' })
  t.match(ipam.snapshot(nics), { failedAt: 0 })
})

t.test('an address that vanished from the source', async (t) => {
  const source = sourceOf(
    [interfaceOf('10.0.0.0/24', 4, 5)],
    [interfaceOf('10.0.0.0/24', 6, 7)],
  )
  const { ipam, clock } = setUp(t.testdir(), source)
  const lease = await ipam.acquire({ owner: pod('a'), nics })
  clock.ms += 60_000
  t.match(await ipam.acquire({ owner: pod('b'), nics }), { address: '10.0.0.7/24' })
  t.strictSame(ipam.find(pod('a')), [lease], 'stays until released')
  await ipam.release(pod('a'))
  clock.ms += 60_000
  await t.rejects(ipam.acquire({ owner: pod('c'), nics }), {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
  })
})

t.test('a NIC that was added meanwhile is found at once', async (t) => {
  const added = interfaceOf('10.1.0.0/24', 4, 9, { mac: nic2.mac, primary: false })
  const source = sourceOf(small(), [...small(), added])
  const { ipam, clock } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  clock.ms += 1000
  const wish = { subnet: '10.1.0.0/24', nic: 'eth1' }
  t.match(await ipam.acquire({ owner: pod('b'), nics, ...wish }), {
    address: '10.1.0.5/24',
  })
})
