import t from 'tap'
import type { Address, Link, Route } from 'vnet-cni'
import { chooseNic, hostNics, nicByMac, primaryNic } from '../../dist/esm/vnet/index.js'

const NIC = '00:0d:3a:00:00:01'

function link(index: number, name: string, more: Partial<Link> = {}): Link {
  const still = {
    operState: 'up',
    group: 0,
    txQueueLength: 1000,
    promiscuity: 0,
  } as const
  return { index, name, mac: NIC, mtu: 1500, up: true, flags: 1, ...still, ...more }
}

function route(more: Partial<Route>): Route {
  return {
    family: 'ipv4',
    to: 'default',
    table: 'main',
    protocol: 'dhcp',
    scope: 'global',
    type: 'unicast',
    ...more,
  }
}

const lo = link(1, 'lo', { mac: '00:00:00:00:00:00', flags: 9 })
const eth0 = link(2, 'eth0')
const eth1 = link(3, 'eth1', { mac: '00:0d:3a:00:00:02' })
const bridge = link(5, 'azure2', { kind: 'bridge' })

t.test('the NIC among links of one MAC', async (t) => {
  t.equal(nicByMac([lo, eth0, eth1], NIC), eth0)
  t.equal(nicByMac([lo, eth0, eth1], NIC.toUpperCase()), eth0)
  t.equal(nicByMac([lo, eth0], '02:00:00:00:00:99'), undefined)
  t.equal(nicByMac([bridge, eth0], NIC), eth0, 'not the bridge over it')
  t.equal(nicByMac([bridge], NIC), undefined)
})

t.test('accelerated networking: the VF is beneath the NIC', async (t) => {
  const vf = link(4, 'enP1s1', { master: 2 })
  for (const links of [
    [vf, eth0],
    [eth0, vf],
    [vf, bridge, link(2, 'eth0', { master: 5 })],
  ]) {
    t.equal(nicByMac(links, NIC)?.name, 'eth0')
    t.strictSame(
      hostNics(links).map((l) => l.name),
      ['eth0'],
    )
  }
})

t.test('the NIC as a port of its bridge, and other ports', async (t) => {
  const port = link(2, 'eth0', { master: 5 })
  const pod = link(7, 'azv0123456789a', {
    mac: '02:00:00:00:00:07',
    kind: 'veth',
    master: 5,
  })
  t.equal(nicByMac([bridge, port, pod], NIC), port)
  t.strictSame(hostNics([lo, bridge, port, pod, eth1]), [port, eth1])
})

t.test('links that cannot be NICs', async (t) => {
  const tunnel = link(8, 'tun0', { mac: '' })
  t.strictSame(hostNics([lo, tunnel, bridge]), [])
})

t.test('the primary interface', async (t) => {
  const links = [lo, eth0, eth1]
  const primary = (...routes: Route[]) =>
    primaryNic({ links, addresses: [], routes })?.name
  t.equal(primary(), undefined)
  t.equal(primary(route({ link: 3 })), 'eth1')
  t.equal(
    primary(route({ link: 3, priority: 200 }), route({ link: 2, priority: 100 })),
    'eth0',
  )
  t.equal(
    primary(route({ link: 3, priority: 1 }), route({ link: 2 })),
    'eth0',
    'absent is 0',
  )
  t.equal(primary(route({ to: '10.0.0.0/8', link: 3 })), undefined)
  t.equal(primary(route({ family: 'ipv6', link: 3 })), undefined)
  t.equal(primary(route({ link: 99 })), undefined)
})

t.test('defaults that are not for the host’s own traffic', async (t) => {
  const links = [lo, eth0, eth1]
  const main = route({ link: 2, priority: 100 })
  const others = [
    route({ link: 3, table: 200 }),
    route({ link: 3, table: 'default' }),
    route({ link: 1, type: 'unreachable' }),
  ]
  for (const other of others) {
    t.equal(primaryNic({ links, addresses: [], routes: [other, main] })?.name, 'eth0')
  }
})

t.test('the primary interface beneath its bridge', async (t) => {
  const links = [lo, link(2, 'eth0', { master: 5 }), bridge]
  t.equal(
    primaryNic({ links, addresses: [], routes: [route({ link: 5 })] })?.name,
    'eth0',
  )
})

t.test('the NIC whose subnet an address is in, of either family', async (t) => {
  const on = (index: number, family: 'ipv4' | 'ipv6', address: string): Address => ({
    link: index,
    family,
    address,
  })
  const facts = {
    links: [lo, eth0, eth1],
    addresses: [
      on(2, 'ipv4', '10.0.0.4/24'),
      on(2, 'ipv6', 'fd00:0:0:1::4/64'),
      on(3, 'ipv4', '10.0.1.4/24'),
      on(3, 'ipv6', 'fd00:0:0:2::4/64'),
    ],
    routes: [],
  }
  const nicOf = (address: string) =>
    chooseNic(facts, undefined, {
      address,
      gateway: '',
      pool: '',
      nic: '',
    })
  t.equal(nicOf('10.0.0.9/24'), eth0)
  t.equal(nicOf('10.0.1.9/24'), eth1)
  t.equal(nicOf('fd00:0:0:1::9/64'), eth0)
  t.equal(nicOf('fd00:0:0:2::9/64'), eth1)
  for (const address of ['10.0.2.9/24', 'fd00:0:0:3::9/64']) {
    t.throws(() => nicOf(address), { code: 108 }, address)
  }
})
