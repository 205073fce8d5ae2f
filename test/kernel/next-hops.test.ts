import t, { type Test } from 'tap'
import { NetNs, type NextHopEntry, type NextHopSpec } from 'vnet-cni'
import { act, ip, json, read, refusal, type Json } from './helper.js'

/** A link with networks of both families, and `lo`, which blackholes need. */
function room(): NetNs {
  const ns = NetNs.create()
  ip(
    ns,
    'link set lo up',
    'link add va index 2 type veth peer name vb index 3',
    'link set va up',
    'link set vb up',
    'address add 10.0.0.1/24 dev va',
    'address add fd00::1/64 dev va nodad',
  )
  return ns
}

const dump = (ns: NetNs): NextHopEntry[] => read(ns, (p) => p.nextHop.dump())

const SPECS: readonly NextHopSpec[] = [
  { id: 1, via: '10.0.0.2', link: 2 },
  { id: 2, via: '10.0.0.3', link: 2, protocol: 'static' },
  { id: 3, via: 'fd00::2', link: 2, onlink: true },
  { id: 4, link: 2 },
  { id: 5, link: 2, family: 'ipv6' },
  { id: 6, blackhole: true },
  { id: 7, via: '10.0.0.9', fdb: true },
  { id: 8, via: 'fd00::9', fdb: true, protocol: 77 },
  { id: 0xffffffff, via: '198.51.100.1', link: 2, onlink: true },
  { id: 20, group: [{ id: 1 }, { id: 2, weight: 5 }] },
  { id: 21, group: [{ id: 1, weight: 255 }, { id: 3 }], groupType: 'multipath' },
  {
    id: 22,
    group: [{ id: 1 }, { id: 2, weight: 2 }],
    groupType: 'resilient',
    resilient: { buckets: 8, idleTimer: 1.5, unbalancedTimer: 60 },
  },
  { id: 23, group: [{ id: 7 }], fdb: true },
]

/** One of ours in the words of `ip -j nexthop`. */
function inWordsOfIp(entry: NextHopEntry): Json {
  const { id, via, link, scope, blackhole, fdb, group, groupType, resilient } = entry
  return {
    id,
    ...(group && {
      group: group.map((one) => (one.weight === 1 ? { id: one.id } : one)),
    }),
    ...(groupType === 'resilient' && { type: 'resilient' }),
    ...(resilient && {
      resilient_args: {
        buckets: resilient.buckets,
        idle_timer: resilient.idleTimer,
        unbalanced_timer: resilient.unbalancedTimer,
      },
    }),
    ...(via && { gateway: via }),
    ...(link && { dev: 'va' }),
    ...(scope !== 'global' && { scope }),
    ...(blackhole && { blackhole: null }),
    ...(entry.protocol !== 0 && { protocol: `${entry.protocol}` }),
    flags: entry.onlink ? ['onlink'] : [],
    ...(fdb && { fdb: null }),
  }
}

function likeIp(t: Test, ns: NetNs): void {
  const theirs = json(ns, 'ip nexthop').map((entry) => {
    // How long the group was out of balance: a clock.
    delete entry['resilient_args']?.unbalanced_time
    return entry
  })
  t.strictSame(dump(ns).map(inWordsOfIp), theirs)
}

t.test('what we add is what ip shows, field by field', async (t) => {
  using ns = room()
  act(ns, (p) => {
    for (const spec of SPECS) p.nextHop.add(spec)
  })
  t.equal(dump(ns).length, SPECS.length)
  likeIp(t, ns)
  for (const spec of SPECS) {
    t.match(
      read(ns, (p) => p.nextHop.get(spec.id)),
      spec,
    )
  }
})

t.test('what ip adds is what we read, and take back as it was', async (t) => {
  using ns = room()
  ip(
    ns,
    'nexthop add id 1 via 10.0.0.2 dev va',
    'nexthop add id 2 via fd00::2 dev va onlink protocol static',
    'nexthop add id 3 blackhole',
    'nexthop add id 4 via 10.0.0.4 fdb',
    'nexthop add id 10 group 1,3/2,7',
    'nexthop add id 11 group 1 type resilient buckets 4 idle_timer 2',
  )
  likeIp(t, ns)
  const before = dump(ns)
  act(ns, (p) => {
    for (const entry of before.toReversed()) p.nextHop.del(entry.id)
  })
  t.strictSame(dump(ns), [])
  act(ns, (p) => {
    for (const entry of before) p.nextHop.replace(entry)
  })
  t.strictSame(dump(ns), before)
})

t.test('what a dump means', async (t) => {
  using ns = room()
  act(ns, (p) => {
    p.link.add({ kind: 'bridge', name: 'br0', up: true })
    p.link.set('vb', { master: 'br0' })
    p.address.add({ link: 'br0', address: '10.1.0.1/24' })
    for (const spec of SPECS) p.nextHop.add(spec)
    p.nextHop.add({ id: 30, via: '10.1.0.2', link: 'br0' })
    p.nextHop.add({ id: 31, via: '10.9.0.2', link: 'vb', onlink: true })
  })
  const ids = (filter: object) =>
    read<NextHopEntry[]>(ns, (p) => p.nextHop.dump(filter)).map(({ id }) => id)
  t.strictSame(ids({ groups: true }), [20, 21, 22, 23])
  t.strictSame(ids({ link: 'br0' }), [30])
  t.strictSame(ids({ master: 'br0' }), [31])
  t.strictSame(ids({ family: 'ipv6' }), [3, 5, 8])
})

