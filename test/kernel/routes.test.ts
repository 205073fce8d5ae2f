import t from 'tap'
import { NetNs, type Route } from 'vnet-cni'
import { act, ip, json, read, refusal } from './helper.js'

/** A namespace with two bridges, indexes 2 and 3, that have addresses and carriers. */
function room(): NetNs {
  const ns = NetNs.create()
  ip(
    ns,
    'link set lo up',
    'link add br0 index 2 type bridge',
    'link add br1 index 3 type bridge',
    'link add v0 up master br0 type veth peer name v1',
    'link add w0 up master br1 type veth peer name w1',
    'link set v1 up',
    'link set w1 up',
    'link set br0 up addrgenmode none',
    'link set br1 up addrgenmode none',
    'address add 10.0.0.5/24 dev br0',
    'address add 10.1.0.5/24 dev br1',
    'address add 2001:db8::5/64 dev br0 nodad',
    'address add 2001:db8:1::5/64 dev br1 nodad',
  )
  return ns
}

const all = (ns: NetNs, family: 4 | 6) =>
  json(ns, `ip -${family} -d route show table all`)
const one = (ns: NetNs, to: string, family: 4 | 6 = 4) =>
  json(ns, `ip -${family} -d route show table all ${to}`)

t.test('default, on-link, and what is left out', async (t) => {
  using ns = room()
  const plan = ns.plan()
  const link = plan.link.get('br0')
  plan.route.add({ to: 'default', via: '10.0.0.1', link })
  plan.route.add({ to: '10.5.0.0/16', link })
  plan.route.add({ to: '10.6.0.0/16', via: '192.0.2.1', link, flags: 4 })
  plan.route.add({ to: 'default', via: '2001:db8::1', link })
  plan.route.add({ to: '2001:db8:5::/48', link })
  await plan.run()
  t.match(one(ns, 'default'), [
    { gateway: '10.0.0.1', dev: 'br0', protocol: 'boot', scope: 'global', flags: [] },
  ])
  t.match(one(ns, '10.5.0.0/16'), [{ dev: 'br0', scope: 'link', type: 'unicast' }])
  t.match(one(ns, '10.6.0.0/16'), [{ gateway: '192.0.2.1', flags: ['onlink'] }])
  t.match(one(ns, 'default', 6), [{ gateway: '2001:db8::1', dev: 'br0', metric: 1024 }])
  t.match(one(ns, '2001:db8:5::/48', 6), [{ dev: 'br0' }])
})

t.test('table, priority, protocol, source, metrics, tos', async (t) => {
  using ns = room()
  act(ns, (p) =>
    p.route.add({
      to: '10.7.0.0/16',
      via: '10.0.0.1',
      link: 2,
      source: '10.0.0.5',
      table: 1000,
      protocol: 'static',
      priority: 50,
      tos: 16,
      metrics: { mtu: 1400, advmss: 1300, initCwnd: 20 },
    }),
  )
  const [seen] = json(ns, 'ip -4 -d -N route show table 1000')
  t.match(seen, {
    dst: '10.7.0.0/16',
    gateway: '10.0.0.1',
    prefsrc: '10.0.0.5',
    protocol: '4',
    metric: 50,
    tos: '0x10',
    metrics: [{ mtu: 1400, advmss: 1300, initcwnd: 20 }],
  })
  const ours = read<Route[]>(ns, (p) => p.route.dump({ family: 'ipv4' }))
  t.match(
    ours.find((r) => r.table === 1000),
    {
      to: '10.7.0.0/16',
      tos: 16,
      protocol: 'static',
      priority: 50,
      metrics: { mtu: 1400, advmss: 1300, initCwnd: 20 },
    },
  )
})

t.test('several next hops', async (t) => {
  using ns = room()
  const plan = ns.plan()
  const a = plan.link.get('br0')
  const b = plan.link.get('br1')
  plan.route.add({
    to: '10.8.0.0/16',
    hops: [
      { via: '10.0.0.1', link: a, weight: 3 },
      { via: '10.1.0.1', link: b, weight: 256 },
    ],
  })
  plan.route.add({
    to: '2001:db8:8::/48',
    hops: [
      { via: '2001:db8::1', link: a },
      { via: '2001:db8:1::1', link: b, weight: 2 },
    ],
  })
  plan.runSync()
  t.match(one(ns, '10.8.0.0/16')[0]?.['nexthops'], [
    { gateway: '10.0.0.1', dev: 'br0', weight: 3 },
    { gateway: '10.1.0.1', dev: 'br1', weight: 256 },
  ])
  t.match(one(ns, '2001:db8:8::/48', 6)[0]?.['nexthops'], [
    { gateway: '2001:db8::1', dev: 'br0', weight: 1 },
    { gateway: '2001:db8:1::1', dev: 'br1', weight: 2 },
  ])
  const ours = read<Route[]>(ns, (p) => p.route.dump({ family: 'ipv4' }))
  t.strictSame(ours.find((r) => r.to === '10.8.0.0/16')?.hops, [
    { link: 2, weight: 3, flags: 0, via: '10.0.0.1' },
    { link: 3, weight: 256, flags: 0, via: '10.1.0.1' },
  ])
})

