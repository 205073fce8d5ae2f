/**
 * AbortSignal on asynchronous calls.
 */
import { getEventListeners } from 'node:events'
import t, { type Test } from 'tap'
import { NetNs, Transaction, type Plan } from 'vnet-cni'
import { act, inside, json, pathOf, threadNamespaces } from './helper.js'

/** A plan that makes a bridge and gives it many addresses. */
function long(ns: NetNs, count: number): Plan {
  const plan = ns.plan()
  const link = plan.link.add({ kind: 'bridge', name: 'br0' })
  for (let i = 0; i < count; i++) {
    plan.address.add({ link, address: `10.1.${i >> 8}.${i & 255}/32` })
  }
  return plan
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

/** Resolves when the plan that runs has made the bridge. */
async function begun(ns: NetNs): Promise<void> {
  while (!(await ns.link.read('br0', { optional: true }))) {
    // Asked again: the plan and this question take turns at the namespace.
  }
}

t.test('aborted before the start: nothing is done', async (t) => {
  using ns = NetNs.create()
  const reason = new Error('not today')
  const signal = AbortSignal.abort(reason)
  await t.rejects(long(ns, 3).run({ signal }), reason)
  await t.rejects(ns.link.add({ kind: 'bridge', name: 'br1' }, { signal }), reason)
  await t.rejects(ns.link.dump({ signal }), reason)
  await t.rejects(ns.conntrack.list({ signal }), reason)
  const tx = new Transaction().addTable({ family: 'ip', name: 'none' })
  await t.rejects(ns.nftables.commit(tx, { signal }), reason)
  await t.rejects(ns.nftables.commit(tx, { destroy: 'emulate' }, { signal }), reason)
  await t.rejects(ns.nftables.commit(tx, {}, { signal }), reason)
  await t.rejects(ns.nftables.list({}, { signal }), reason)
  await t.rejects(ns.link.dump({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  t.equal(json(ns, 'ip link').length, 1)
  t.equal(inside(ns, 'nft', ['list', 'ruleset']), '')
  t.equal(listeners(signal), 0)
})

t.test('aborted while it runs: what was done is taken back', async (t) => {
  using ns = NetNs.create()
  const controller = new AbortController()
  const running = long(ns, 20_000).run({ signal: controller.signal })
  t.equal(listeners(controller.signal), 1)
  await begun(ns)
  controller.abort()
  await t.rejects(running, { name: 'AbortError', code: 20 })
  t.strictSame(
    json(ns, 'ip address').map((link) => link['ifname']),
    ['lo'],
  )
  t.equal(listeners(controller.signal), 0)
  t.equal(threadNamespaces().length, 1)
  t.equal((await ns.link.dump()).length, 1, 'the handle works on')
})

t.test('aborted in the first millisecond', async (t) => {
  using ns = NetNs.create()
  const controller = new AbortController()
  const running = long(ns, 5000).run({ signal: controller.signal })
  setImmediate(() => controller.abort('soon'))
  const error = await running.then(
    () => undefined,
    (e: unknown) => e,
  )
  t.equal(error, 'soon', 'a reason need not be an error')
  t.equal(json(ns, 'ip -j link').length, 1)
  t.strictSame(
    json(ns, 'ip -j address').flatMap((link) => link['addr_info']),
    [],
  )
})

t.test('without undo', async (t) => {
  for (const onFailure of ['stop', 'continue'] as const) {
    using ns = NetNs.create()
    const controller = new AbortController()
    const running = long(ns, 20_000).run({ signal: controller.signal, onFailure })
    await begun(ns)
    controller.abort()
    await t.rejects(running, { name: 'AbortError' })
    const addresses = ns.sync.address.dump().length
    t.ok(addresses < 20_000, onFailure)
    t.equal(json(ns, 'ip link show dev br0').length, 1, 'what was done stays')
  }
})

t.test('what cannot be taken back is told', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'taken' }))
  const plan = ns.plan()
  plan.sysctl.set('net/ipv4/ip_default_ttl', 70, 'no number')
  plan.link.add({ kind: 'bridge', name: 'br0' })
  for (let i = 0; i < 20_000; i++) plan.link.get('lo')
  const controller = new AbortController()
  const running = plan.run({ signal: controller.signal })
  await begun(ns)
  controller.abort('why')
  const error = await running.catch((e: unknown) => e as AggregateError)
  t.ok(error instanceof AggregateError)
  t.match(error, { cause: 'why', message: /aborted, and not all/ })
  t.match((error as AggregateError).errors, ['why', { op: 'sysctl.set', code: 'EINVAL' }])
  t.equal(ns.sync.link.read('br0', { optional: true }), undefined)
})

