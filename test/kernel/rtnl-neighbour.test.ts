import t from 'tap'
import { NetNs, SyscallError } from '../../dist/esm/index.js'
import { refusal, show } from '../helpers/ip-json.js'
import { until } from '../helpers/process.js'

const ns = NetNs.create()
const other = NetNs.create()
const MAC = '02:00:00:00:00:09'
t.teardown(() => {
  ns.close()
  other.close()
})

t.before(async () => {
  await ns.link.add({ kind: 'bridge', name: 'br0', up: true })
  await ns.link.addVeth({ name: 'p0', master: 'br0', up: true }, { name: 'p1', up: true })
})

t.test('neighbours: states, proxies, dump, get, flush', async (t) => {
  const { neighbour } = ns
  await neighbour.add({ link: 'p1', address: '10.0.0.9', mac: MAC })
  await neighbour.add({ link: 'p1', address: '10.0.0.10', mac: MAC, state: 'reachable' })
  await neighbour.add({
    link: 'p1',
    address: 'fd00::9',
    mac: MAC,
    state: 'stale',
    router: true,
  })
  await neighbour.add({ link: 'p1', address: '10.0.0.77', proxy: true })
  const shown = await show(ns, 'ip', 'neigh', 'show', 'dev', 'p1')
  const by = (dst: string) => shown.find((n) => n['dst'] === dst)
  t.match(by('10.0.0.9'), { lladdr: MAC, state: ['PERMANENT'] })
  t.match(by('10.0.0.10'), { state: ['REACHABLE'] })
  t.match(by('fd00::9'), { state: ['STALE'], router: null })
  t.match(await show(ns, 'ip', 'neigh', 'show', 'proxy'), [
    { dst: '10.0.0.77', dev: 'p1' },
  ])
  const mine = await neighbour.dump({ link: 'p1', family: 'ipv4' })
  t.match(
    mine.find((n) => n.address === '10.0.0.9'),
    { mac: MAC, state: 'permanent', family: 'ipv4' },
  )
  t.match(await neighbour.dump({ proxy: true }), [{ address: '10.0.0.77', proxy: true }])
  t.match(await neighbour.get({ link: 'p1', address: 'fd00::9' }), {
    state: 'stale',
    router: true,
  })
  await neighbour.replace({ link: 'p1', address: '10.0.0.9', mac: '02:00:00:00:00:0a' })
  t.match(await neighbour.get({ link: 'p1', address: '10.0.0.9' }), {
    mac: '02:00:00:00:00:0a',
  })
  await t.rejects(
    neighbour.add({ link: 'p1', address: '10.0.0.9', mac: MAC }),
    refusal('EEXIST'),
  )
  await t.rejects(neighbour.get({ link: 'p1', address: '10.0.0.99' }), refusal('ENOENT'))
  await t.rejects(neighbour.del({ link: 'p1', address: '10.0.0.99' }), refusal('ENOENT'))
  await t.rejects(
    neighbour.add({ link: 9999, address: '10.0.0.9', mac: MAC }),
    refusal('ENODEV'),
  )
  await neighbour.delIfExists({ link: 'p1', address: '10.0.0.99' })
  await neighbour.delIfExists({ link: 'nobody', address: '10.0.0.99' })
  t.ok((await neighbour.flush({ link: 'p1' })) >= 3)
  t.strictSame(await neighbour.dump({ link: 'p1', family: 'ipv4' }), [])
  t.equal(await neighbour.flush({ link: 'p1', proxy: true }), 1)
  await t.rejects(neighbour.add({ link: 'p1', address: '10.0.0/8' }), {
    name: 'TypeError',
    message: /^address: /,
  })
  await t.rejects(
    neighbour.add({ link: 'p1', address: '10.0.0.1', state: 'odd' as never }),
    { message: /^state: odd/ },
  )
})

