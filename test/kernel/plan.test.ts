import t from 'tap'
import { NetNs, NetlinkError, Transaction, type Plan } from 'vnet-cni'
import { addon } from '../../dist/esm/binding.js'
import { act, json, picture, read, refusal } from './helper.js'
import { LinkRef } from '../../dist/esm/netlink/index.js'
import { nativeHandle } from '../helpers/internals.js'

const names = (ns: NetNs) => json(ns, 'ip link').map((l) => l['ifname'])

/** Adds steps of every kind to a plan over two namespaces. */
function much(plan: Plan, pod: NetNs): void {
  const table = { family: 'ip', name: 'test' } as const
  plan.nftables.commit(new Transaction().addTable(table), {
    undo: new Transaction().deleteTable(table),
  })
  const bridge = plan.link.ensure({
    kind: 'bridge',
    name: 'br1',
    up: true,
    alias: 'mine',
  })
  const [outer, inner] = plan.link.addVeth(
    { name: 'v0', master: bridge, up: true, alias: 'outer' },
    { name: 'eth0', netns: pod },
  )
  plan.bridgePort.set(outer, { hairpin: true })
  plan.address.add({ link: bridge, address: '10.5.0.1/24' })
  plan.address.add({ link: bridge, address: '2001:db8:5::1/64', flags: 2 })
  plan.route.add({ to: '10.6.0.0/16', via: '10.5.0.9', link: bridge })
  plan.neighbour.replace({
    link: bridge,
    address: '10.5.0.7',
    mac: '02:00:00:00:00:07',
  })
  const inside = plan.in(pod)
  inside.address.add({ link: inner, address: '10.5.0.7/24' })
  inside.link.set(inner, { up: true }, { up: false })
  inside.route.add({ to: 'default', via: '10.5.0.1', link: inner })
}

/** Has links get no link-local address, which would come at its own time. */
function quiet(plan: Plan): void {
  plan.sysctl.set('net/ipv6/conf/default/addr_gen_mode', '1')
}

/** A namespace that holds something already. */
function room(): NetNs {
  const ns = NetNs.create()
  act(ns, (p) => {
    quiet(p)
    const bridge = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    p.address.add({ link: bridge, address: '10.0.0.1/24' })
    p.nftables.commit(new Transaction().addTable({ family: 'ip', name: 'other' }))
  })
  return ns
}

t.test('steps refer to what earlier steps made, across namespaces', async (t) => {
  using host = room()
  using pod = NetNs.create()
  act(pod, quiet)
  const plan = host.plan()
  much(plan, pod)
  await plan.run()
  t.strictSame(names(host), ['lo', 'br0', 'br1', 'v0'])
  t.strictSame(names(pod), ['lo', 'eth0'])
  t.match(json(pod, 'ip route')[0], { dst: 'default', gateway: '10.5.0.1', dev: 'eth0' })
})

t.test('a failure takes all back in reverse order', async (t) => {
  using host = room()
  using pod = NetNs.create()
  act(pod, quiet)
  const before = [picture(host), picture(pod)]
  for (const way of ['run', 'runSync'] as const) {
    const plan = host.plan()
    much(plan, pod)
    const last = plan.steps.length
    plan.link.get('none')
    plan.link.add({ kind: 'bridge', name: 'never' })
    let error: unknown
    try {
      await plan[way]()
    } catch (caught) {
      error = caught
    }
    t.ok(error instanceof NetlinkError)
    t.match(error, { code: 'ENODEV', op: 'link.get', step: last, undoFailures: [] }, way)
    t.strictSame([picture(host), picture(pod)], before, `${way}: nothing is left`)
  }
})

