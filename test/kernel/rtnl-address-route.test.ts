import t from 'tap'
import { NetNs, type Route } from '../../dist/esm/index.js'
import { refusal, show } from '../helpers/ip-json.js'

const ns = NetNs.create()
const peer = NetNs.create()
t.teardown(() => {
  ns.close()
  peer.close()
})

t.before(async () => {
  await ns.link.set('lo', { up: true })
  await ns.link.addVeth(
    { name: 'eth0', up: true },
    { name: 'eth0', netns: peer, up: true },
  )
})

async function addressesOf(link: string) {
  return (await show(ns, 'ip', 'addr', 'show', 'dev', link))[0]?.['addr_info'] ?? []
}

t.test('addresses: families, peer, scope, label, lifetimes, flags', async (t) => {
  const { address } = ns
  await address.add({ link: 'eth0', address: '10.0.0.1/24', label: 'eth0:a' })
  await address.add({
    link: 'eth0',
    address: '10.1.0.1/32',
    peer: '10.1.0.2',
    scope: 'link',
  })
  await address.add({
    link: 'eth0',
    address: 'fd00::1/64',
    nodad: true,
    noPrefixRoute: true,
  })
  const lifetime = { preferred: 500, valid: 1000 }
  await address.add({ link: 'eth0', address: 'fd00::2/64', nodad: true, lifetime })
  const shown = await addressesOf('eth0')
  const by = (local: string) => shown.find((a: { local: string }) => a.local === local)
  t.match(by('10.0.0.1'), { prefixlen: 24, label: 'eth0:a', scope: 'global' })
  t.match(by('10.1.0.1'), { address: '10.1.0.2', prefixlen: 32, scope: 'link' })
  t.match(by('fd00::1'), { nodad: true, noprefixroute: true })
  t.ok(by('fd00::2').valid_life_time <= 1000 && by('fd00::2').valid_life_time > 900)
  const ours = await address.dump({ link: 'eth0', family: 'ipv4' })
  t.match(
    ours.sort((a, b) => a.address.localeCompare(b.address)),
    [
      { address: '10.0.0.1/24', label: 'eth0:a' },
      { address: '10.1.0.1/32', peer: '10.1.0.2', scope: 'link' },
    ],
  )
  const later = { preferred: 50, valid: 60 }
  await address.replace({ link: 'eth0', address: 'fd00::2/64', lifetime: later })
  const [changed] = (await address.dump({ family: 'ipv6' })).filter(
    (a) => a.address === 'fd00::2/64',
  )
  t.ok((changed?.lifetime?.valid ?? 999) <= 60)
})

t.test('addresses: refusals, ensure, delete, flush', async (t) => {
  const { address } = ns
  const spec = { link: 'eth0', address: '10.0.0.1/24' }
  await t.rejects(address.add(spec), refusal('EEXIST'))
  await address.ensure(spec)
  await t.rejects(address.add({ ...spec, link: 'nobody' }), refusal('ENODEV'))
  await t.rejects(address.add({ ...spec, link: 9999 }), refusal('ENODEV'))
  await t.rejects(
    address.del({ link: 'eth0', address: '10.9.9.9/24' }),
    refusal('EADDRNOTAVAIL'),
  )
  await ns.sysctl.set('net/ipv6/conf/lo/disable_ipv6', 1)
  await t.rejects(address.add({ link: 'lo', address: 'fd00::9/64' }), refusal('EACCES'))
  await address.delIfExists({ link: 'eth0', address: '10.9.9.9/24' })
  await address.delIfExists({ link: 'nobody', address: '10.9.9.9/24' })
  await address.del({ link: 'eth0', address: '10.1.0.1/32', peer: '10.1.0.2' })
  t.equal(await address.flush({ link: 'eth0', family: 'ipv4' }), 1)
  t.strictSame(await address.dump({ link: 'eth0', family: 'ipv4' }), [])
  t.ok((await address.flush({ link: 'eth0' })) >= 2)
  t.strictSame(await address.dump({ link: 'eth0' }), [])
  await t.rejects(address.flush({ link: 'nobody' }), refusal('ENODEV'))
  for (const bad of [
    '10.0.0.1/33',
    'fd00::1/129',
    'x',
    '10.0.0.1/',
    '10.0.0/24',
    'fe80::1%lo',
  ]) {
    await t.rejects(address.add({ link: 'eth0', address: bad }), {
      name: 'TypeError',
      message: /^address: /,
    })
  }
  await t.rejects(address.add({ ...spec, peer: 'fd00::1' }), { message: /^peer: / })
  await t.rejects(address.add({ ...spec, label: 'x'.repeat(16) }), {
    message: /^label: /,
  })
  const lifetime = { preferred: -1, valid: 5 }
  await t.rejects(address.add({ ...spec, lifetime }), {
    message: /^lifetime.preferred: must .*not -1/,
  })
})