t.test('a dump ends between its datagrams', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    const link = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    p.address.add({ link, address: '10.0.0.1/8' })
    for (let i = 0; i < 20_000; i++) {
      p.route.add({ to: `172.16.${i >> 8}.${i & 255}/32`, link })
    }
  })
  let aborted = 0
  for (let i = 0; i < 30; i++) {
    const controller = new AbortController()
    const plan = ns.plan()
    for (let k = 0; k < 5; k++) plan.route.dump({ family: 'ipv4' })
    const running = plan.run({ signal: controller.signal })
    setTimeout(() => controller.abort(), i % 10)
    await running.then(
      () => undefined,
      (error: Error) => {
        aborted++
        if (error.name !== 'AbortError') throw error
      },
    )
    // No answer of the dump that was left is taken for one of the next.
    t.equal(ns.sync.link.dump().length, 2)
  }
  t.ok(aborted > 0, `${aborted} of 30 were aborted`)
  t.ok((await ns.route.dump({ family: 'ipv4' })).length >= 20_000)
})

/** Aborts a flush when its first address is gone; how many are left when it stopped, else 0. */
async function stopFlush(t: Test, ns: NetNs, count: number): Promise<number> {
  long(ns, count).runSync()
  // The flush keeps its own handle for itself; another one sees how far it is.
  using watch = NetNs.open(pathOf(ns))
  const isThere = (address: string) => {
    try {
      return watch.sync.route.get(address).type === 'local'
    } catch (error) {
      t.match(error, { code: 'ENETUNREACH' })
      return false
    }
  }
  const controller = new AbortController()
  const running = ns.address.flush({ link: 'br0' }, { signal: controller.signal })
  while (isThere('10.1.0.0')) {
    // Until the first address is gone.
  }
  controller.abort()
  const outcome = await running.catch((error: Error) => error.name)
  const rest = (await ns.address.dump()).length
  await ns.link.del('br0')
  t.equal(outcome, rest > 0 ? 'AbortError' : count, `${rest} addresses are left`)
  return rest
}

t.test('a flush ends between its deletions', async (t) => {
  using ns = NetNs.create()
  const count = 5000
  let rest = 0
  // On a busy machine this thread may sleep until the flush is done.
  for (let i = 0; i < 5 && rest === 0; i++) rest = await stopFlush(t, ns, count)
  t.ok(rest > 0 && rest < count, `${rest} of ${count} are left`)
})

t.test('a call that is done is not affected', async (t) => {
  using ns = NetNs.create()
  const controller = new AbortController()
  const { signal } = controller
  for (let i = 0; i < 50; i++) await ns.link.dump({ statistics: true }, { signal })
  await ns.link.add({ kind: 'bridge', name: 'br0' }, { signal })
  await ns.link.set('br0', { mtu: 1400 }, { signal })
  await ns.link.set('br0', { mtu: 1300 }, { mtu: 1400 }, { signal })
  await ns.nftables.commit(new Transaction().addTable({ family: 'ip', name: 'kept' }), {
    signal,
  })
  t.equal((await ns.nftables.list({ family: 'ip' }, { signal })).tables.length, 1)
  t.equal(listeners(signal), 0, 'no listener is left')
  controller.abort()
  t.equal(ns.sync.link.read('br0')?.mtu, 1300)
  t.match(inside(ns, 'nft', ['list', 'tables']), 'table ip kept')
})

t.test('many plans on one signal', async (t) => {
  using ns = NetNs.create()
  for (let i = 0; i < 100; i++) ns.sync.link.add({ kind: 'bridge', name: `kept${i}` })
  const controller = new AbortController()
  const { signal } = controller
  const plans = Array.from({ length: 4 }, (_, k) => {
    const plan = ns.plan()
    plan.link.add({ kind: 'bridge', name: `b${k}` })
    // Undone in a moment, unlike bridges: for each of those the kernel waits. And long to run but
    // short to hand over, so that the first is far from its end when the last is handed over.
    for (let i = 0; i < 2000; i++) plan.link.dump({ statistics: true })
    return plan
  })
  const ends = plans.map((plan) => plan.run({ signal }))
  controller.abort()
  const settled = await Promise.allSettled(ends)
  t.ok(settled.every((end) => end.status === 'rejected' && end.reason === signal.reason))
  t.equal(listeners(signal), 0)
  t.equal(json(ns, 'ip link').length, 101)
})

t.test('what is no signal', async (t) => {
  using ns = NetNs.create()
  const signal = {} as AbortSignal
  const expected = { name: 'TypeError', message: /^signal: must be an AbortSignal, not / }
  await t.rejects(ns.plan().run({ signal }), expected)
  await t.rejects(ns.link.add({ kind: 'bridge', name: 'br0' }, { signal }), expected)
  t.equal(json(ns, 'ip link').length, 1)
})
