import t from 'tap'
import { NetNs, type Link, type LinkChange } from 'vnet-cni'
import { act, inside, ip, json, read, refusal } from './helper.js'

const find = (ns: NetNs, name: string) =>
  json(ns, 'ip -d link').find((l) => l['ifname'] === name)
const readLink = (ns: NetNs, which: string | number) =>
  read<Link | undefined>(ns, (p) => p.link.read(which, { optional: true }))

t.test('a bridge with its settings', async (t) => {
  using ns = NetNs.create()
  const plan = ns.plan()
  const ref = plan.link.add({
    kind: 'bridge',
    name: 'br0',
    mac: '02:00:00:00:00:01',
    mtu: 1400,
    alias: 'the bridge',
    up: true,
    stp: true,
    forwardDelay: 400,
  })
  const index = (await plan.run()).of(ref)
  const seen = find(ns, 'br0')
  t.match(seen, {
    ifindex: index,
    address: '02:00:00:00:00:01',
    mtu: 1400,
    ifalias: 'the bridge',
    linkinfo: { info_kind: 'bridge', info_data: { stp_state: 1, forward_delay: 400 } },
  })
  t.ok(seen?.['flags'].includes('UP'))
  t.match(readLink(ns, 'br0'), {
    index,
    name: 'br0',
    mac: '02:00:00:00:00:01',
    mtu: 1400,
    up: true,
    kind: 'bridge',
    alias: 'the bridge',
  })
})

t.test('a bridge without settings does not make ports wait', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0' }))
  const data = find(ns, 'br0')?.['linkinfo'].info_data
  t.equal(data.stp_state, 0)
  t.equal(data.forward_delay, 0)
  t.notOk(find(ns, 'br0')?.['flags'].includes('UP'))
})

t.test(
  'veth: the peer is born in another namespace with all that it was given',
  async (t) => {
    using host = NetNs.create()
    using pod = NetNs.create()
    const plan = host.plan()
    const bridge = plan.link.add({ kind: 'bridge', name: 'br0', up: true })
    const [outer, inner] = plan.link.addVeth(
      { name: 'azv0', master: bridge, up: true, mtu: 1400, alias: 'out' },
      {
        name: 'eth0',
        netns: pod,
        mac: '02:00:00:00:00:02',
        mtu: 1300,
        up: true,
        alias: 'in',
      },
    )
    const done = await plan.run()
    const out = find(host, 'azv0')
    const within = find(pod, 'eth0')
    t.equal(out?.['ifindex'], done.of(outer))
    t.equal(within?.['ifindex'], done.of(inner))
    t.match(out, { mtu: 1400, master: 'br0', ifalias: 'out', link_index: done.of(inner) })
    t.match(within, {
      mtu: 1300,
      address: '02:00:00:00:00:02',
      link_index: done.of(outer),
    })
    t.ok(out?.['flags'].includes('UP'), 'outer end up')
    t.ok(within?.['flags'].includes('UP'), 'inner end up')
    t.equal(within?.['ifalias'], 'in', 'alias of the inner end')
    t.equal(find(host, 'eth0'), undefined)
    t.match(readLink(pod, 'eth0'), { kind: 'veth', link: done.of(outer), mtu: 1300 })
  },
)

t.test('veth: both ends in one namespace, the inner one a port', async (t) => {
  using ns = NetNs.create()
  const plan = ns.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'br0' })
  const [a, b] = plan.link.addVeth({ name: 'v0' }, { name: 'v1', master: bridge })
  const done = plan.runSync()
  t.equal(find(ns, 'v0')?.['ifindex'], done.of(a))
  t.equal(find(ns, 'v1')?.['ifindex'], done.of(b))
  t.equal(find(ns, 'v1')?.['master'], 'br0')
})

