import t from 'tap'
import { NetNs, type NeighbourSpec } from 'vnet-cni'
import { act, inside, ip, json, read, refusal } from './helper.js'

function room(): NetNs {
  const ns = NetNs.create()
  ip(ns, 'link add br0 index 2 up type bridge', 'link add eth0.1 type bridge')
  return ns
}

const permanent = (ns: NetNs) => json(ns, 'ip neighbour show nud permanent')

t.test('a permanent neighbour, set, changed, deleted', async (t) => {
  using ns = room()
  for (const address of ['10.0.0.9', '2001:db8::9']) {
    const spec: NeighbourSpec = { link: 2, address }
    act(ns, (p) => p.neighbour.replace({ ...spec, mac: '02:00:00:00:00:09' }))
    t.match(permanent(ns), [
      { dst: address, dev: 'br0', lladdr: '02:00:00:00:00:09', state: ['PERMANENT'] },
    ])
    act(ns, (p) => p.neighbour.replace({ ...spec, mac: '02:00:00:00:00:0a' }))
    t.match(permanent(ns), [{ dst: address, lladdr: '02:00:00:00:00:0a' }])
    act(ns, (p) => p.neighbour.delIfExists(spec))
    t.strictSame(permanent(ns), [])
    act(ns, (p) => p.neighbour.delIfExists(spec))
    act(ns, (p) => p.neighbour.delIfExists({ link: 4711, address }))
  }
})

t.test('a neighbour on a link of the same plan, and its undo', async (t) => {
  using ns = room()
  const make = (more: boolean) => {
    const plan = ns.plan()
    const link = plan.link.get('br0')
    plan.neighbour.replace({
      link,
      address: '10.0.0.9',
      mac: '02:00:00:00:00:09',
    })
    if (more) plan.link.get('none')
    return plan
  }
  t.throws(() => make(true).runSync(), { code: 'ENODEV', step: 2, undoFailures: [] })
  t.strictSame(permanent(ns), [])
  make(false).runSync()
  t.equal(permanent(ns).length, 1)
})

t.test('neighbours that are none', async (t) => {
  using ns = room()
  const mac = '02:00:00:00:00:09'
  t.match(
    refusal(ns, (p) => p.neighbour.replace({ link: 4711, address: '10.0.0.9', mac })),
    { code: 'ENODEV', op: 'neighbour.new' },
  )
  for (const [address, other] of [
    ['10.0.0', mac],
    ['10.0.0.9', 'mac'],
    ['fe80::1%br0', mac],
  ] as const) {
    t.throws(
      () => act(ns, (p) => p.neighbour.replace({ link: 2, address, mac: other })),
      { name: 'TypeError', message: /address|mac/ },
    )
  }
  t.strictSame(permanent(ns), [])
})

t.test('differential: neighbours as `ip neighbour` reports them', async (t) => {
  using ns = room()
  const lines = []
  for (let i = 1; i < 250; i++) {
    const mac = `02:00:00:00:00:${i.toString(16).padStart(2, '0')}`
    lines.push(`neighbour add 10.0.0.${i} lladdr ${mac} nud permanent dev br0`)
    lines.push(`neighbour add 2001:db8::${i.toString(16)} lladdr ${mac} dev br0`)
  }
  ip(ns, ...lines)
  const entries = read<{ address: string; mac: string; link: number }[]>(ns, (p) =>
    p.raw('neighbour.dump', {}),
  )
  const text = (dst: string, mac: string) => `${dst} ${mac}`
  const ours = entries.filter((e) => e.link === 2).map((e) => text(e.address, e.mac))
  const theirs = permanent(ns).map((e) => text(e['dst'], e['lladdr']))
  t.equal(theirs.length, 498)
  const missing = theirs.filter((entry) => !ours.includes(entry))
  t.strictSame(missing, [])
})

t.test('sysctls are those of the namespace', async (t) => {
  using ns = room()
  using other = NetNs.create()
  const plan = ns.plan()
  const before = plan.sysctl.get('net/ipv4/ip_forward')
  plan.sysctl.set('net/ipv4/ip_forward', '1')
  const after = plan.sysctl.get('net/ipv4/ip_forward')
  const elsewhere = plan.in(other).sysctl.get('net/ipv4/ip_forward')
  const done = await plan.run()
  t.strictSame(
    [before, after, elsewhere].map((ref) => done.of(ref)),
    ['0', '1', '0'],
  )
  t.equal(inside(ns, 'cat', ['/proc/sys/net/ipv4/ip_forward']), '1\n')
  t.equal(inside(other, 'cat', ['/proc/sys/net/ipv4/ip_forward']), '0\n')
})

t.test('a sysctl of an interface whose name has a dot', async (t) => {
  using ns = room()
  act(ns, (p) => p.sysctl.set('net/ipv4/conf/eth0.1/forwarding', '1'))
  t.equal(
    read(ns, (p) => p.sysctl.get('net/ipv4/conf/eth0.1/forwarding')),
    '1',
  )
  t.equal(
    read(ns, (p) => p.sysctl.get('net/ipv4/conf/br0/forwarding')),
    '0',
  )
})

t.test('sysctls that fail', async (t) => {
  using ns = room()
  const none = { name: 'SyscallError', code: 'ENOENT', syscall: 'open' }
  t.throws(() => act(ns, (p) => p.sysctl.get('net/ipv4/none')), {
    ...none,
    op: 'sysctl.get',
  })
  t.throws(() => act(ns, (p) => p.sysctl.set('net/ipv4/none', '1')), none)
  t.throws(() => act(ns, (p) => p.sysctl.set('net/ipv4/ip_forward', 'much')), {
    name: 'SyscallError',
    code: 'EINVAL',
    syscall: 'write',
    op: 'sysctl.set',
  })
  for (const name of ['/etc/passwd', '../../etc/passwd', 'net/../../self/environ', '']) {
    // The verbs refuse it first; the addon does not rely on that.
    t.throws(() => act(ns, (p) => p.sysctl.get(name)), TypeError, name)
    t.throws(
      () => act(ns, (p) => p.raw('sysctl.get', { name })),
      { code: 'EINVAL' },
      name,
    )
  }
  t.throws(() => act(ns, (p) => p.raw('sysctl.get', { name: 5 })), {
    name: 'TypeError',
    message: /sysctl\.get\.name: must be a string/,
  })
  t.throws(() => act(ns, (p) => p.raw('sysctl.set', { name: 'x', value: 1 })), {
    name: 'TypeError',
    message: /sysctl\.set\.value: must be a string/,
  })
})
