import t from 'tap'
import { NetNs, type Address, type AddressSpec } from 'vnet-cni'
import { act, ip, json, read, refusal, type Json } from './helper.js'

const dump = (ns: NetNs) => read<Address[]>(ns, (p) => p.address.dump())

/** A namespace with a bridge at index 2. */
function room(): NetNs {
  const ns = NetNs.create()
  ip(ns, 'link add br0 index 2 up address 02:00:00:00:00:01 type bridge')
  return ns
}

const seen = (ns: NetNs, local: string): Json | undefined =>
  json(ns, 'ip -d address show dev br0')
    .flatMap((l) => l['addr_info'] as Json[])
    .find((a) => a['local'] === local)

const FOREVER = 4294967295

t.test('IPv4', async (t) => {
  using ns = room()
  const plan = ns.plan()
  const link = plan.link.get('br0')
  plan.address.add({ link, address: '10.0.0.5/24' })
  plan.address.add({
    link,
    address: '10.1.0.5/16',
    broadcast: '10.1.255.255',
    scope: 'link',
    label: 'br0:one',
    metric: 77,
    flags: 0x200,
    lifetime: { preferred: 1000, valid: 2000 },
  })
  await plan.run()
  t.match(seen(ns, '10.0.0.5'), { prefixlen: 24, scope: 'global', label: 'br0' })
  t.equal(seen(ns, '10.0.0.5')?.['broadcast'], undefined)
  t.equal(seen(ns, '10.0.0.5')?.['valid_life_time'], FOREVER)
  t.match(seen(ns, '10.1.0.5'), {
    prefixlen: 16,
    broadcast: '10.1.255.255',
    scope: 'link',
    label: 'br0:one',
    metric: 77,
    noprefixroute: true,
  })
  t.ok(seen(ns, '10.1.0.5')?.['valid_life_time'] <= 2000)
  t.strictSame(
    dump(ns).find((a) => a.address === '10.0.0.5/24'),
    {
      link: 2,
      family: 'ipv4',
      address: '10.0.0.5/24',
      scope: 'global',
      label: 'br0',
      flags: 0x80,
      lifetime: { preferred: FOREVER, valid: FOREVER },
    },
  )
})

t.test('the other end of a point-to-point link', async (t) => {
  using ns = room()
  act(ns, (p) => p.address.add({ link: 2, address: '10.0.0.1/32', peer: '10.0.0.2' }))
  act(ns, (p) =>
    p.address.add({ link: 2, address: '2001:db8::1/128', peer: '2001:db8::2', flags: 2 }),
  )
  t.match(seen(ns, '10.0.0.1'), { address: '10.0.0.2', prefixlen: 32 })
  t.match(seen(ns, '2001:db8::1'), { address: '2001:db8::2', prefixlen: 128 })
  const peers = dump(ns).flatMap((a) => (a.peer ? [[a.address, a.peer]] : []))
  t.strictSame(peers, [
    ['10.0.0.1/32', '10.0.0.2'],
    ['2001:db8::1/128', '2001:db8::2'],
  ])
  act(ns, (p) => p.address.del({ link: 2, address: '10.0.0.1/32', peer: '10.0.0.2' }))
  t.equal(seen(ns, '10.0.0.1'), undefined)
})

t.test('IPv6 comes back in canonical form', async (t) => {
  using ns = room()
  act(ns, (p) =>
    p.address.add({ link: 2, address: '2001:DB8:0:0:0:0:0:5/64', flags: 0x02 }),
  )
  t.match(seen(ns, '2001:db8::5'), { prefixlen: 64, scope: 'global', nodad: true })
  const ours = dump(ns).find((a) => a.address === '2001:db8::5/64')
  t.match(ours, { family: 'ipv6', link: 2, scope: 'global' })
})

t.test('EEXIST and ensure', async (t) => {
  using ns = room()
  for (const address of ['10.0.0.5/24', '2001:db8::5/64']) {
    const spec: AddressSpec = { link: 2, address }
    act(ns, (p) => p.address.ensure(spec))
    act(ns, (p) => p.address.ensure(spec))
    const error = refusal(ns, (p) => {
      p.link.get('br0')
      p.address.add(spec)
    })
    t.match(error, { code: 'EEXIST', errno: 17, op: 'address.new', step: 1 })
    t.match(error.message, address.split('/')[0])
    t.equal(dump(ns).filter((a) => a.address === address).length, 1)
  }
})

t.test('EADDRNOTAVAIL, ENODEV and delIfExists', async (t) => {
  using ns = room()
  for (const address of ['10.0.0.5/24', '2001:db8::5/64']) {
    const spec: AddressSpec = { link: 2, address }
    act(ns, (p) => p.address.add(spec))
    act(ns, (p) => p.address.del(spec))
    t.equal(seen(ns, address.split('/')[0] as string), undefined)
    t.match(
      refusal(ns, (p) => p.address.del(spec)),
      { code: 'EADDRNOTAVAIL', errno: 99, op: 'address.del' },
    )
    act(ns, (p) => p.address.delIfExists(spec))
    act(ns, (p) => p.address.delIfExists({ link: 4711, address }))
    t.match(
      refusal(ns, (p) => p.address.add({ link: 4711, address })),
      { code: 'ENODEV', errno: 19 },
    )
  }
})