t.test('flags of a port', async (t) => {
  using ns = NetNs.create()
  const plan = ns.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'br0' })
  const [port] = plan.link.addVeth({ name: 'v0', master: bridge }, { name: 'v1' })
  plan.bridgePort.set(port, {
    hairpin: true,
    isolated: true,
    learning: false,
    flood: false,
  })
  plan.runSync()
  const seen = () => json(ns, 'bridge -d link').find((l) => l['ifname'] === 'v0')
  t.match(seen(), { hairpin: true, isolated: true, learning: false, flood: false })
  act(ns, (p) => p.bridgePort.set(p.link.get('v0'), { hairpin: false }))
  t.match(seen(), { hairpin: false, isolated: true }, 'the others stay')
  const error = refusal(ns, (p) => p.bridgePort.set(p.link.get('v1'), { hairpin: true }))
  t.equal(error.code, 'EOPNOTSUPP')
  t.equal(error.op, 'bridgePort.set')
  t.equal(error.step, 1)
})

t.test('changes: name, MAC, MTU, alias, master, up and down', async (t) => {
  using ns = NetNs.create()
  ip(ns, 'link add br0 type bridge', 'link add v0 type veth peer name v1')
  const change = (what: LinkChange) => act(ns, (p) => p.link.set(p.link.get('v0'), what))
  change({ mac: '02:00:00:00:00:09', mtu: 1280, alias: 'a text', up: true })
  t.match(find(ns, 'v0'), { address: '02:00:00:00:00:09', mtu: 1280, ifalias: 'a text' })
  t.ok(find(ns, 'v0')?.['flags'].includes('UP'))
  const master = readLink(ns, 'br0')?.index
  change({ master })
  t.equal(find(ns, 'v0')?.['master'], 'br0')
  t.equal(readLink(ns, 'v0')?.master, master)
  change({ master: 0, up: false })
  t.equal(find(ns, 'v0')?.['master'], undefined)
  t.notOk(find(ns, 'v0')?.['flags'].includes('UP'))
  change({ alias: '' })
  t.equal(find(ns, 'v0')?.['ifalias'], undefined, 'an empty alias takes it away')
  change({ name: 'renamed' })
  t.ok(find(ns, 'renamed'))
  t.equal(readLink(ns, 'v0'), undefined)
})

t.test('names of 15 bytes, with dots and beyond ASCII', async (t) => {
  using ns = NetNs.create()
  for (const name of ['abcdefghijklmno', 'eth0.100', 'ünïcödé', '-x']) {
    act(ns, (p) => p.link.add({ kind: 'bridge', name }))
    t.equal(readLink(ns, name)?.name, name)
  }
})

t.test('a percent sign would be a pattern to the kernel', async (t) => {
  using ns = NetNs.create()
  for (const name of ['a%d', 'a%s', '%']) {
    t.throws(() => act(ns, (p) => p.link.add({ kind: 'bridge', name })), {
      name: 'TypeError',
    })
  }
  t.equal(json(ns, 'ip link').length, 1)
})

// The kernel looks at bytes, and takes 0xa0 for white space: "à" is C3 A0.
t.test('letters whose bytes the kernel takes for white space', async (t) => {
  using ns = NetNs.create()
  for (const name of ['aà', 'Šx', 'a\u00a0']) {
    t.throws(
      () => act(ns, (p) => p.link.add({ kind: 'bridge', name })),
      { name: 'TypeError' },
      name,
    )
    const args = ['link', 'add', name, 'type', 'bridge']
    t.throws(() => inside(ns, 'ip', args), { message: /Invalid argument/ }, 'the kernel')
  }
})

t.test('delete', async (t) => {
  using ns = NetNs.create()
  ip(ns, 'link add v0 type veth peer name v1', 'link add br0 type bridge')
  act(ns, (p) => p.link.del(p.link.get('v1')))
  t.equal(readLink(ns, 'v0'), undefined, 'the peer went along')
  act(ns, (p) => p.link.delIfExists('br0'))
  act(ns, (p) => p.link.delIfExists('br0'))
  t.strictSame(
    read<Link[]>(ns, (p) => p.link.dump()).map((l) => l.name),
    ['lo'],
  )
})

