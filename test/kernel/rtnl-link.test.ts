import t from 'tap'
import { NetNs, type Link } from '../../dist/esm/index.js'
import { refusal, show, showLink } from '../helpers/ip-json.js'

const host = NetNs.create()
const pod = NetNs.create()
t.teardown(() => {
  host.close()
  pod.close()
})

t.test('veth: born on both sides under their names', async (t) => {
  const [outer, inner] = await host.link.addVeth(
    { name: 'v0', mtu: 1400, up: true, group: 7, txQueueLength: 50, alias: 'outer' },
    { name: 'eth0', netns: pod, mac: '02:00:00:00:00:05', up: true, alias: 'inner' },
  )
  const v0 = await showLink(host, 'v0')
  t.match(v0, { ifindex: outer, mtu: 1400, group: '7', txqlen: 50, ifalias: 'outer' })
  t.equal(v0['linkinfo'].info_kind, 'veth')
  const eth0 = await showLink(pod, 'eth0')
  t.match(eth0, { ifindex: inner, address: '02:00:00:00:00:05', ifalias: 'inner' })
  t.ok(eth0['flags'].includes('UP'))
  t.match(await pod.link.read('eth0'), { index: inner, up: true, kind: 'veth', group: 0 })
  t.match(await host.link.readByAlias('outer'), { name: 'v0', txQueueLength: 50 })
  t.equal(await host.link.readByAlias('nobody'), undefined)
})

t.test('our dump says what ip says', async (t) => {
  const theirs = await show(host, 'ip', 'link')
  const ours = await host.link.dump()
  t.strictSame(
    ours.map(({ index, name, mtu, mac, promiscuity }) => [
      index,
      name,
      mtu,
      mac,
      promiscuity,
    ]),
    theirs.map((l) => [
      l['ifindex'],
      l['ifname'],
      l['mtu'],
      l['address'],
      l['promiscuity'],
    ]),
  )
  t.notOk(ours.some((link) => link.statistics || link.unknown))
})

t.test('statistics', async (t) => {
  const link = await host.link.read('v0', { statistics: true })
  const { rx, tx } = (await showLink(host, 'v0'))['stats64']
  t.ok((link?.statistics?.rxPackets ?? -1) <= rx.packets)
  t.equal(typeof link?.statistics?.['rxNoHandler'], 'number')
  t.ok((link?.statistics?.txBytes ?? -1) <= tx.bytes)
})

t.test('set: each setting, by name and by index', async (t) => {
  const index = await host.link.get('v0')
  await host.link.set('v0', { promiscuous: true, allMulticast: true, multicast: false })
  await host.link.set(index, { arp: false, mac: '02:00:00:00:00:77', group: 9 })
  await host.link.set('v0', { name: 'v1', mtu: 1300, txQueueLength: 8, alias: 'renamed' })
  const link = await showLink(host, 'v1')
  t.match(link, { mtu: 1300, txqlen: 8, ifalias: 'renamed', group: '9', promiscuity: 1 })
  t.equal(link['address'], '02:00:00:00:00:77')
  t.ok(['NOARP', 'PROMISC', 'ALLMULTI'].every((flag) => link['flags'].includes(flag)))
  t.notOk(link['flags'].includes('MULTICAST'))
  await host.link.set('v1', { up: false, promiscuous: false, arp: true })
  const after = await showLink(host, 'v1')
  t.notOk(['UP', 'NOARP', 'PROMISC'].some((flag) => after['flags'].includes(flag)))
})

t.test('move into another namespace', async (t) => {
  await host.link.addVeth({ name: 'mv0' }, { name: 'mv1' })
  await host.link.set('mv1', { netns: pod, name: 'moved' })
  t.match(await showLink(pod, 'moved'), { ifname: 'moved' })
  await t.rejects(host.link.read('mv1'), refusal('ENODEV'))
  await host.link.del('mv0')
  t.equal(await pod.link.read('moved', { optional: true }), undefined)
})