t.test('the kernel’s words', async (t) => {
  using ns = room()
  const wrong = refusal(ns, (p) =>
    p.address.add({
      link: 2,
      address: '10.0.0.5/24',
      lifetime: { preferred: 9, valid: 0 },
    }),
  )
  t.equal(wrong.code, 'EINVAL')
  t.match(wrong.extAck, /lifetime/i)
  const family = { family: 10, prefixLength: 24, index: 2, local: '10.0.0.5' }
  const mixed = refusal(ns, (p) => p.raw('address.new', family, { flags: 0x600 }))
  t.equal(mixed.code, 'ERANGE')
  t.match(mixed.attribute, 'local', 'the attribute that the kernel points at')
})

t.test('refused before the kernel is asked', async (t) => {
  using ns = room()
  const bad: [Partial<AddressSpec>, RegExp][] = [
    [{ address: '10.0.0.300/24' }, /^address: /],
    [{ address: '10.0.0.5/33' }, /^address: .*0 to 32/],
    [{ address: '2001:db8::1/129' }, /^address: .*0 to 128/],
    [{ address: '10.0.0.5/24', peer: 'x' }, /peer|address/],
    [{ address: '10.0.0.5/24', link: -1 }, /link: must be an interface/],
    [{ address: '10.0.0.5/24', scope: 'far' as never }, /^scope: far is not one of/],
    [{ address: '10.0.0.5/24', metric: -4 }, /metric/],
    [{ address: '10.0.0.5/24', broadcast: '10.0.0' }, /broadcast/],
    [{ address: '10.0.0.5/24', lifetime: { preferred: -1, valid: 2 ** 33 } }, /lifetime/],
  ]
  for (const [spec, message] of bad) {
    const add = () =>
      act(ns, (p) => p.address.add({ link: 2, address: '', ...spec } as AddressSpec))
    t.throws(add, { name: 'TypeError', message })
  }
  t.strictSame(
    dump(ns).filter((a) => a.family === 'ipv4'),
    [],
  )
})

t.test('what was read can be added again', async (t) => {
  using ns = room()
  ip(
    ns,
    'address add 10.0.0.5/24 broadcast + label br0:x metric 9 dev br0',
    'address add 10.0.0.1 peer 10.9.0.0/16 dev br0',
    'address add 10.2.0.7/24 noprefixroute dev br0',
    'address add 2001:db8::5/64 nodad metric 300 dev br0',
    'address add fd00::1/128 nodad home dev br0',
  )
  const before = json(ns, 'ip address')
  const all = dump(ns).filter((a) => a.link === 2)
  act(ns, (p) => all.forEach((a) => p.address.del(a)))
  t.strictSame(
    dump(ns).filter((a) => a.link === 2),
    [],
  )
  // The kernel lists the IPv6 addresses of a link newest first.
  const v4 = all.filter((a) => a.family === 'ipv4')
  const v6 = all.filter((a) => a.family === 'ipv6').toReversed()
  act(ns, (p) => [...v4, ...v6].forEach((a) => p.address.add(a)))
  t.strictSame(json(ns, 'ip address'), before)
})

t.test('undo of a delete puts the address back as it was', async (t) => {
  using ns = room()
  ip(ns, 'address add 10.0.0.5/24 broadcast + label br0:x metric 9 dev br0')
  const before = json(ns, 'ip address')
  const [address] = dump(ns)
  refusal(ns, (p) => {
    p.address.del(address as Address)
    p.link.get('none')
  })
  t.strictSame(json(ns, 'ip address'), before)
})

t.test('differential: addresses equal those of `ip -d address`', async (t) => {
  using ns = room()
  const lines = ['link set lo up']
  for (let i = 1; i < 250; i++) lines.push(`address add 10.0.${i}.1/24 dev br0`)
  for (let i = 1; i < 250; i++)
    lines.push(`address add 2001:db8:${i}::1/64 dev br0 nodad`)
  ip(ns, ...lines)
  const ours = dump(ns).map((a) => `${a.link} ${a.family} ${a.address} ${a.scope}`)
  const theirs = json(ns, 'ip -d address').flatMap((l) =>
    (l['addr_info'] as Json[]).map((a) => {
      const family = a['family'] === 'inet' ? 'ipv4' : 'ipv6'
      return `${l['ifindex']} ${family} ${a['local']}/${a['prefixlen']} ${a['scope']}`
    }),
  )
  t.ok(ours.length >= 2 + 249 * 2, 'lo has two')
  t.strictSame(ours.toSorted(), theirs.toSorted())
})
