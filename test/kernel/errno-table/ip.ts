/** The errnos of addresses, routes and rules. */
import { GONE, type Case } from './world.js'

const GATEWAY = 'Nexthop has invalid gateway'
const PREFIX = 'Invalid prefix for given prefix length'
const to = '10.7.0.0/24'

const addresses: Case[] = [
  ...(
    [
      ['EEXIST', '10.0.0.1/24', 'ipv4: Address already assigned'],
      ['EEXIST', 'fd00::1/64', 'ipv6: address already assigned'],
      ['EADDRNOTAVAIL', '::/64', 'ipv6: Invalid address'],
      ['EADDRNOTAVAIL', '::1/128', 'ipv6: Cannot assign loopback address on this device'],
      [
        'EADDRNOTAVAIL',
        'ff02::1/64',
        'ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag',
      ],
    ] as const
  ).map(([code, address, extAck]): Case => ({
    verb: 'address.add',
    code,
    extAck,
    make: (p) => p.address.add({ link: 'va', address }),
  })),
  {
    verb: 'address.add',
    code: 'ENODEV',
    extAck: 'ipv4: Device not found',
    make: (p) => p.address.add({ link: GONE, address: '10.0.0.1/24' }),
  },
  {
    verb: 'address.add',
    code: 'ENODEV',
    extAck: 'ipv6: Unable to find the interface',
    make: (p) => p.address.add({ link: GONE, address: 'fd00::1/64' }),
  },
  {
    verb: 'address.add',
    code: 'EACCES',
    extAck: 'ipv6: IPv6 is disabled on this device',
    make: (p) => p.address.add({ link: 'down0', address: 'fd04::1/64' }),
  },
  ...(
    [
      ['10.3.0.1/24', 0, 0],
      ['10.3.0.1/24', 20, 10],
      ['fd03::1/64', 20, 10],
    ] as const
  ).map(([address, preferred, valid]): Case => ({
    verb: 'address.add',
    code: 'EINVAL',
    extAck: /^ipv[46]: address lifetime invalid$/,
    make: (p) => p.address.add({ link: 'va', address, lifetime: { preferred, valid } }),
  })),
  {
    verb: 'address.add',
    code: 'EINVAL',
    extAck: 'ipv4: Invalid scope value',
    make: (p) => p.address.add({ link: 'va', address: '10.0.0.2/24', scope: 'link' }),
  },
  {
    verb: 'address.add',
    code: 'EINVAL',
    make: (p) => p.address.add({ link: 'small', address: 'fd03::1/64' }),
  },
  {
    verb: 'address.del',
    code: 'EADDRNOTAVAIL',
    extAck: 'ipv4: Address not found',
    make: (p) => p.address.del({ link: 'va', address: '10.3.0.1/24' }),
  },
  {
    verb: 'address.del',
    code: 'EADDRNOTAVAIL',
    extAck: 'ipv6: address not found',
    make: (p) => p.address.del({ link: 'va', address: 'fd03::1/64' }),
  },
  {
    verb: 'address.del',
    code: 'ENODEV',
    extAck: 'ipv4: Device not found',
    make: (p) => p.address.del({ link: GONE, address: '10.3.0.1/24' }),
  },
  { verb: 'address.flush', code: 'ENODEV', make: (p) => p.address.flush({ link: GONE }) },
  { verb: 'address.dump', code: 'ENODEV', make: (p) => p.address.dump({ link: GONE }) },
]