t.test('EEXIST, and ensure', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0' }))
  const error = refusal(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0' }))
  t.match(error, {
    name: 'NetlinkError',
    code: 'EEXIST',
    errno: 17,
    op: 'link.new',
    step: 0,
  })
  t.match(error.message, /br0/, 'the message names the link')
  const plan = ns.plan()
  const ref = plan.link.ensure({ kind: 'bridge', name: 'br0', alias: 'again' })
  t.equal(plan.runSync().of(ref), readLink(ns, 'br0')?.index)
  using pod = NetNs.create()
  ip(pod, 'link add eth0 type bridge')
  const taken = refusal(ns, (p) =>
    p.link.addVeth({ name: 'v0' }, { name: 'eth0', netns: pod }),
  )
  t.equal(taken.code, 'EEXIST')
  t.equal(readLink(ns, 'v0'), undefined, 'no half of a pair is left')
})

t.test('ENODEV', async (t) => {
  using ns = NetNs.create()
  t.match(
    refusal(ns, (p) => p.link.get('none')),
    { code: 'ENODEV', op: 'link.get' },
  )
  t.match(
    refusal(ns, (p) => p.link.read(4711)),
    { code: 'ENODEV', errno: 19 },
  )
  t.match(
    refusal(ns, (p) => p.link.del(4711)),
    { code: 'ENODEV', op: 'link.del' },
  )
  t.match(
    refusal(ns, (p) => p.link.set(4711, { up: true })),
    { code: 'ENODEV' },
  )
  t.equal(readLink(ns, 'none'), undefined)
  t.match(
    refusal(ns, (p) => p.link.addVeth({ name: 'a', master: 4711 }, { name: 'b' })),
    {
      code: /^(EINVAL|ENODEV)$/,
      op: 'link.new',
    },
  )
  t.equal(readLink(ns, 'a'), undefined)
})

t.test('the kernel’s own words', async (t) => {
  using ns = NetNs.create()
  const args = { name: 'd0', info: { kind: 'no-such-kind' } }
  const error = refusal(ns, (p) => p.raw('link.new', args, { flags: 0x600 }))
  t.match(error, {
    code: 'EOPNOTSUPP',
    errno: 95,
    extAck: 'Unknown device type',
    op: 'link.new',
    step: 0,
  })
  t.match(error.message, 'Unknown device type')
  const mtu = refusal(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0', mtu: 20 }))
  t.equal(mtu.code, 'EINVAL')
  t.match(mtu.extAck, /mtu/i)
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br1' }))
  const loop = refusal(ns, (p) => {
    const inner = p.link.add({ kind: 'bridge', name: 'br2' })
    p.link.set(inner, { master: p.link.get('br1') })
  })
  t.match(loop, {
    code: 'ELOOP',
    extAck: 'Can not enslave a bridge to a bridge',
    step: 2,
  })
})

t.test(
  'what is no link name, MAC or MTU is refused before the kernel is asked',
  async (t) => {
    using ns = NetNs.create()
    const bad: [object, RegExp][] = [
      [{ name: 'x', mac: '02:00:00:00:00' }, /^mac: must be a MAC address/],
      [{ name: 'x', mac: 'zz:00:00:00:00:01' }, /mac/],
      [{ name: 'x', mtu: -1 }, /^mtu: must be an integer/],
      [{ name: 'x', mtu: 1.5 }, /mtu: must be an integer/],
      [{ name: 'x', mtu: 2 ** 32 }, /mtu/],
    ]
    for (const [spec, text] of bad) {
      const bridge = { kind: 'bridge', ...(spec as { name: string }) } as const
      t.throws(() => act(ns, (p) => p.link.add(bridge)), {
        name: 'TypeError',
        message: text,
      })
    }
    t.throws(() => ns.plan().link.add({ kind: 'bridge', name: 'a/b' }), TypeError)
    t.equal(json(ns, 'ip link').length, 1)
  },
)
