import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import {
  NetNs,
  Transaction,
  type Monitor,
  type MonitorEvent,
  type MonitorKind,
} from '../../dist/esm/index.js'

/** Reads events until `enough` says so; the test's own time limit ends it otherwise. */
async function collect<K extends MonitorKind>(
  monitor: Monitor<K>,
  enough: (event: MonitorEvent<K>, all: MonitorEvent<K>[]) => boolean,
): Promise<MonitorEvent<K>[]> {
  const all: MonitorEvent<K>[] = []
  for await (const event of monitor) {
    all.push(event)
    if (enough(event, all)) break
  }
  return all
}

function namespace(test: { teardown(fn: () => void): unknown }): NetNs {
  const ns = NetNs.create()
  test.teardown(() => ns.close())
  return ns
}

t.test('links, ports, addresses, routes and neighbours are told in order', async (t) => {
  const ns = namespace(t)
  const monitor = ns.monitor([
    'link',
    'bridgePort',
    'address',
    'route',
    'neighbour',
    'fdb',
  ])
  const plan = ns.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'br0', up: true })
  const [outer] = plan.link.addVeth(
    { name: 'a0', master: bridge, mac: '02:00:5e:10:00:01', up: true },
    { name: 'a1' },
  )
  plan.address.add({ link: bridge, address: '10.1.0.1/24' })
  plan.route.add({ to: '10.2.0.0/24', via: '10.1.0.2', link: bridge })
  plan.neighbour.replace({
    link: bridge,
    address: '10.1.0.2',
    mac: '02:00:5e:10:00:02',
  })
  plan.route.del({ to: '10.2.0.0/24', via: '10.1.0.2', link: bridge })
  plan.link.del(outer)
  await plan.run()

  const gone = (e: MonitorEvent) =>
    e.kind === 'link' && e.change === 'del' && e.link.name === 'a1'
  const seen = await collect(monitor, gone)
  const has = (match: object) => seen.some((e) => matches(e, match))
  t.ok(has({ kind: 'link', change: 'new', link: { name: 'br0', kind: 'bridge' } }))
  t.ok(has({ kind: 'link', change: 'new', link: { name: 'a0', kind: 'veth' } }))
  t.ok(has({ kind: 'bridgePort', change: 'new', link: { name: 'a0' } }))
  t.ok(has({ kind: 'bridgePort', change: 'del', link: { name: 'a0' } }))
  t.ok(has({ kind: 'fdb', change: 'new', neighbour: { mac: '02:00:5e:10:00:01' } }))
  t.ok(has({ kind: 'address', change: 'new', address: { address: '10.1.0.1/24' } }))
  t.ok(
    has({ kind: 'route', change: 'new', route: { to: '10.2.0.0/24', via: '10.1.0.2' } }),
  )
  t.ok(has({ kind: 'route', change: 'del', route: { to: '10.2.0.0/24' } }))
  t.ok(
    has({
      kind: 'neighbour',
      change: 'new',
      neighbour: { address: '10.1.0.2', mac: '02:00:5e:10:00:02', state: 0x80 },
    }),
  )
  const first = seen.findIndex((e) => matches(e, { route: { to: '10.2.0.0/24' } }))
  const address = seen.findIndex((e) => e.kind === 'address')
  t.ok(address >= 0 && address < first, 'the address comes before the route')
  t.notOk(has({ kind: 'overrun' }))
})

t.test('only what was asked for comes', async (t) => {
  const ns = namespace(t)
  const monitor = ns.monitor(['address'])
  const plan = ns.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'br0', up: true })
  plan.address.add({ link: bridge, address: '10.1.0.1/24' })
  plan.address.del({ link: bridge, address: '10.1.0.1/24' })
  await plan.run()
  const seen = await collect(monitor, (e) =>
    matches(e, { change: 'del', kind: 'address' }),
  )
  t.same([...new Set(seen.map((e) => e.kind))], ['address'])
})

t.test('nft changes end with their generation', async (t) => {
  const ns = namespace(t)
  const monitor = ns.monitor(['nft'])
  const table = { family: 'inet', name: 'watched' } as const
  const plan = ns.plan()
  plan.nftables.commit(
    new Transaction()
      .addTable(table)
      .addChain({ family: 'inet', table: 'watched', name: 'input', hook: 'input' }),
  )
  plan.nftables.commit(new Transaction().deleteTable(table))
  await plan.run()
  let generations = 0
  const seen = await collect(
    monitor,
    (e) => e.kind === 'nft' && e.object === 'generation' && ++generations === 2,
  )
  t.same(
    seen.map((e) => e.kind === 'nft' && `${e.change} ${e.object}`),
    [
      'new table',
      'new chain',
      'new generation',
      'del chain',
      'del table',
      'new generation',
    ],
  )
  t.match(seen[0], { value: { name: 'watched', family: 'inet' } })
})

t.test('nsids are told', async (t) => {
  const ns = namespace(t)
  const other = namespace(t)
  const monitor = ns.monitor(['nsid'])
  const plan = ns.plan()
  // A pair across namespaces gives each a number for the other.
  plan.link.addVeth({ name: 'a0' }, { name: 'a1', netns: other })
  await plan.run()
  const [event] = await collect(monitor, () => true)
  t.match(event, { kind: 'nsid', change: 'new', nsid: 0 })
})

