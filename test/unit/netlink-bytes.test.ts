import t from 'tap'
import { NetNs, type AnyLinkSpec } from '../../dist/esm/index.js'

// Only makes plans: nothing runs, so that no right is needed and kinds that this kernel lacks
// can be looked at.
const host = NetNs.current()
t.teardown(() => host.close())

function infoOf(spec: AnyLinkSpec) {
  const plan = host.plan()
  plan.link.add(spec)
  const { link, info } = plan.steps.at(-1)?.args ?? {}
  return JSON.parse(JSON.stringify({ link, info }))
}

t.test('link kinds in the addon’s form', async (t) => {
  t.strictSame(infoOf({ kind: 'vlan', name: 'v', link: 3, id: 7, protocol: '802.1ad' }), {
    link: 3,
    info: { kind: 'vlan', data: { id: 7, protocol: 0x88a8 } },
  })
  t.strictSame(
    infoOf({ kind: 'ipvlan', name: 'i', link: 3, mode: 'l2', isolation: 'vepa' }),
    {
      link: 3,
      info: { kind: 'ipvlan', data: { mode: 0, flags: 2 } },
    },
  )
  t.strictSame(infoOf({ kind: 'vrf', name: 'r', table: 70_000 }), {
    info: { kind: 'vrf', data: { table: 70_000 } },
  })
  t.strictSame(infoOf({ kind: 'dummy', name: 'd' }), { info: { kind: 'dummy' } })
  t.strictSame(infoOf({ kind: 'macvlan', name: 'm', link: 'eth0', mode: 'passthru' }), {
    link: { ref: 0 },
    info: { kind: 'macvlan', data: { mode: 8 } },
  })
  t.throws(
    () => infoOf({ kind: 'vlan', name: 'v', link: 3, id: 4095 }),
    /^id: must .*not 4095/,
  )
  t.throws(() => infoOf({ kind: 'vrf', name: 'r', table: 0 }), /^table: must .*not 0/)
})

t.test('VLANs of bridge ports', async (t) => {
  const plan = host.plan()
  plan.bridgePort.addVlan(5, { id: 10, to: 20, untagged: true })
  plan.bridgePort.addVlan(5, { id: 30, pvid: true, self: true })
  plan.bridgePort.delVlan(5, { id: 30, pvid: true })
  const spec = plan.steps.map(({ op, args }) => [op, args['spec']])
  t.strictSame(spec, [
    [
      'bridgePort.set',
      {
        flags: 1,
        vlans: [
          { id: 10, flags: 12 },
          { id: 20, flags: 20 },
        ],
      },
    ],
    ['bridgePort.set', { flags: 2, vlans: [{ id: 30, flags: 2 }] }],
    ['bridgePort.del', { flags: 1, vlans: [{ id: 30, flags: 0 }] }],
  ])
})

t.test('a name costs one look-up in the namespace that it is meant for', async (t) => {
  const plan = host.plan()
  plan.address.delIfExists({ link: 'eth0', address: '10.0.0.1/24' })
  t.match(plan.steps, [
    { op: 'link.get', args: { name: 'eth0' }, accept: [19] },
    { op: 'address.del', args: { index: { ref: 0 } }, accept: [99, 19] },
  ])
})