t.test('a proxy outlives the carrier, unless its state says otherwise', async (t) => {
  const { link, neighbour } = ns
  await link.addVeth({ name: 'c0', up: true }, { name: 'c1', up: true })
  const stays = { link: 'c0', address: '10.0.0.78', proxy: true }
  await neighbour.add(stays)
  await neighbour.add({ ...stays, address: '10.0.0.79', state: 'none' })
  t.equal((await neighbour.dump({ link: 'c0', proxy: true })).length, 2)
  await link.set('c1', { up: false })
  // The kernel sees to it later, in one walk of the table.
  const left = await until('the kernel to drop one', async () => {
    const proxies = await neighbour.dump({ link: 'c0', proxy: true })
    return proxies.length < 2 ? proxies : undefined
  })
  t.match(left, [{ address: '10.0.0.78' }])
})

t.test('forwarding table of a bridge', async (t) => {
  const { fdb } = ns
  await fdb.add({ link: 'p0', mac: MAC, state: 'static', sticky: true })
  const shown = await show(ns, 'bridge', 'fdb', 'show', 'br', 'br0')
  t.match(
    shown.find((e) => e['mac'] === MAC),
    { ifname: 'p0', master: 'br0', state: 'static' },
  )
  const mine = (await fdb.dump({ bridge: 'br0' })).find((e) => e.mac === MAC)
  t.match(mine, { state: 'static', table: 'master', sticky: true })
  await t.rejects(fdb.add({ link: 'p0', mac: MAC }), refusal('EEXIST'))
  await fdb.replace({ link: 'p0', mac: MAC, state: 'dynamic' })
  t.match(
    (await fdb.dump({ link: 'p0' })).find((e) => e.mac === MAC),
    { state: 'dynamic' },
  )
  await fdb.del({ link: 'p0', mac: MAC })
  await t.rejects(fdb.del({ link: 'p0', mac: MAC }), refusal('ENOENT'))
  await fdb.delIfExists({ link: 'p0', mac: MAC })
  await t.rejects(fdb.add({ link: 'p1', mac: MAC }), refusal('EOPNOTSUPP'))
  await t.rejects(fdb.add({ link: 'p0', mac: 'x' }), {
    name: 'TypeError',
    message: /^mac: /,
  })
  await t.rejects(fdb.add({ link: 'p0', mac: MAC, vlan: 4095 }), {
    message: /^vlan: must .*not 4095/,
  })
})

t.test('forwarding table of a VXLAN tunnel', async (t) => {
  await ns.link.add({ kind: 'vxlan', name: 'vx0', id: 7, port: 4789 })
  const flood = { link: 'vx0', mac: '00:00:00:00:00:00', table: 'self' } as const
  await ns.fdb.append({ ...flood, remote: '10.0.0.2' })
  await ns.fdb.append({ ...flood, remote: '10.0.0.3', port: 1234, vni: 9 })
  t.match(await ns.fdb.dump({ link: 'vx0' }), [
    { remote: '10.0.0.2', table: 'self' },
    { remote: '10.0.0.3', port: 1234, vni: 9 },
  ])
  await ns.fdb.del({ ...flood, remote: '10.0.0.2' })
  t.equal((await show(ns, 'bridge', 'fdb', 'show', 'dev', 'vx0')).length, 1)
  for (const state of ['permanent', 'static', 'dynamic'] as const) {
    await ns.fdb.replace({ ...flood, mac: MAC, remote: '10.0.0.4', state })
    const mine = (await ns.fdb.dump({ link: 'vx0' })).find(({ mac }) => mac === MAC)
    t.match(mine, { state, remote: '10.0.0.4' })
  }
})

t.test('bridge ports', async (t) => {
  const flags = {
    hairpin: true,
    isolated: true,
    learning: false,
    flood: false,
    multicastFlood: false,
    broadcastFlood: false,
    guard: true,
    fastLeave: true,
    neighbourSuppress: true,
    proxyArp: true,
    locked: true,
    cost: 77,
    priority: 9,
  }
  await ns.bridgePort.set('p0', flags)
  const [shown] = await show(ns, 'bridge', 'link', 'show', 'dev', 'p0')
  t.match(shown, { cost: 77, priority: 9, hairpin: true, guard: true, isolated: true })
  t.match(shown, {
    learning: false,
    flood: false,
    mcast_flood: false,
    neigh_suppress: true,
  })
  const index = await ns.link.get('p0')
  const port = (await ns.bridgePort.dump()).get(index)
  t.match(port, flags)
  t.notOk(port?.['unknown'])
  t.match((await ns.link.read('p0'))?.port, flags)
  await ns.bridgePort.set('p0', { locked: false, backupPort: 0, flush: true })
  await t.rejects(ns.bridgePort.set('p1', { hairpin: true }), refusal('EOPNOTSUPP'))
  await t.rejects(ns.bridgePort.set(9999, { hairpin: true }), refusal('ENODEV'))
  await t.rejects(ns.bridgePort.set('p0', { cost: 70_000 }), {
    message: /^cost: must .*not 70000/,
  })
})