t.test(
  'a reader that is too slow meets one overrun, then what happens next',
  async (t) => {
    const ns = namespace(t)
    const monitor = ns.monitor(['address'], { limit: 10, receiveBuffer: 1 << 20 })
    const plan = ns.plan()
    const bridge = plan.link.add({ kind: 'bridge', name: 'br0' })
    for (let i = 1; i <= 200; i++) {
      plan.address.add({ link: bridge, address: `10.1.0.${i}/24` })
    }
    await plan.run()
    const seen = await collect(monitor, (e) => e.kind === 'overrun')
    t.equal(seen.length, 11, 'ten events and the overrun')
    t.same(seen[9], { ...seen[9], kind: 'address' })
  },
)

t.test(
  'a full buffer of the kernel is an overrun, and the monitor goes on',
  async (t) => {
    const ns = namespace(t)
    const monitor = ns.monitor(['link'], { receiveBuffer: 2048 })
    const plan = ns.plan()
    plan.link.add({ kind: 'bridge', name: 'br0' })
    const made = plan.runSync()
    t.ok(made)
    // Whether the reader keeps up with a burst is the scheduler's affair: some round it does not.
    let overran = false
    for (let round = 0; round < 100 && !overran; round++) {
      const burst = ns.plan()
      const bridge = burst.link.get('br0')
      for (let i = 0; i < 400; i++) burst.link.set(bridge, { mtu: 1400 + (i % 2) })
      burst.link.set(bridge, { mtu: 1300 + round })
      burst.runSync()
      for (;;) {
        const { value } = await monitor.next()
        if (value?.kind === 'overrun') overran = true
        if (overran || (value?.kind === 'link' && value.link.mtu === 1300 + round)) break
      }
    }
    t.ok(overran)
    const after = ns.plan()
    after.link.add({ kind: 'bridge', name: 'br1' })
    after.runSync()
    const seen = await collect(monitor, (e) => e.kind === 'link' && e.link.name === 'br1')
    t.match(seen.at(-1), { kind: 'link', link: { name: 'br1' } })
  },
)

t.test('it ends at abort, close and return, waiting or not', async (t) => {
  const ns = namespace(t)
  const abort = new AbortController()
  const waiting = ns.monitor(['link'], { signal: abort.signal })
  const next = waiting.next()
  await turn()
  abort.abort()
  t.same(await next, { done: true, value: undefined })
  t.same(await waiting.next(), { done: true, value: undefined })

  const aborted = ns.monitor(['link'], { signal: AbortSignal.abort() })
  t.same(await aborted.next(), { done: true, value: undefined })

  const closed = ns.monitor(['link'])
  closed.close()
  closed.close()
  t.same(await closed.next(), { done: true, value: undefined })

  const returned = ns.monitor(['link'])
  const pending = returned.next()
  t.same(await returned.return(), { done: true, value: undefined })
  t.same(await pending, { done: true, value: undefined })
  {
    await using disposed = ns.monitor(['link'])
    t.ok(disposed)
  }
})

t.test('events that wait when the signal aborts are dropped', async (t) => {
  const ns = namespace(t)
  const abort = new AbortController()
  const monitor = ns.monitor(['link'], { signal: abort.signal })
  const plan = ns.plan()
  plan.link.add({ kind: 'bridge', name: 'br0' })
  plan.runSync()
  t.match(await monitor.next(), { done: false, value: { kind: 'link' } })
  plan.runSync({ onFailure: 'continue' })
  abort.abort()
  t.same(await monitor.next(), { done: true, value: undefined })
})

t.test('the monitor goes on when the handle it was made from is closed', async (t) => {
  const ns = NetNs.create()
  const again = NetNs.open(`/proc/self/fd/${ns.fd}`)
  t.teardown(() => again.close())
  const monitor = ns.monitor(['link'])
  ns.close()
  const plan = again.plan()
  plan.link.add({ kind: 'bridge', name: 'br0' })
  await plan.run()
  const [event] = await collect(monitor, () => true)
  t.match(event, { kind: 'link', link: { name: 'br0' } })
})

t.test('many monitors open and close without descriptors left', async (t) => {
  const { readdirSync } = await import('node:fs')
  const ns = namespace(t)
  const count = () => readdirSync('/proc/self/fd').length
  ns.monitor(['link', 'nft']).close()
  const before = count()
  for (let i = 0; i < 200; i++) ns.monitor(['link', 'nft']).close()
  t.equal(count(), before)
  t.equal(readdirSync('/proc/self/task').length < 60, true, 'no thread is left')
})

t.test('bad input is refused before anything is opened', async (t) => {
  const ns = namespace(t)
  t.throws(() => ns.monitor([]), { name: 'TypeError', message: /kinds: .*at least one/ })
  t.throws(() => ns.monitor(['links' as 'link']), {
    name: 'TypeError',
    message: /kinds: links is not one of link, /,
  })
  for (const limit of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
    t.throws(() => ns.monitor(['link'], { limit }), { message: /limit: / })
  }
  for (const receiveBuffer of [1, 2 ** 31]) {
    t.throws(() => ns.monitor(['link'], { receiveBuffer }), {
      message: /receiveBuffer: /,
    })
  }
  const closed = NetNs.create()
  closed.close()
  t.throws(() => closed.monitor(['link']), { name: 'TypeError', message: /handle/ })
})

function matches(value: unknown, pattern: object): boolean {
  return Object.entries(pattern).every(([key, want]) => {
    const have = (value as Record<string, unknown> | undefined)?.[key]
    return typeof want === 'object' && want !== null ? matches(have, want) : have === want
  })
}
