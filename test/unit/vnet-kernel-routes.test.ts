/** Which routes come with an address: told by the address, never by the route's protocol. */
import t from 'tap'
import type { Address, Route } from 'vnet-cni'
import { isKernelMade, prefixRoutes } from '../../dist/esm/vnet/bridge/kernel-routes.js'

function address(text: string, more: Partial<Address> = {}): Address {
  const family = text.includes(':') ? 'ipv6' : 'ipv4'
  return { link: 2, family, address: text, scope: 'global', flags: 0x80, ...more }
}

const made = (one: Address) =>
  prefixRoutes(one).map(({ to, source, priority }) =>
    [to, source, priority].filter((part) => part !== undefined).join(' '),
  )

t.test('an address and its routes', async (t) => {
  const cases: [Address, string[]][] = [
    [address('10.0.0.4/24'), ['10.0.0.0/24 10.0.0.4']],
    [address('10.0.0.4/24', { metric: 70 }), ['10.0.0.0/24 10.0.0.4 70']],
    [address('10.0.0.5/24', { flags: 0x81 }), []],
    [address('10.0.0.4/24', { flags: 0x280 }), []],
    [address('10.0.0.4/32'), []],
    [address('10.0.0.4/32', { peer: '10.0.9.1' }), ['10.0.9.1/32 10.0.0.4']],
    [address('10.0.0.4/24', { peer: '10.0.9.1' }), ['10.0.9.0/24 10.0.0.4']],
    [address('0.0.0.4/8'), []],
    [address('fd00::4/64'), ['fd00::/64 256']],
    [address('fd00::4/64', { metric: 1024 }), ['fd00::/64 1024']],
    [address('fd00::4/128'), ['fd00::4/128 256']],
    [address('fd00::4/64', { flags: 0x280 }), []],
    [
      address('fd00::4/64', { peer: 'fd00:1::1' }),
      ['fd00::/64 256', 'fd00:1::1/128 256'],
    ],
  ]
  for (const [one, wanted] of cases) t.same(made(one), wanted, JSON.stringify(one))
})

function route(to: string, more: Partial<Route> = {}): Route {
  const family = to.includes(':') ? 'ipv6' : 'ipv4'
  return {
    ...{ family, to, table: 'main', protocol: 'kernel', type: 'unicast', link: 2 },
    scope: family === 'ipv4' ? 'link' : 'global',
    ...more,
  }
}

t.test('what says kernel is not for that reason the kernel’s', async (t) => {
  const all = [
    address('10.0.0.4/24', { broadcast: '10.0.0.255' }),
    address('10.0.1.4/24', { flags: 0x280 }),
    address('fd00::4/64'),
  ]
  const own = [
    route('10.0.0.0/24', { source: '10.0.0.4' }),
    route('10.0.0.4/32', { table: 'local', type: 'local', scope: 'host' }),
    route('10.0.1.4/32', { table: 'local', type: 'local', scope: 'host' }),
    route('10.0.0.255/32', { table: 'local', type: 'broadcast' }),
    route('10.0.0.0/32', { table: 'local', type: 'broadcast' }),
    route('fd00::/64', { priority: 256 }),
    route('fd00::4/128', { table: 'local', type: 'local' }),
    route('fd00::/128', { table: 'local', type: 'anycast' }),
    route('ff00::/8', { table: 'local', type: 'multicast', priority: 256 }),
  ]
  for (const one of own) t.ok(isKernelMade(one, all), JSON.stringify(one))
  const others = [
    route('10.0.1.0/24', { source: '10.0.1.4', priority: 100 }),
    route('10.0.0.0/24', { source: '10.0.0.4', priority: 100 }),
    route('10.0.0.0/24'),
    route('10.0.0.0/24', { source: '10.0.0.4', metrics: { mtu: 1400 } }),
    route('10.0.0.0/24', { source: '10.0.0.4', table: 100 }),
    route('10.0.0.0/24', { source: '10.0.0.4', protocol: 'static' }),
    route('10.9.0.0/16'),
    route('10.9.0.0/16', { via: '10.0.0.1', scope: 'global' }),
    route('10.9.0.0/32', { table: 'local', type: 'local', scope: 'host' }),
    route('10.9.0.255/32', { table: 'local', type: 'broadcast' }),
    route('fd00::/64', { priority: 1024 }),
    route('fd00::/64', { priority: 256, via: 'fe80::1' }),
    route('fd00:9::/64', { priority: 256 }),
  ]
  for (const one of others) t.notOk(isKernelMade(one, all), JSON.stringify(one))
})
