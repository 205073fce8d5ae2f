/** The errnos of links, bridges and their ports. */
import { GONE, GROUP_MAC, ZERO_MAC, type Case } from './world.js'

const NEW = { name: 'new0' }
const PEER = { name: 'new1' }
const TOO_BIG = 'mtu greater than device maximum'
const TOO_SMALL = 'mtu less than device minimum'
const NO_LOOP = 'Can not enslave a bridge to a bridge'
const UNKNOWN = 'unknown ifindex'
const IMMUTABLE = 'The interface netns is immutable'

const bridge = { kind: 'bridge', ...NEW } as const

const making: Case[] = [
  {
    verb: 'link.add',
    code: 'EEXIST',
    make: (p) => p.link.add({ ...bridge, name: 'br0' }),
  },
  { verb: 'link.add', code: 'EEXIST', make: (p) => p.link.add({ ...bridge, index: 1 }) },
  {
    verb: 'link.add',
    code: 'EEXIST',
    extAck: 'A VXLAN device with the specified VNI already exists',
    make: (p) => p.link.add({ kind: 'vxlan', ...NEW, id: 5, port: 4789 }),
  },
  {
    verb: 'link.add',
    code: 'EOPNOTSUPP',
    make: (p) => p.link.add({ ...bridge, master: 'va' }),
  },
  {
    verb: 'link.add',
    code: 'ENODEV',
    make: (p) => p.link.add({ kind: 'macvlan', ...NEW, link: GONE }),
  },
  {
    verb: 'link.add',
    code: 'EINVAL',
    make: (p) => p.link.add({ kind: 'macvlan', ...NEW, link: 'va', mtu: 9000 }),
  },
  {
    verb: 'link.add',
    code: 'EINVAL',
    make: (p) => p.link.add({ kind: 'macvlan', ...NEW, link: 'busy0' }),
  },
  {
    verb: 'link.add',
    code: 'EADDRNOTAVAIL',
    make: (p) => p.link.add({ ...bridge, mac: GROUP_MAC }),
  },
  {
    verb: 'link.add',
    code: 'EEXIST',
    make: (p) => p.link.add({ kind: 'bridge', name: 'va' }),
  },
  {
    verb: 'link.add',
    code: 'EINVAL',
    extAck: TOO_BIG,
    make: (p) => p.link.add({ kind: 'bridge', ...NEW, mtu: 70_000 }),
  },
  {
    verb: 'link.add',
    code: 'EINVAL',
    make: (p) => p.link.add({ kind: 'bridge', ...NEW, master: GONE }),
  },
  {
    verb: 'link.add',
    code: 'EADDRNOTAVAIL',
    make: (p) => p.link.add({ kind: 'bridge', ...NEW, mac: ZERO_MAC }),
  },
  {
    verb: 'link.add',
    code: 'ELOOP',
    extAck: NO_LOOP,
    make: (p) => p.link.add({ kind: 'bridge', ...NEW, master: 'br0' }),
  },
  {
    verb: 'link.addVeth',
    code: 'EEXIST',
    make: (p) => p.link.addVeth({ name: 'va' }, PEER),
  },
  {
    verb: 'link.addVeth',
    code: 'EEXIST',
    make: (p) => p.link.addVeth(NEW, { name: 'vb' }),
  },
  { verb: 'link.addVeth', code: 'EEXIST', make: (p) => p.link.addVeth(NEW, NEW) },
  {
    verb: 'link.addVeth',
    code: 'EINVAL',
    make: (p) => p.link.addVeth({ ...NEW, master: GONE }, PEER),
  },
  {
    verb: 'link.addVeth',
    code: 'EINVAL',
    make: (p) => p.link.addVeth(NEW, { ...PEER, master: GONE }),
  },
  {
    verb: 'link.addVeth',
    code: 'EINVAL',
    make: (p) => p.link.addVeth(NEW, { ...PEER, mtu: 10 }),
  },
  {
    verb: 'link.addVeth',
    code: 'EADDRNOTAVAIL',
    make: (p) => p.link.addVeth({ ...NEW, mac: GROUP_MAC }, PEER),
  },
  {
    verb: 'link.addVeth',
    code: 'EOPNOTSUPP',
    make: (p) => p.link.addVeth({ ...NEW, master: 'va' }, PEER),
  },
]