t.test('blackhole, unreachable, prohibit, throw', async (t) => {
  using ns = room()
  const types = ['blackhole', 'unreachable', 'prohibit', 'throw'] as const
  act(ns, (p) =>
    types.forEach((type, i) => {
      p.route.add({ to: `10.${20 + i}.0.0/16`, type, scope: 'global' })
      p.route.add({ to: `2001:db8:${20 + i}::/48`, type, link: 1 })
    }),
  )
  types.forEach((type, i) => {
    t.match(one(ns, `10.${20 + i}.0.0/16`), [{ type }])
    t.match(one(ns, `2001:db8:${20 + i}::/48`, 6), [{ type }])
  })
})

t.test('EEXIST and replace', async (t) => {
  using ns = room()
  const route = { to: '10.9.0.0/16', via: '10.0.0.1', link: 2 }
  act(ns, (p) => p.route.add(route))
  const error = refusal(ns, (p) => p.route.add({ ...route, via: '10.0.0.2' }))
  t.match(error, { code: 'EEXIST', op: 'route.new', errno: 17 })
  t.match(error.message, '10.9.0.0')
  act(ns, (p) => p.route.add({ ...route, via: '10.0.0.2', priority: 10 }))
  act(ns, (p) => p.route.replace({ ...route, via: '10.0.0.3' }))
  t.match(one(ns, '10.9.0.0/16'), [
    { gateway: '10.0.0.3' },
    { gateway: '10.0.0.2', metric: 10 },
  ])
  const before = all(ns, 4)
  refusal(ns, (p) => {
    p.route.replace({ ...route, via: '10.0.0.4' }, { ...route, via: '10.0.0.3' })
    p.link.get('none')
  })
  t.strictSame(all(ns, 4), before, 'undo puts the former one back')
})

t.test('delete, ESRCH, delIfExists', async (t) => {
  using ns = room()
  for (const to of ['10.9.0.0/16', '2001:db8:9::/48']) {
    const route = { to, link: 2 }
    act(ns, (p) => p.route.add(route))
    act(ns, (p) => p.route.del(route))
    t.match(
      refusal(ns, (p) => p.route.del(route)),
      { code: 'ESRCH', op: 'route.del', errno: 3 },
    )
    act(ns, (p) => p.route.delIfExists(route))
    act(ns, (p) => p.route.delIfExists({ to, link: 4711 }))
  }
})

t.test('a gateway that cannot be reached, and a link that is not there', async (t) => {
  using ns = room()
  const far = refusal(ns, (p) => p.route.add({ to: 'default', via: '192.0.2.1' }))
  t.match(far, { code: 'ENETUNREACH', extAck: 'Nexthop has invalid gateway' })
  t.match(far.message, 'Nexthop has invalid gateway')
  const six = refusal(ns, (p) =>
    p.route.add({ to: '2001:db8:f::/48', via: '2001:db8:ffff::1', link: 2 }),
  )
  t.equal(six.code, 'EHOSTUNREACH')
  t.ok(six.extAck.length > 0 || six.errno === 113)
  t.match(
    refusal(ns, (p) => p.route.add({ to: '10.9.0.0/16', link: 4711 })),
    { code: 'ENODEV', errno: 19 },
  )
  const mask = refusal(ns, (p) => p.route.add({ to: '10.9.0.1/16', link: 2 }))
  t.match(mask, { code: 'EINVAL', extAck: /prefix/i })
})

t.test('get', async (t) => {
  using ns = room()
  act(ns, (p) => p.route.add({ to: '10.5.0.0/16', via: '10.0.0.1', link: 2 }))
  const get = (to: string) => read<Route>(ns, (p) => p.route.get(to))
  t.match(get('10.5.6.7'), {
    to: '10.5.6.7/32',
    via: '10.0.0.1',
    link: 2,
    family: 'ipv4',
  })
  t.equal(get('10.5.6.7').source, '10.0.0.5')
  t.match(get('10.0.0.9'), { link: 2 })
  t.equal(get('10.0.0.9').via, undefined)
  t.match(get('10.0.0.5'), { type: 'local', link: 1 })
  t.match(get('2001:db8::9'), { link: 2, family: 'ipv6', to: '2001:db8::9/128' })
  for (const to of ['192.0.2.1', '2001:db8:ffff::1']) {
    t.match(
      refusal(ns, (p) => p.route.get(to)),
      { code: 'ENETUNREACH', errno: 101, op: 'route.get' },
    )
  }
})

t.test('refused before the kernel is asked', async (t) => {
  using ns = room()
  const before = all(ns, 4)
  const bad: [object, RegExp][] = [
    [{ to: '10.0.0.0/40', link: 2 }, /^to: /],
    [{ to: 'nowhere', link: 2 }, /^to: /],
    [{ to: 'default', via: 'x' }, /via/],
    [{ to: 'default', link: 2, type: 'hole' }, /^type: hole is not one of unicast/],
    [{ to: 'default', link: 2, table: 'mine' }, /^table: /],
    [{ to: 'default', link: 2, metrics: { speed: 3 } }, /metrics\.speed/],
    [{ to: 'default', hops: [{ link: 2, weight: 0 }] }, /hops.*weight/],
    [{ to: 'default', hops: [{ link: 2, weight: 257 }] }, /hops.*weight/],
    [{ to: 'default', hops: [{ link: 2, via: 'x' }] }, /hops.*via/],
    [{ to: 'default', link: 2, priority: -1 }, /priority/],
  ]
  for (const [spec, message] of bad) {
    t.throws(() => act(ns, (p) => p.route.add(spec as never)), {
      name: 'TypeError',
      message,
    })
  }
  t.strictSame(all(ns, 4), before)
})
