/** The errnos of neighbours, forwarding tables and namespace numbers. */
import { GONE, GROUP_MAC, MAC, ZERO_MAC, type Case } from './world.js'

const NO_MAC = 'No link layer address given'
const UNKNOWN = 'unknown ifindex'
const known = { link: 'va', address: '10.0.0.3' }
const absent = { link: 'va', address: '10.0.0.77' }
const gone = { link: GONE, address: '10.0.0.77' }

const neighbours: Case[] = [
  {
    verb: 'neighbour.add',
    code: 'EEXIST',
    make: (p) => p.neighbour.add({ ...known, mac: MAC }),
  },
  {
    verb: 'neighbour.add',
    code: 'ENODEV',
    make: (p) => p.neighbour.add({ ...gone, mac: MAC }),
  },
  {
    verb: 'neighbour.replace',
    code: 'ENODEV',
    make: (p) => p.neighbour.replace({ ...gone, mac: MAC }),
  },
  {
    verb: 'neighbour.replace',
    code: 'EINVAL',
    extAck: NO_MAC,
    // An address of its own: the kernel leaves an entry of the state none.
    make: (p) => p.neighbour.replace({ link: 'va', address: '10.0.0.78' }),
  },
  {
    verb: 'neighbour.replace',
    code: 'ENODEV',
    make: (p) => p.neighbour.replace({ ...gone, mac: MAC }),
  },
  { verb: 'neighbour.del', code: 'ENOENT', make: (p) => p.neighbour.del(absent) },
  {
    verb: 'neighbour.del',
    code: 'ENOENT',
    make: (p) => p.neighbour.del({ ...known, proxy: true }),
  },
  { verb: 'neighbour.del', code: 'ENODEV', make: (p) => p.neighbour.del(gone) },
  {
    verb: 'neighbour.get',
    code: 'ENOENT',
    extAck: 'Neighbour entry not found',
    make: (p) => p.neighbour.get(absent),
  },
  {
    verb: 'neighbour.get',
    code: 'ENOENT',
    extAck: 'Proxy neighbour entry not found',
    make: (p) => p.neighbour.get({ ...known, proxy: true }),
  },
  {
    verb: 'neighbour.get',
    code: 'ENODEV',
    extAck: 'Unknown device ifindex',
    make: (p) => p.neighbour.get(gone),
  },
]

const tunnel = { link: 'vx0', table: 'self', remote: '10.0.0.8' } as const

const forwarding: Case[] = [
  {
    verb: 'fdb.add',
    code: 'EEXIST',
    make: (p) => p.fdb.add({ link: 'port0', mac: MAC }),
  },
  { verb: 'fdb.add', code: 'EEXIST', make: (p) => p.fdb.add({ ...tunnel, mac: MAC }) },
  {
    verb: 'fdb.add',
    code: 'EOPNOTSUPP',
    make: (p) => p.fdb.add({ link: 'va', mac: MAC }),
  },
  {
    verb: 'fdb.add',
    code: 'ENODEV',
    extAck: UNKNOWN,
    make: (p) => p.fdb.add({ link: GONE, mac: MAC }),
  },
  {
    verb: 'fdb.add',
    code: 'EINVAL',
    make: (p) => p.fdb.add({ link: 'port0', mac: ZERO_MAC }),
  },
  {
    verb: 'fdb.add',
    code: 'EINVAL',
    make: (p) => p.fdb.add({ link: 'port0', mac: '02:00:00:00:00:08', vlan: 77 }),
  },
  {
    verb: 'fdb.add',
    code: 'EINVAL',
    make: (p) => p.fdb.add({ link: 'port0', mac: '02:00:00:00:00:08', sticky: true }),
  },
  {
    verb: 'fdb.add',
    code: 'EINVAL',
    extAck: 'FDB add only supported for Ethernet devices',
    make: (p) => p.fdb.add({ link: 'lo', mac: MAC, table: 'self' }),
  },
  {
    verb: 'fdb.add',
    code: 'EINVAL',
    make: (p) => p.fdb.add({ link: 'va', mac: MAC, table: 'self', state: 'dynamic' }),
  },
  {
    verb: 'fdb.replace',
    code: 'EOPNOTSUPP',
    make: (p) => p.fdb.replace({ ...tunnel, mac: ZERO_MAC }),
  },
  {
    verb: 'fdb.append',
    code: 'EOPNOTSUPP',
    make: (p) => p.fdb.append({ link: 'va', mac: GROUP_MAC }),
  },
  {
    verb: 'fdb.del',
    code: 'ENOENT',
    make: (p) => p.fdb.del({ link: 'port0', mac: '02:00:00:00:00:08' }),
  },
  {
    verb: 'fdb.del',
    code: 'EOPNOTSUPP',
    make: (p) => p.fdb.del({ link: 'va', mac: MAC }),
  },
  {
    verb: 'fdb.del',
    code: 'ENODEV',
    extAck: UNKNOWN,
    make: (p) => p.fdb.del({ link: GONE, mac: MAC }),
  },
  {
    verb: 'fdb.delIfExists',
    code: 'EOPNOTSUPP',
    make: (p) => p.fdb.delIfExists({ link: 'va', mac: MAC }),
  },
  { verb: 'fdb.dump', code: 'ENODEV', make: (p) => p.fdb.dump({ bridge: GONE }) },
]

const numbers: Case[] = [
  {
    verb: 'nsid.set',
    code: 'EEXIST',
    extAck: 'Peer netns already has a nsid assigned',
    attribute: 'netns',
    make: (p, w) => p.nsid.set(w.other, 6),
  },
  {
    verb: 'nsid.set',
    code: 'EEXIST',
    extAck: 'The specified nsid is already used',
    attribute: 'nsid',
    make: (p, w) => p.nsid.set(w.strangers[0] ?? w.other, 5),
  },
]

export const stationCases: readonly Case[] = [...neighbours, ...forwarding, ...numbers]