t.test('routes of every shape, as ip shows them', async (t) => {
  await ns.address.add({ link: 'eth0', address: '10.0.0.1/24' })
  await ns.address.add({ link: 'eth0', address: 'fd00::1/64', nodad: true })
  const { route } = ns
  await route.add({ to: 'default', via: '10.0.0.254' })
  await route.add({
    to: '10.1.0.0/16',
    via: '10.0.0.2',
    metrics: { mtu: 1300, advmss: 1200 },
  })
  await route.add({ to: '10.2.0.0/16', link: 'eth0', source: '10.0.0.1', priority: 50 })
  await route.add({ to: '10.3.0.0/16', via: '192.0.2.1', link: 'eth0', onlink: true })
  await route.add({ to: '10.4.0.0/16', type: 'blackhole' })
  await route.add({ to: '10.5.0.0/16', type: 'unreachable' })
  await route.add({ to: '10.6.0.0/16', type: 'prohibit', table: 100, protocol: 'static' })
  await route.add({ to: '10.8.0.0/16', via: 'fe80::1', link: 'eth0' })
  const hops = [
    { link: 'eth0', via: '10.0.0.3', weight: 1 },
    { link: 'eth0', via: '10.0.0.4', weight: 10 },
  ]
  await route.add({ to: '10.7.0.0/16', hops })
  await route.add({ to: 'fd01::/64', via: 'fd00::2', metrics: { mtu: 1280 } })
  const shown = await show(ns, 'ip', 'route', 'show', 'table', 'all')
  const by = (dst: string) => shown.find((r) => r['dst'] === dst)
  t.match(by('default'), { gateway: '10.0.0.254', dev: 'eth0' })
  t.match(by('10.1.0.0/16')?.['metrics'], [{ mtu: 1300, advmss: 1200 }])
  t.match(by('10.2.0.0/16'), { prefsrc: '10.0.0.1', metric: 50, scope: 'link' })
  t.match(by('10.3.0.0/16'), { flags: ['onlink'] })
  t.equal(by('10.4.0.0/16')?.['type'], 'blackhole')
  t.equal(by('10.5.0.0/16')?.['type'], 'unreachable')
  t.match(by('10.6.0.0/16'), { type: 'prohibit', table: '100', protocol: 'static' })
  t.match(by('10.7.0.0/16')?.['nexthops'], [{ weight: 1 }, { weight: 10 }])
  t.match(by('10.8.0.0/16')?.['via'], { family: 'inet6', host: 'fe80::1' })
  const six = await show(ns, 'ip', '-6', 'route', 'show', 'fd01::/64')
  t.match(six, [{ gateway: 'fd00::2', metrics: [{ mtu: 1280 }] }])
})

t.test('a dump can be given back', async (t) => {
  const key = (r: Route) => `${r.to} ${r.table} ${r.priority ?? 0}`
  const before = await ns.route.dump({ table: 'main' })
  const mine = before.filter(({ protocol }) => protocol === 'boot')
  t.ok(mine.length >= 8)
  const plan = ns.plan()
  for (const route of mine) plan.route.replace(route)
  await plan.run()
  t.strictSame((await ns.route.dump({ table: 'main' })).map(key), before.map(key))
  t.match(
    mine.find((r) => r.to === '10.8.0.0/16'),
    { via: 'fe80::1' },
  )
})

t.test('look-up, filters, append, replace, delete, flush', async (t) => {
  const { route } = ns
  t.match(await route.get('10.1.2.3'), { via: '10.0.0.2', source: '10.0.0.1' })
  t.match(await route.get('10.0.0.9', { link: 'eth0' }), { type: 'unicast' })
  await t.rejects(route.get('10.5.0.1'), refusal('EHOSTUNREACH'))
  await t.rejects(route.get('10.4.0.1'), refusal('EINVAL'))
  await t.rejects(peer.route.get('192.0.2.1'), refusal('ENETUNREACH'))
  t.strictSame(await route.dump({ family: 'ipv4', table: 4321 }), [])
  t.match(await route.dump({ table: 100, family: 'ipv4' }), [{ type: 'prohibit' }])
  await route.append({ to: '10.1.0.0/16', via: '10.0.0.7' })
  t.equal((await route.dump()).filter((r) => r.to === '10.1.0.0/16').length, 2)
  await route.replace({ to: '10.2.0.0/16', via: '10.0.0.6', priority: 50 })
  t.match(await route.get('10.2.0.1'), { via: '10.0.0.6' })
  await route.del({ to: '10.2.0.0/16', priority: 50 })
  await t.rejects(route.del({ to: '10.2.0.0/16' }), refusal('ESRCH'))
  await route.delIfExists({ to: '10.2.0.0/16', link: 'nobody' })
  t.equal(await route.flush({ family: 'ipv4', table: 100 }), 1)
  t.equal(await route.flush({ family: 'ipv4', table: 4321 }), 0)
})