const changing: Case[] = [
  {
    verb: 'link.setBridge',
    code: 'EOPNOTSUPP',
    make: (p) => p.link.setBridge('va', { ageingTime: 100 }),
  },
  {
    verb: 'link.setBridge',
    code: 'ENODEV',
    make: (p) => p.link.setBridge(GONE, { ageingTime: 100 }),
  },
  { verb: 'link.get', code: 'ENODEV', make: (p) => p.link.get('ghost') },
  { verb: 'link.read', code: 'ENODEV', make: (p) => p.link.read('ghost') },
  { verb: 'link.read', code: 'ENODEV', make: (p) => p.link.read(GONE) },
  { verb: 'link.set', code: 'ENODEV', make: (p) => p.link.set(GONE, { mtu: 1400 }) },
  { verb: 'link.set', code: 'EEXIST', make: (p) => p.link.set('va', { name: 'vb' }) },
  {
    verb: 'link.set',
    code: 'EEXIST',
    extAck: 'An interface with the same name exists in the target netns',
    make: (p, w) => p.link.set('va', { netns: w.other }),
  },
  {
    verb: 'link.set',
    code: 'EINVAL',
    extAck: TOO_BIG,
    make: (p) => p.link.set('va', { mtu: 70_000 }),
  },
  {
    verb: 'link.set',
    code: 'EINVAL',
    extAck: TOO_SMALL,
    make: (p) => p.link.set('va', { mtu: 10 }),
  },
  { verb: 'link.set', code: 'EINVAL', make: (p) => p.link.set('va', { master: GONE }) },
  {
    verb: 'link.set',
    code: 'EINVAL',
    extAck: IMMUTABLE,
    make: (p, w) => p.link.set('lo', { netns: w.other }),
  },
  {
    verb: 'link.set',
    code: 'EADDRNOTAVAIL',
    make: (p) => p.link.set('va', { mac: GROUP_MAC }),
  },
  {
    verb: 'link.set',
    code: 'EOPNOTSUPP',
    make: (p) => p.link.set('va', { master: 'vb' }),
  },
  {
    verb: 'link.set',
    code: 'ELOOP',
    extAck: NO_LOOP,
    make: (p) => p.link.set('br1', { master: 'br0' }),
  },
  {
    verb: 'link.set',
    code: 'EBUSY',
    make: (p) => p.link.set('busy0', { master: 'br0' }),
  },
  {
    verb: 'bridgePort.set',
    code: 'EOPNOTSUPP',
    make: (p) => p.bridgePort.set('va', { hairpin: true }),
  },
  { verb: 'link.del', code: 'ENODEV', make: (p) => p.link.del(GONE) },
  { verb: 'link.del', code: 'EOPNOTSUPP', make: (p) => p.link.del('lo') },
  { verb: 'link.delIfExists', code: 'EOPNOTSUPP', make: (p) => p.link.delIfExists('lo') },
  { verb: 'link.delGroup', code: 'ENODEV', make: (p) => p.link.delGroup(77) },
  { verb: 'link.delGroup', code: 'EOPNOTSUPP', make: (p) => p.link.delGroup(78) },
  {
    verb: 'link.addAltName',
    code: 'EEXIST',
    make: (p) => p.link.addAltName('va', 'br0'),
  },
  {
    verb: 'link.addAltName',
    code: 'ENODEV',
    make: (p) => p.link.addAltName(GONE, 'second'),
  },
  {
    verb: 'link.delAltName',
    code: 'ENOENT',
    make: (p) => p.link.delAltName('va', 'second'),
  },
  {
    verb: 'link.delAltName',
    code: 'EINVAL',
    make: (p) => p.link.delAltName('va', 'bridge-of-tests'),
  },
  {
    verb: 'link.delAltName',
    code: 'ENODEV',
    make: (p) => p.link.delAltName(GONE, 'bridge-of-tests'),
  },
  {
    verb: 'link.delAltNameIfExists',
    code: 'EINVAL',
    make: (p) => p.link.delAltNameIfExists('va', 'bridge-of-tests'),
  },
]

const ports: Case[] = [
  {
    verb: 'bridgePort.set',
    code: 'EOPNOTSUPP',
    make: (p) => p.bridgePort.set('va', { hairpin: true }),
  },
  {
    verb: 'bridgePort.set',
    code: 'ENODEV',
    extAck: UNKNOWN,
    make: (p) => p.bridgePort.set(GONE, { hairpin: true }),
  },
  {
    verb: 'bridgePort.set',
    code: 'EINVAL',
    make: (p) => p.bridgePort.set('port0', { groupForwardMask: 7 }),
  },
  {
    verb: 'bridgePort.set',
    code: 'EINVAL',
    make: (p) => p.bridgePort.set('port0', { backupPort: 'port0' }),
  },
  {
    verb: 'bridgePort.set',
    code: 'ENOENT',
    make: (p) => p.bridgePort.set('port0', { backupPort: 'va' }),
  },
  {
    verb: 'bridgePort.set',
    code: 'ERANGE',
    make: (p) => p.bridgePort.set('port0', { cost: 0 }),
  },
  {
    verb: 'bridgePort.set',
    code: 'ENETDOWN',
    make: (p) => p.bridgePort.set('quiet0', { state: 3 }),
  },
  {
    verb: 'bridgePort.set',
    code: 'EBUSY',
    make: (p) => p.bridgePort.set('stp0', { state: 3 }),
  },
  {
    verb: 'bridgePort.addVlan',
    code: 'EOPNOTSUPP',
    make: (p) => p.bridgePort.addVlan('va', { id: 5 }),
  },
  {
    verb: 'bridgePort.addVlan',
    code: 'EOPNOTSUPP',
    make: (p) => p.bridgePort.addVlan('br0', { id: 5 }),
  },
  {
    verb: 'bridgePort.addVlan',
    code: 'ENODEV',
    extAck: UNKNOWN,
    make: (p) => p.bridgePort.addVlan(GONE, { id: 5 }),
  },
  {
    verb: 'bridgePort.delVlan',
    code: 'EOPNOTSUPP',
    make: (p) => p.bridgePort.delVlan('va', { id: 5 }),
  },
  {
    verb: 'bridgePort.delVlan',
    code: 'ENODEV',
    extAck: UNKNOWN,
    make: (p) => p.bridgePort.delVlan(GONE, { id: 5 }),
  },
]

export const linkCases: readonly Case[] = [...making, ...changing, ...ports]