t.test('bridge VLANs: this kernel has none', async (t) => {
  await t.rejects(ns.bridgePort.addVlan('p0', { id: 5 }), refusal('EOPNOTSUPP'))
  await t.rejects(ns.bridgePort.addVlan('p0', { id: 0 }), {
    message: /^id: must .*not 0/,
  })
  await t.rejects(ns.bridgePort.addVlan('p0', { id: 9, to: 5 }), {
    message: /^to: must .*not 5/,
  })
  await t.rejects(ns.bridgePort.addVlan('p0', { id: 5, to: 9, pvid: true }), {
    message: /^pvid: /,
  })
})

t.test('namespaces: from pid and descriptor, numbers', async (t) => {
  const again = NetNs.fromFd(ns.fd)
  t.ok(again.equals(ns))
  again.close()
  const own = NetNs.fromPid(process.pid)
  const current = NetNs.current()
  t.ok(own.equals(current))
  own.close()
  current.close()
  t.throws(() => NetNs.fromPid(2 ** 30), { name: 'SyscallError', code: 'ENOENT' })
  t.throws(() => NetNs.fromPid(0), { name: 'TypeError', message: /^pid: must .*not 0/ })
  t.throws(() => NetNs.fromFd(9999), { name: 'SyscallError', code: 'ENOENT' })
  t.throws(() => NetNs.fromFd(0.5), TypeError)
  t.throws(() => NetNs.openPinned('gone-away'), { code: 'ENOENT' })
  const name = `vnet-test-${process.pid}`
  NetNs.create({ name }).close()
  t.ok(NetNs.list().includes(name))
  NetNs.delete(name)
  t.notOk(NetNs.list().includes(name))
  t.equal(await ns.nsid.get(other), undefined)
  await ns.nsid.set(other, 12)
  t.equal(await ns.nsid.get(other), 12)
  t.strictSame(await ns.nsid.dump(), [12])
  await t.rejects(ns.nsid.set(other, 13), refusal('EEXIST'))
  await ns.link.addVeth({ name: 'far0' }, { name: 'far1', netns: other })
  t.equal((await ns.link.read('far0'))?.linkNetnsId, 12)
})

t.test('short form: asynchronous, synchronous, closed handle, sysctl', async (t) => {
  t.equal(await ns.sysctl.get('net/ipv4/ip_forward'), '0')
  ns.sync.sysctl.set('net/ipv4/ip_forward', 1)
  t.equal(ns.sync.sysctl.get('net/ipv4/ip_forward'), '1')
  await t.rejects(ns.sysctl.get('net/ipv4/nothing'), { code: 'ENOENT' })
  await t.rejects(ns.sysctl.set('net/ipv4/nothing', '1'), SyscallError)
  await t.rejects(ns.sysctl.set('net/ipv4/tcp_retries1', 'x'), { code: 'EINVAL' })
  for (const bad of ['../x/y', 'net', '/proc/x', 'net//x', '']) {
    t.throws(() => ns.sync.sysctl.get(bad), { name: 'TypeError', message: /^name: / })
  }
  const [a, b] = ns.sync.link.addVeth({ name: 's0' }, { name: 's1' })
  t.ok(a > 0 && b > 0 && a !== b)
  t.match(ns.sync.link.read('s0'), { index: a })
  t.throws(() => ns.sync.link.del('nobody'), { name: 'NetlinkError', code: 'ENODEV' })
  const gone = NetNs.create()
  gone.close()
  await t.rejects(gone.link.dump(), {
    name: 'TypeError',
    message: /not an open namespace/,
  })
  t.throws(() => gone.sync.link.dump(), TypeError)
})