t.test('routes: refusals and bad input', async (t) => {
  const { route } = ns
  await t.rejects(route.add({ to: 'default', via: '10.0.0.254' }), refusal('EEXIST'))
  await t.rejects(route.add({ to: '10.20.0.0/16', via: '172.16.0.1' }), {
    name: 'NetlinkError',
    code: 'ENETUNREACH',
  })
  await t.rejects(route.add({ to: '10.20.0.0/16', link: 'nobody' }), refusal('ENODEV'))
  await t.rejects(route.add({ to: '10.20.1.2/16', link: 'eth0' }), refusal('EINVAL'))
  await ns.link.add({ kind: 'bridge', name: 'down0' })
  await t.rejects(route.add({ to: '10.20.0.0/16', link: 'down0' }), refusal('ENETDOWN'))
  for (const to of ['10.0.0.0/33', 'nowhere', '10.0.0.0/-1', '10.0.0.0/ 8']) {
    await t.rejects(route.add({ to }), { name: 'TypeError', message: /^to: / }, to)
  }
  await t.rejects(route.add({ to: 'fd02::/64', via: '10.0.0.2' }), { message: /^via: / })
  await t.rejects(route.add({ to: '10.0.0.0/8', type: 'odd' as never }), {
    message: /^type:/,
  })
  const hops = [{ link: 'eth0', weight: 257 }]
  await t.rejects(route.add({ to: '10.0.0.0/8', hops }), {
    message: /^hops.0.weight: must .*not 257/,
  })
})

t.test('policy rules', async (t) => {
  const { rule } = ns
  const spec = {
    from: '10.0.0.0/8',
    table: 100,
    priority: 500,
    mark: 3,
    mask: 15,
    inLink: 'eth0',
  }
  await rule.add(spec)
  await rule.add({ to: 'fd00::/16', priority: 501, action: 'blackhole', invert: true })
  await rule.add({ goto: 500, priority: 400, outLink: 'lo', ipProtocol: 6 })
  await rule.add({ priority: 600, suppressPrefixLength: 0, uids: { first: 1, last: 9 } })
  const four = await show(ns, 'ip', 'rule')
  const by = (rules: typeof four, priority: number) =>
    rules.find((r) => r['priority'] === priority)
  t.match(by(four, 500), {
    src: '10.0.0.0',
    srclen: 8,
    table: '100',
    fwmark: '0x3',
    fwmask: '0xf',
  })
  t.match(by(four, 400), { goto: 500, oif: 'lo', ipproto: 'tcp' })
  t.match(by(four, 600), { suppress_prefixlen: 0, uid_start: 1, uid_end: 9 })
  t.match(by(await show(ns, 'ip', '-6', 'rule'), 501), {
    action: 'blackhole',
    dst: 'fd00::',
  })
  const ours = await rule.dump({ family: 'ipv4' })
  t.match(
    ours.find((r) => r.priority === 500),
    spec,
  )
  t.match(
    ours.find((r) => r.priority === 600),
    { suppressPrefixLength: 0, table: 'main' },
  )
  await t.rejects(rule.add(spec), refusal('EEXIST'))
  await rule.ensure(spec)
  await rule.del({ priority: 500, from: '10.0.0.0/8', table: 100 })
  await t.rejects(rule.del(spec), refusal('ENOENT'))
  await rule.delIfExists(spec)
  await t.rejects(rule.add({ priority: 5, goto: 4 }), refusal('EINVAL'))
  await t.rejects(rule.add({ from: '10.0.0.0/8', to: 'fd00::/8' }), {
    message: /^family: /,
  })
  await t.rejects(rule.add({ mark: -1 }), {
    name: 'TypeError',
    message: /^mark: must .*not -1/,
  })
})
