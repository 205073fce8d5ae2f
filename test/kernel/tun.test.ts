/**
 * tun and tap links, which /dev/net/tun makes.
 */
import t from 'tap'
import { NetNs, type TunSpec } from 'vnet-cni'
import { act, json, refusal, syscallError, threadNamespaces } from './helper.js'

function details(ns: NetNs, name: string) {
  return json(ns, `ip -d link show dev ${name}`)[0]
}

t.test('made as ip tuntap makes them', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    const bridge = p.link.add({ kind: 'bridge', name: 'br0' })
    p.link.add({ kind: 'tun', type: 'tun', name: 'tun0', owner: 54321, ownerGroup: 100 })
    p.link.add({
      kind: 'tun',
      type: 'tap',
      name: 'tap0',
      mac: '02:00:5e:10:00:01',
      mtu: 1400,
      master: bridge,
      alias: 'a tap',
      group: 9,
      up: true,
      vnetHeader: true,
      multiQueue: true,
      packetInformation: true,
    })
  })
  t.match(details(ns, 'tun0'), {
    mtu: 1500,
    linkinfo: {
      info_kind: 'tun',
      info_data: {
        type: 'tun',
        pi: false,
        vnet_hdr: false,
        persist: true,
        user: '54321',
      },
    },
  })
  t.match(details(ns, 'tap0'), {
    address: '02:00:5e:10:00:01',
    mtu: 1400,
    master: 'br0',
    ifalias: 'a tap',
    group: '9',
    linkinfo: {
      info_data: { type: 'tap', pi: true, vnet_hdr: true, multi_queue: true },
    },
  })
  const link = await ns.link.read('tap0')
  t.match(link, { kind: 'tun', up: true, settings: { type: 'tap', persist: true } })
  await ns.link.del('tap0')
  t.equal(await ns.link.read('tap0', { optional: true }), undefined)
  t.equal(threadNamespaces().length, 1)
})

t.test('taken, ensured, undone', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0' }))
  const tap = { kind: 'tun', type: 'tap', name: 'tap0' } as const
  const index = await ns.link.add(tap)
  for (const name of ['tap0', 'br0']) {
    const error = syscallError(() => ns.sync.link.add({ ...tap, name }))
    t.match(error, { op: 'tun.new', syscall: 'ioctl', code: 'EEXIST' }, name)
    t.match(error.message, name)
  }
  t.equal(await ns.link.ensure({ ...tap, mtu: 1300 }), index)
  t.equal((await ns.link.read('tap0'))?.mtu, 1300)
  refusal(ns, (p) => {
    p.link.add({ ...tap, name: 'tap1' })
    p.link.get('none')
  })
  refusal(ns, (p) => p.link.add({ ...tap, name: 'tap2', mtu: 10 }))
  t.strictSame(
    json(ns, 'ip link').map((link) => link['ifname']),
    ['lo', 'br0', 'tap0'],
  )
})

t.test('bad input', async (t) => {
  using ns = NetNs.create()
  const good: TunSpec = { type: 'tun', name: 'tun0' }
  const bad: [string, object][] = [
    ['type', { type: 'tub' }],
    ['name', { name: 'a name' }],
    ['name', { name: 'x'.repeat(16) }],
    ['owner', { owner: -1 }],
    ['ownerGroup', { ownerGroup: 2 ** 32 }],
    ['index', { index: 9 }],
    ['txQueues', { txQueues: 2 }],
  ]
  for (const [field, change] of bad) {
    const spec = { ...good, ...change, kind: 'tun' } as const
    const message = new RegExp(`^${field}: `)
    t.throws(() => ns.sync.link.add(spec), { name: 'TypeError', message }, field)
  }
  for (const args of [{}, { name: 'x' }, { name: 'x', type: 1, flags: 2 }, { name: 7 }]) {
    const plan = ns.plan()
    plan.raw('tun.new', args)
    t.throws(() => plan.runSync(), { name: 'TypeError', message: /^tun\.new\./ })
  }
  t.equal(json(ns, 'ip link').length, 1)
})