const routes: Case[] = [
  {
    verb: 'route.add',
    code: 'EEXIST',
    make: (p) => p.route.add({ to: '10.9.0.0/24', via: '10.0.0.2' }),
  },
  {
    verb: 'route.add',
    code: 'EEXIST',
    make: (p) => p.route.add({ to: 'fd09::/64', via: 'fd00::2' }),
  },
  {
    verb: 'route.add',
    code: 'ENETUNREACH',
    extAck: GATEWAY,
    make: (p) => p.route.add({ to, via: '10.77.0.2' }),
  },
  {
    verb: 'route.add',
    code: 'EHOSTUNREACH',
    make: (p) => p.route.add({ to: 'fd07::/64', via: 'fd77::2' }),
  },
  {
    verb: 'route.add',
    code: 'ENETDOWN',
    extAck: 'Device for nexthop is not up',
    make: (p) => p.route.add({ to, link: 'down0' }),
  },
  {
    verb: 'route.add',
    code: 'EACCES',
    extAck: 'IPv6 is disabled on nexthop device',
    make: (p) => p.route.add({ to: 'fd07::/64', link: 'down0' }),
  },
  { verb: 'route.add', code: 'ENODEV', make: (p) => p.route.add({ to, link: GONE }) },
  { verb: 'route.add', code: 'ENODEV', make: (p) => p.route.add({ to }) },
  {
    verb: 'route.add',
    code: 'EINVAL',
    extAck: PREFIX,
    make: (p) => p.route.add({ to: '10.7.0.1/24', via: '10.0.0.2' }),
  },
  {
    verb: 'route.add',
    code: 'EINVAL',
    extAck: 'Invalid prefsrc address',
    make: (p) => p.route.add({ to, via: '10.0.0.2', source: '10.99.0.1' }),
  },
  {
    verb: 'route.add',
    code: 'EINVAL',
    extAck: 'Gateway, device and multipath can not be specified for this route type',
    make: (p) => p.route.add({ to, via: '10.0.0.2', type: 'blackhole' }),
  },
  {
    verb: 'route.add',
    code: 'ERANGE',
    extAck: 'Attribute failed policy validation',
    attribute: 'hops',
    make: (p) => p.route.add({ to, hops: [] }),
  },
  {
    verb: 'route.append',
    code: 'EEXIST',
    make: (p) => p.route.append({ to: '10.9.0.0/24', via: '10.0.0.2' }),
  },
  { verb: 'route.del', code: 'ESRCH', make: (p) => p.route.del({ to }) },
  { verb: 'route.del', code: 'ESRCH', make: (p) => p.route.del({ to: 'fd07::/64' }) },
  {
    verb: 'route.del',
    code: 'ESRCH',
    extAck: 'FIB table does not exist',
    make: (p) => p.route.del({ to, table: 1234 }),
  },
  {
    verb: 'route.del',
    code: 'EINVAL',
    extAck: PREFIX,
    make: (p) => p.route.del({ to: '10.9.0.1/24' }),
  },
  {
    verb: 'route.flush',
    code: 'ENODEV',
    make: (p) => p.route.flush({ family: 'ipv4', link: GONE }),
  },
  { verb: 'route.dump', code: 'ENODEV', make: (p) => p.route.dump({ link: GONE }) },
]

const lookups: Case[] = (
  [
    ['ENETUNREACH', '10.66.0.1'],
    ['ENETUNREACH', 'fd66::1'],
    ['EINVAL', '10.80.0.1'],
    ['EINVAL', 'fd80::1'],
    ['EHOSTUNREACH', '10.81.0.1'],
    ['EHOSTUNREACH', 'fd81::1'],
    ['EACCES', '10.82.0.1'],
    ['EACCES', 'fd82::1'],
    ['ENETUNREACH', '10.83.0.1'],
    ['ENETUNREACH', 'fd83::1'],
  ] as const
).map(([code, target]) => ({ verb: 'route.get', code, make: (p) => p.route.get(target) }))

const packets: Case[] = [
  {
    verb: 'route.get',
    code: 'ENETUNREACH',
    make: (p) => p.route.get('10.0.0.2', { source: '10.77.0.1' }),
  },
  {
    verb: 'route.get',
    code: 'EINVAL',
    extAck: 'ipv4: Invalid values in header for route get request',
    make: (p) => p.route.get('10.0.0.0/24'),
  },
  {
    verb: 'route.get',
    code: 'ENODEV',
    make: (p) => p.route.get('10.0.0.2', { link: GONE }),
  },
]

const rules: Case[] = [
  {
    verb: 'rule.add',
    code: 'EEXIST',
    make: (p) => p.rule.add({ from: '10.1.0.0/16', table: 100, priority: 500 }),
  },
  {
    verb: 'rule.add',
    code: 'EINVAL',
    extAck: 'Backward goto not supported',
    make: (p) => p.rule.add({ goto: 5, priority: 100 }),
  },
  {
    verb: 'rule.add',
    code: 'EINVAL',
    extAck: 'Missing goto target for action goto',
    make: (p) => p.rule.add({ action: 'goto', priority: 100 }),
  },
  {
    verb: 'rule.add',
    code: 'EINVAL',
    extAck: 'Invalid sport range',
    make: (p) => p.rule.add({ table: 100, sourcePorts: { first: 0, last: 0 } }),
  },
  {
    verb: 'rule.add',
    code: 'EINVAL',
    extAck: 'Invalid dsfield (tos): ECN bits must be 0',
    make: (p) => p.rule.add({ table: 100, tos: 3 }),
  },
  {
    verb: 'rule.del',
    code: 'ENOENT',
    make: (p) => p.rule.del({ table: 100, priority: 999 }),
  },
]

export const ipCases: readonly Case[] = [
  ...addresses,
  ...routes,
  ...lookups,
  ...packets,
  ...rules,
]