t.test('bridge with its options', async (t) => {
  const bridge = await host.link.add({
    kind: 'bridge',
    name: 'br0',
    up: true,
    stp: true,
    forwardDelay: 400,
    ageingTime: 1000,
    multicastSnooping: false,
    priority: 100,
  })
  t.match((await showLink(host, 'br0'))['linkinfo'].info_data, {
    stp_state: 1,
    forward_delay: 400,
    ageing_time: 1000,
    mcast_snooping: 0,
    priority: 100,
  })
  await host.link.setBridge('br0', { stp: false, ageingTime: 0, multicastSnooping: true })
  const link = await host.link.read('br0')
  t.match(link?.settings, { stp: false, ageingTime: 0, multicastSnooping: true })
  t.notOk(link?.settings?.['unknown'])
  t.equal(await host.link.ensure({ kind: 'bridge', name: 'br0' }), bridge)
  await host.link.set('v1', { master: 'br0' })
  t.match(await host.link.dump({ master: 'br0' }), [{ name: 'v1', master: bridge }])
  const alone = await host.link.dump({ master: null })
  const all = await host.link.dump()
  t.ok(all.length > alone.length && alone.length > 1)
  // The timers of a bridge run between two dumps: what says which links these are is compared.
  const which = (links: Link[]) =>
    links.map(({ index, name, master }) => [index, name, master])
  t.strictSame(which(alone), which(all.filter((one) => !one.master)))
  await host.link.set('v1', { master: 0 })
  t.strictSame(await host.link.dump({ master: bridge }), [])
  // This kernel is built without CONFIG_BRIDGE_VLAN_FILTERING.
  await t.rejects(
    host.link.setBridge('br0', { vlanFiltering: true }),
    refusal('EOPNOTSUPP'),
  )
  await t.rejects(host.link.setBridge('v1', { stp: true }), refusal('EOPNOTSUPP'))
})

t.test('macvlan, macvtap, ifb, vxlan', async (t) => {
  await host.link.add({ kind: 'macvlan', name: 'mac0', link: 'v1', mode: 'bridge' })
  t.equal((await showLink(host, 'mac0'))['linkinfo'].info_data.mode, 'bridge')
  t.match(await host.link.read('mac0'), { kind: 'macvlan', settings: { mode: 'bridge' } })
  await host.link.add({ kind: 'macvtap', name: 'tap0', link: 'v1', mode: 'vepa' })
  t.match((await showLink(host, 'tap0'))['linkinfo'], {
    info_kind: 'macvtap',
    info_data: { mode: 'vepa' },
  })
  await host.link.add({ kind: 'ifb', name: 'ifb9', up: true })
  t.equal((await showLink(host, 'ifb9'))['linkinfo'].info_kind, 'ifb')
  const spec = {
    id: 42,
    remote: '10.0.0.9',
    local: '10.0.0.1',
    port: 4789,
    ttl: 9,
  } as const
  await host.link.add({ kind: 'vxlan', name: 'vx0', learning: false, ...spec })
  t.match((await showLink(host, 'vx0'))['linkinfo'].info_data, {
    id: 42,
    remote: '10.0.0.9',
    local: '10.0.0.1',
    port: 4789,
    ttl: 9,
    learning: false,
  })
  const read = await host.link.read('vx0')
  t.match(read?.settings, { ...spec, learning: false })
  t.notOk(read?.settings?.['unknown'])
  await host.link.add({ kind: 'vxlan', name: 'vx6', id: 43, remote: 'fd00::2' })
  t.equal((await host.link.read('vx6'))?.settings?.['remote'], 'fd00::2')
})

t.test('kinds that this kernel lacks', async (t) => {
  const unknown = refusal('EOPNOTSUPP', /Unknown device type/)
  await t.rejects(host.link.add({ kind: 'dummy', name: 'x0' }), unknown)
  await t.rejects(host.link.add({ kind: 'vlan', name: 'x0', link: 'v1', id: 5 }), unknown)
  await t.rejects(host.link.add({ kind: 'ipvlan', name: 'x0', link: 'v1' }), unknown)
  await t.rejects(host.link.add({ kind: 'vrf', name: 'x0', table: 10 }), unknown)
})