t.test('a failure at any step leaves nothing', async (t) => {
  using host = room()
  using pod = NetNs.create()
  act(pod, quiet)
  const before = [picture(host), picture(pod)]
  const whole = host.plan()
  much(whole, pod)
  const failing = { op: 'link.get', ns: 0, args: { name: 'none' } }
  for (let stop = 0; stop <= whole.steps.length; stop++) {
    const steps = [...whole.steps.slice(0, stop), failing]
    const outcome = addon().runSync([nativeHandle(host), nativeHandle(pod)], steps, false)
    t.match(outcome, { failure: { errno: 19, step: stop }, moreFailures: [] })
    t.equal(outcome.moreFailures.length, 0)
    t.strictSame([picture(host), picture(pod)], before, `failed at ${stop}`)
  }
})

t.test('undo of a link that a later step renamed', async (t) => {
  using ns = room()
  const before = names(ns)
  const error = refusal(ns, (p) => {
    const link = p.link.add({ kind: 'bridge', name: 'br1' })
    p.link.set(link, { name: 'renamed' })
    p.link.get('none')
  })
  t.strictSame(error.undoFailures, [])
  t.strictSame(names(ns), before)
})

t.test('what an undo could not take back is told', async (t) => {
  using ns = room()
  const error = refusal(ns, (p) => {
    p.raw(
      'link.get',
      { name: 'lo' },
      { undo: [{ op: 'link.del', args: { name: 'gone' } }] },
    )
    p.link.add({ kind: 'bridge', name: 'br1' })
    p.link.get('none')
  })
  t.equal(error.step, 2)
  t.match(error.undoFailures, [{ code: 'ENODEV', op: 'link.del', step: 0 }])
  t.strictSame(names(ns), ['lo', 'br0'], 'the other undo ran all the same')
})

t.test('stop leaves what was done', async (t) => {
  using ns = room()
  const plan = ns.plan()
  plan.link.add({ kind: 'bridge', name: 'br1' })
  plan.link.get('none')
  plan.link.add({ kind: 'bridge', name: 'br2' })
  await t.rejects(plan.run({ onFailure: 'stop' }), { code: 'ENODEV', step: 1 })
  t.strictSame(names(ns), ['lo', 'br0', 'br1'])
})

t.test('continue goes on and collects the failures', async (t) => {
  using ns = room()
  const plan = ns.plan()
  plan.link.get('none')
  const made = plan.link.add({ kind: 'bridge', name: 'br1' })
  plan.link.add({ kind: 'bridge', name: 'br0' })
  plan.sysctl.get('net/none')
  const last = plan.link.read('br1')
  const done = await plan.run({ onFailure: 'continue' })
  t.match(done.failures, [
    { name: 'NetlinkError', code: 'ENODEV', step: 0 },
    { name: 'NetlinkError', code: 'EEXIST', step: 2 },
    { name: 'SyscallError', code: 'ENOENT', op: 'sysctl.get' },
  ])
  t.equal(done.failures.length, 3)
  t.equal(done.of(last)?.index, done.of(made))
  const clean = await ns.plan().run({ onFailure: 'continue' })
  t.strictSame(clean.failures, [])
})

t.test('a reference to a step that failed fails too, and touches nothing', async (t) => {
  using ns = room()
  const before = names(ns)
  const plan = ns.plan()
  const gone = plan.link.get('none')
  plan.link.set(gone, { name: 'oops' })
  plan.link.del(gone)
  const done = await plan.run({ onFailure: 'continue' })
  t.match(done.failures, [{ step: 0 }, { step: 1, code: 'ENODEV' }, { step: 2 }])
  t.match(done.failures[1]?.message, /step 0/)
  t.strictSame(names(ns), before)
})