t.test('routes by a next hop follow it', async (t) => {
  using ns = room()
  act(ns, (p) => {
    p.nextHop.add({ id: 1, via: '10.0.0.2', link: 'va' })
    p.nextHop.add({ id: 2, via: '10.0.0.3', link: 'va' })
    p.nextHop.add({ id: 3, via: 'fd00::2', link: 'va' })
    p.nextHop.add({ id: 10, group: [{ id: 1 }, { id: 2, weight: 3 }] })
    p.route.add({ to: '10.8.0.0/16', nextHopId: 1 })
    p.route.add({ to: '10.9.0.0/16', nextHopId: 10, priority: 5 })
    p.route.add({ to: 'default', nextHopId: 3 })
    p.route.add({ to: 'fd09::/64', nextHopId: 3 })
  })
  t.match(json(ns, 'ip route show 10.9.0.0/16'), [{ nhid: 10, metric: 5 }])
  const routes = () =>
    read<any[]>(ns, (p) => p.route.dump()).filter(({ nextHopId }) => nextHopId)
  t.match(routes(), [
    { to: 'default', family: 'ipv4', nextHopId: 3, via: 'fd00::2', link: 2 },
    { to: '10.8.0.0/16', nextHopId: 1, via: '10.0.0.2', link: 2 },
    { to: '10.9.0.0/16', nextHopId: 10, hops: [{ link: 2 }, { link: 2, weight: 3 }] },
    { to: 'fd09::/64', nextHopId: 3, via: 'fd00::2', link: 2 },
  ])
  const before = [json(ns, 'ip -4 route'), json(ns, 'ip -6 route')]
  act(ns, (p) => {
    for (const route of routes()) p.route.replace(route)
  })
  t.strictSame([json(ns, 'ip -4 route'), json(ns, 'ip -6 route')], before, 'given back')
  act(ns, (p) => p.nextHop.replace({ id: 1, via: '10.0.0.7', link: 'va' }))
  t.match(json(ns, 'ip route show 10.8.0.0/16'), [{ nhid: 1, gateway: '10.0.0.7' }])
  act(ns, (p) => p.nextHop.del(1))
  t.strictSame(json(ns, 'ip route show 10.8.0.0/16'), [])
  t.match(json(ns, 'ip nexthop show id 10'), [{ group: [{ id: 2, weight: 3 }] }])
  act(ns, (p) => p.route.del({ to: '10.9.0.0/16', nextHopId: 10 }))
  t.match(
    refusal(ns, (p) => p.route.del({ to: 'fd09::/64', nextHopId: 10 })),
    { code: 'ESRCH' },
  )
  act(ns, (p) => p.nextHop.delIfExists(1))
})

t.test('a failing plan takes next hops back', async (t) => {
  using ns = room()
  act(ns, (p) => p.nextHop.add({ id: 1, via: '10.0.0.2', link: 'va' }))
  const before = dump(ns)
  const error = refusal(ns, (p) => {
    p.nextHop.ensure({ id: 1, via: '10.0.0.9', link: 'va' })
    p.nextHop.replace({ id: 1, via: '10.0.0.3', link: 'va' }, before[0])
    p.nextHop.add({ id: 2, via: '10.0.0.4', link: 'va' })
    p.nextHop.add({ id: 3, group: [{ id: 1 }, { id: 2 }] })
    p.link.get('none')
  })
  t.match(error, { code: 'ENODEV', undoFailures: [] })
  t.strictSame(dump(ns), before)
})

t.test('next hops that are none', async (t) => {
  using ns = room()
  const wrong: readonly [RegExp, any][] = [
    [/^id: give the number/, {}],
    [/^id: must be an integer from 1/, { id: 0 }],
    [/^id: must be an integer from 1/, { id: 2 ** 32 }],
    [/^gateway: no option of nextHop/, { id: 1, gateway: '10.0.0.2' }],
    [/^via: .* is not an IPv4 or IPv6 address/, { id: 1, via: '10.0.0', link: 2 }],
    [/^group: give a list/, { id: 1, group: [] }],
    [/^group: give a list/, { id: 1, group: 5 }],
    [/^group\.1\.weight: must be/, { id: 1, group: [{ id: 1 }, { id: 2, weight: 257 }] }],
    [/^group\.0\.id: must be/, { id: 1, group: [{ id: -1 }] }],
    [/^group\.0\.share: no option of/, { id: 1, group: [{ id: 1, share: 2 }] }],
    [/^via: a group has none/, { id: 1, group: [{ id: 2 }], via: '10.0.0.2' }],
    [/^groupType: only for groups/, { id: 1, link: 2, groupType: 'resilient' }],
    [/^groupType: some is not one of/, { id: 1, group: [{ id: 2 }], groupType: 'some' }],
    [/^resilient: give groupType/, { id: 1, group: [{ id: 2 }], resilient: {} }],
    [
      /^resilient\.idleTimer: must be a number of seconds/,
      { id: 1, group: [{ id: 2 }], groupType: 'resilient', resilient: { idleTimer: -1 } },
    ],
  ]
  for (const [message, spec] of wrong) {
    t.throws(() => ns.plan().nextHop.add(spec), { name: 'TypeError', message })
  }
  const filter: any = { grups: true }
  t.throws(() => ns.plan().nextHop.dump(filter), { message: /^grups: no option/ })
  t.throws(() => ns.plan().nextHop.del('1' as any), { message: /^id: must be/ })
})

t.test('a monitor tells of next hops', async (t) => {
  using ns = room()
  const monitor = ns.monitor(['nextHop'])
  act(ns, (p) => {
    p.nextHop.add({ id: 1, via: '10.0.0.2', link: 'va' })
    p.nextHop.del(1)
  })
  const nextHop = { id: 1, via: '10.0.0.2', link: 2 }
  t.match((await monitor.next()).value, { kind: 'nextHop', change: 'new', nextHop })
  t.match((await monitor.next()).value, { kind: 'nextHop', change: 'del', nextHop })
  await monitor.return()
})