t.test('what the kernel refuses', async (t) => {
  const { link } = host
  await t.rejects(link.addVeth({ name: 'v1' }, { name: 'x1' }), refusal('EEXIST'))
  await t.rejects(link.add({ kind: 'bridge', name: 'br0' }), refusal('EEXIST'))
  await t.rejects(link.set('v1', { name: 'br0' }), refusal('EEXIST'))
  await t.rejects(
    link.set('v1', { mtu: 67 }),
    refusal('EINVAL', /less than device minimum/),
  )
  await t.rejects(
    link.set('v1', { mtu: 70000 }),
    refusal('EINVAL', /greater than device max/),
  )
  await t.rejects(link.set('v1', { mac: '01:00:00:00:00:01' }), refusal('EADDRNOTAVAIL'))
  await t.rejects(link.set('v1', { master: 'vx0' }), refusal('EOPNOTSUPP'))
  await t.rejects(link.set(99_999, { up: true }), refusal('ENODEV'))
  await t.rejects(link.get('nobody'), refusal('ENODEV'))
  await t.rejects(link.del('nobody'), refusal('ENODEV'))
  await t.rejects(link.del('lo'), refusal('EOPNOTSUPP'))
  await t.rejects(link.delGroup(77), refusal('ENODEV'))
  await link.delIfExists('nobody')
  await t.rejects(
    link.add({ kind: 'macvlan', name: 'x0', link: 99_999 }),
    refusal('ENODEV'),
  )
})

t.test('the attribute at fault has its whole path', async (t) => {
  const plan = host.plan()
  const peer = { name: 'name-beyond-fifteen-bytes' }
  plan.raw(
    'link.new',
    { name: 'x0', info: { kind: 'veth', data: { peer } } },
    { flags: 0x600 },
  )
  await t.rejects(plan.run(), { name: 'NetlinkError', attribute: 'info.data.peer.name' })
  const tooBig = host.plan()
  const info = { kind: 'vxlan', data: { id: 0x1000000 } }
  tooBig.raw('link.new', { name: 'x0', info }, { flags: 0x600 })
  await t.rejects(tooBig.run(), { name: 'NetlinkError', attribute: 'info.data.id' })
})

t.test('bad input is refused by name, before the kernel sees it', async (t) => {
  const { link } = host
  for (const name of [
    '',
    '.',
    '..',
    'a/b',
    'a:b',
    'a b',
    'x'.repeat(16),
    'é'.repeat(8),
  ]) {
    await t.rejects(
      link.add({ kind: 'bridge', name }),
      { name: 'TypeError', message: /^name: / },
      name,
    )
    // A longer one may be an alternative name.
    const wrong = name.length < 8 ? { name: 'TypeError' } : { code: 'ENODEV' }
    await t.rejects(link.set(name, { up: true }), wrong, name)
  }
  for (const mtu of [-1, 1.5, 2 ** 31, Number.NaN]) {
    await t.rejects(link.set('v1', { mtu }), {
      name: 'TypeError',
      message: /^mtu: must .*147/,
    })
  }
  await t.rejects(link.set('v1', { mac: '02:00' }), {
    message: /^mac: must be a MAC/,
  })
  await t.rejects(link.set('v1', { alias: 'x'.repeat(256) }), TypeError)
  await t.rejects(link.set(-1, { up: true }), {
    name: 'TypeError',
    message: /^link: must .*not -1/,
  })
  await t.rejects(link.set({} as never, { up: true }), TypeError)
  await t.rejects(link.delGroup(0), {
    name: 'TypeError',
    message: /^group: must .*not 0/,
  })
  await t.rejects(link.add({ kind: 'nope' } as never), {
    message: /^kind: nope is not one/,
  })
  await t.rejects(link.add({ kind: 'vxlan', name: 'x0' }), { message: /^id: / })
  const macvlan = { kind: 'macvlan', name: 'x0', link: 'v1', mode: 'nope' } as never
  await t.rejects(link.add(macvlan), { name: 'TypeError', message: /^mode: nope/ })
})

t.test('delete one, and a group at once', async (t) => {
  await host.link.del('vx0')
  t.equal(await host.link.read('vx0', { optional: true }), undefined)
  const plan = host.plan()
  for (let i = 0; i < 5; i++) {
    plan.link.addVeth({ name: `g${i}`, group: 5 }, { name: `h${i}` })
  }
  await plan.run()
  await host.link.delGroup(5)
  t.notOk((await host.link.dump()).some(({ name }) => /^[gh]\d$/.test(name)))
})