t.test('a malformed step: TypeError with the path, and nothing done', async (t) => {
  using ns = room()
  const before = names(ns)
  const cases: [string, object, RegExp][] = [
    ['link.new', { name: 5 }, /link\.new\.name: must be a string/],
    ['link.new', { nome: 'x' }, /link\.new\.nome: is not a known field/],
    [
      'link.new',
      { name: 'x', info: { kind: 'bridge', data: { stp: 'on' } } },
      /info\.data\.stp/,
    ],
    [
      'link.new',
      { name: 'x', info: { kind: 'veth', data: { peer: { mtu: 'x' } } } },
      /peer\.mtu/,
    ],
    ['link.new', { name: 'x', info: {} }, /link\.new\.info: needs a kind/],
    ['link.new', { name: 'x', netns: 7 }, /link\.new\.netns: must be the position/],
    ['link.new', { name: 'x\0y' }, /name: must not hold a NUL byte/],
    ['link.new', { name: 'x', alias: 'a'.repeat(70000) }, /alias: is too long/],
    ['link.new', { name: () => 1 }, /name: must be plain data/],
    ['link.jump', {}, /op: link\.jump is not a known operation/],
    ['nonsense', {}, /op: nonsense is not a known operation/],
    ['route.set', {}, /op: route\.set is not a known operation/],
    ['nft.batch', {}, /nft\.batch: needs a list of messages/],
    [
      'nft.batch',
      { messages: [{ op: 'link.new', args: {} }] },
      /messages\.0: has no known op/,
    ],
    [
      'nft.batch',
      { messages: [{ op: 'nft.rule.new', args: { expressions: [{ expr: 'magic' }] } }] },
      /messages\.0\.expressions\.0: expr magic is not known/,
    ],
    ['link.set', { index: { ref: 1 } }, /link\.set\.index/],
    ['link.set', { index: { ref: 99 } }, /link\.set\.index/],
    ['link.set', { index: { ref: -1 } }, /link\.set\.index/],
  ]
  for (const [op, args, message] of cases) {
    const plan = ns.plan()
    plan.link.add({ kind: 'bridge', name: 'br1' })
    plan.raw(op, args as never)
    t.throws(() => plan.runSync(), { name: 'TypeError', message }, message.source)
    await t.rejects(plan.run(), { name: 'TypeError', message })
    t.strictSame(names(ns), before)
  }
  const undone = ns.plan()
  undone.link.add({ kind: 'bridge', name: 'br1' })
  undone.raw(
    'link.get',
    { name: 'lo' },
    { undo: [{ op: 'link.del', args: { nome: 'x' } }] },
  )
  t.throws(() => undone.runSync(), { name: 'TypeError', message: /link\.del\.nome/ })
  t.strictSame(names(ns), before)
})

t.test('a reference from another plan is refused', async (t) => {
  using ns = room()
  const plan = ns.plan()
  const foreign = Reflect.construct(LinkRef, [3]) as LinkRef
  plan.link.set(foreign, { name: 'x' })
  t.throws(() => plan.runSync(), { name: 'TypeError', message: /index/ })
})

t.test('an accepted errno is no change: its undo does not run', async (t) => {
  using ns = room()
  const before = picture(ns)
  refusal(ns, (p) => {
    const bridge = p.link.ensure({ kind: 'bridge', name: 'br0' })
    p.address.ensure({ link: bridge, address: '10.0.0.1/24' })
    p.address.delIfExists({ link: bridge, address: '10.99.0.1/24' })
    p.nftables.commit(
      new Transaction().addTable({ family: 'ip', name: 'other' }, { exclusive: true }),
      {
        accept: [17],
        undo: new Transaction().deleteTable({ family: 'ip', name: 'other' }),
      },
    )
    p.link.get('none')
  })
  t.strictSame(picture(ns), before)
})

t.test('a plan may run again, and an empty one does nothing', async (t) => {
  using ns = room()
  const plan = ns.plan()
  const dump = plan.link.dump()
  t.equal((await plan.run()).of(dump).length, 2)
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br1' }))
  t.equal((await plan.run()).of(dump).length, 3)
  t.strictSame(ns.plan().runSync().failures, [])
  t.equal(
    read(ns, (p) => p.sysctl.get('net/ipv4/ip_forward')),
    '0',
  )
})

t.test('a dump has an end, of what the kernel does not dump too', async (t) => {
  using ns = NetNs.create()
  // nf_tables answers this with its one generation, as a look-up, and tells no end of it.
  const generations = read<unknown[]>(ns, (p) => p.raw('nft.generation.dump', {}))
  t.match(generations, [{ id: Number }])
  t.equal(generations.length, 1)
})
