/** The errnos of next hops and of families of generic netlink. */
import { GONE, type Case } from './world.js'

const id = 5
const via = '10.0.0.2'

const refused: readonly [code: Case['code'], extAck: string, make: Case['make']][] = [
  ['EEXIST', '', (p) => p.nextHop.add({ id: 71, blackhole: true })],
  [
    'ENETDOWN',
    'Nexthop device is not up',
    (p) => p.nextHop.add({ id, via, link: 'down0' }),
  ],
  [
    'ENETUNREACH',
    'Nexthop has invalid gateway',
    (p) => p.nextHop.add({ id, via: '192.0.2.1', link: 'va' }),
  ],
  ['EHOSTUNREACH', '', (p) => p.nextHop.add({ id, via: '2001:db8::1', link: 'va' })],
  ['EINVAL', 'Invalid device index', (p) => p.nextHop.add({ id, via, link: GONE })],
  [
    'EINVAL',
    'Device attribute required for non-blackhole and non-fdb nexthops',
    (p) => p.nextHop.add({ id, via }),
  ],
  ['EINVAL', 'Invalid nexthop id', (p) => p.nextHop.add({ id, group: [{ id: 999 }] })],
  [
    'EINVAL',
    'Hash-threshold group can not be a nexthop within a group',
    (p) => p.nextHop.add({ id, group: [{ id: 73 }] }),
  ],
]

const replaced: readonly [extAck: string, make: Case['make']][] = [
  [
    'Can not replace a nexthop with a nexthop group.',
    (p) => p.nextHop.replace({ id: 71, group: [{ id: 72 }] }),
  ],
  [
    'Can not replace a nexthop group with a nexthop.',
    (p) => p.nextHop.replace({ id: 73, blackhole: true }),
  ],
]

export const nextHopCases: readonly Case[] = [
  ...refused.map(([code, extAck, make]): Case => ({
    verb: 'nextHop.add',
    code,
    extAck,
    make,
  })),
  ...replaced.map(([extAck, make]): Case => ({
    verb: 'nextHop.replace',
    code: 'EINVAL',
    extAck,
    make,
  })),
  { verb: 'nextHop.del', code: 'ENOENT', make: (p) => p.nextHop.del(999) },
  { verb: 'nextHop.get', code: 'ENOENT', make: (p) => p.nextHop.get(999) },
  {
    verb: 'ethtool.linkState',
    code: 'ENODEV',
    extAck: 'no device matches ifindex',
    attribute: 'header.link',
    make: (p) => p.ethtool.linkState(GONE),
  },
  { verb: 'generic.get', code: 'ENOENT', make: (p) => p.generic.get('no-such') },
]
