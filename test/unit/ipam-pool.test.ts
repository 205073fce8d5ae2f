import t from 'tap'
import { buildPools, inOrder, pickAddress } from '../../dist/esm/ipam/pool.js'
import type { Pool } from '../../dist/esm/ipam/types.js'
import { interfaceOf, nic, nic2 } from './fixtures-ipam/hosts.mjs'

const summary = (pools: Pool[]) => pools.map((p) => `${p.nic} ${p.prefix}`)
const second = { mac: nic2.mac, primary: false }

t.test('one pool, the primary address left to the host', async (t) => {
  t.strictSame(buildPools([interfaceOf('10.0.0.0/24', 4, 6)], [nic]), [
    {
      prefix: '10.0.0.0/24',
      family: 'ipv4',
      gateway: '10.0.0.1',
      nic: 'eth0',
      nicMac: '00:0d:3a:00:00:01',
      primary: true,
      addresses: ['10.0.0.5', '10.0.0.6'],
    },
  ])
})

t.test('MACs match in any spelling, unknown NICs are skipped', async (t) => {
  const info = [
    interfaceOf('10.0.0.0/24', 4, 6, { mac: '000D3A000001' }),
    interfaceOf('10.9.0.0/24', 4, 6, { mac: '00:00:00:00:00:99' }),
  ]
  t.strictSame(summary(buildPools(info, [nic, { name: 'ib0', index: 9, mac: '' }])), [
    'eth0 10.0.0.0/24',
  ])
})

t.test('order: other NICs before the first, larger, then by prefix number', async (t) => {
  const info = [
    interfaceOf('10.0.0.0/24', 4, 200),
    interfaceOf('10.0.10.0/24', 4, 6, second),
    interfaceOf('10.0.9.0/24', 4, 6, second),
    interfaceOf('10.0.11.0/24', 4, 9, second),
  ]
  t.strictSame(summary(buildPools(info, [nic, nic2])), [
    'eth1 10.0.11.0/24',
    'eth1 10.0.9.0/24',
    'eth1 10.0.10.0/24',
    'eth0 10.0.0.0/24',
  ])
})

t.test('one prefix twice: merged on one NIC, apart on two', async (t) => {
  const info = [
    interfaceOf('10.0.0.0/24', 9, 11),
    interfaceOf('10.0.0.0/24', 8, 10),
    interfaceOf('10.0.0.0/24', 20, 21, second),
  ]
  const pools = buildPools(info, [nic, nic2])
  t.strictSame(
    pools.map((p) => [p.nic, p.addresses]),
    [
      ['eth1', ['10.0.0.21']],
      ['eth0', ['10.0.0.9', '10.0.0.10', '10.0.0.11']],
    ],
  )
})

t.test('"*" is tied to the NIC that carries the subnet', async (t) => {
  const info = [interfaceOf('10.0.0.0/24', 4, 6, { mac: '*' })]
  const carrier = { ...nic2, addresses: ['fe80::1/64', '10.0.0.4/24'] }
  t.match(buildPools(info, [nic, carrier])[0], {
    nic: 'eth1',
    nicMac: '00:0d:3a:00:00:02',
  })
  t.match(buildPools(info, [nic, nic2])[0], { nic: '', nicMac: '' })
  t.match(buildPools(info, [nic])[0], { nic: 'eth0' }, 'the only NIC')
})

t.test('of NICs with one MAC, the one with the address; else the lowest', async (t) => {
  const info = [interfaceOf('10.0.0.0/24', 4, 6)]
  const bridge = { ...nic, name: 'azure0', index: 9, addresses: ['10.0.0.4/24'] }
  t.strictSame(summary(buildPools(info, [nic, bridge])), ['azure0 10.0.0.0/24'])
  const vf = { ...nic, name: 'enP1', index: 7 }
  t.strictSame(summary(buildPools(info, [vf, nic])), ['eth0 10.0.0.0/24'])
})

t.test('an address that is told of twice', async (t) => {
  for (const ranks of [
    [true, false],
    [false, true],
  ]) {
    const addresses = ranks.map((primary) => ({ address: '10.0.0.5', primary }))
    const subnets = [{ prefix: '10.0.0.0/24', addresses }]
    const info = inOrder([{ mac: nic.mac, primary: true, subnets }])
    t.strictSame(buildPools(info, [nic])[0]?.addresses, ['10.0.0.5'])
  }
})

t.test('IPv6 pools', async (t) => {
  const addresses = ['fd00::4', 'fd00::10', 'fd00::9']
  const subnet = {
    prefix: 'fd00::/64',
    addresses: addresses.map((address, i) => ({ address, primary: i === 0 })),
  }
  const info = inOrder([{ mac: nic.mac, primary: true, subnets: [subnet] }])
  const [pool] = buildPools(info, [nic])
  t.match(pool, {
    family: 'ipv6',
    gateway: 'fd00::1',
    addresses: ['fd00::9', 'fd00::10'],
  })
})

t.test('picking', async (t) => {
  const [pool] = buildPools([interfaceOf('10.0.0.0/24', 8, 11)], [nic])
  const none = new Set<string>()
  const now = 1_000_000
  const pick = (taken: Iterable<string>, freed: Record<string, number>, at = now) =>
    pickAddress(pool!, new Set(taken), new Map(Object.entries(freed)), at)
  t.equal(pick(none, {}), '10.0.0.9', 'lowest by number')
  t.equal(pick(['10.0.0.9'], {}), '10.0.0.10')
  t.equal(pick(none, { '10.0.0.9': now - 29_999 }), '10.0.0.10', 'rests')
  t.equal(pick(none, { '10.0.0.9': now - 30_000 }), '10.0.0.9', 'rested')
  t.equal(pick(none, { '10.0.0.9': now + 60_000 }), '10.0.0.9', 'clock was set back')
  const all = { '10.0.0.9': now - 10, '10.0.0.10': now - 30, '10.0.0.11': now - 20 }
  t.equal(pick(none, all), '10.0.0.10', 'freed longest ago')
  t.equal(pick(['10.0.0.10'], all), '10.0.0.11')
  t.equal(pick(pool!.addresses, {}), undefined, 'full')
})

t.test('picking a requested address', async (t) => {
  const [pool] = buildPools([interfaceOf('10.0.0.0/24', 8, 11)], [nic])
  const freed = new Map([['10.0.0.10', 999]])
  const pick = (taken: string[], wanted: string) =>
    pickAddress(pool!, new Set(taken), freed, 1000, wanted)
  t.equal(pick([], '10.0.0.10'), '10.0.0.10', 'even while it rests')
  t.throws(() => pick(['10.0.0.10'], '10.0.0.10'), {
    name: 'AddressError',
    reason: 'in-use',
    address: '10.0.0.10',
  })
  t.throws(() => pick([], '10.0.0.8'), { name: 'AddressError', reason: 'not-in-pool' })
})
