/**
 * Links of the fake kernel: net/core/rtnetlink.c, drivers/net/veth.c and net/bridge in small.
 */
import { formatMac } from '../ip/index.js'
import { IFF, NLM_F } from '../netlink/base/constants.js'
import { connect, disconnect } from './addresses.js'
import { E, refuse, type FakeLink, type FakeNamespace, type Fields } from './model.js'

const KINDS = new Set([
  'bridge',
  'dummy',
  'ifb',
  'ipvlan',
  'macvlan',
  'macvtap',
  'veth',
  'vlan',
  'vrf',
  'vxlan',
])
const MASTERS = new Set(['bridge', 'vrf'])

/** A link in the addon's form. */
export function linkToWire(link: FakeLink): Fields {
  return {
    family: 0,
    deviceType: link.name === 'lo' ? 772 : 1,
    index: link.index,
    flags: link.flags,
    change: 0,
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    group: link.group,
    ...(link.master && { master: link.master }),
    ...(link.peer && { link: link.peer.link.index }),
    ...(link.alias && { alias: link.alias }),
    ...(link.altNames.length > 0 && { altNames: [...link.altNames] }),
    ...(link.kind && {
      info: {
        kind: link.kind,
        ...(Object.keys(link.data).length > 0 && { data: link.data }),
        ...(link.master && { slaveKind: 'bridge', slaveData: link.port }),
      },
    }),
  }
}

function freeName(ns: FakeNamespace, kind: string): string {
  for (let i = 0; ; i++) {
    if (!ns.links.some((l) => l.name === `${kind}${i}`)) return `${kind}${i}`
  }
}

function make(ns: FakeNamespace, args: Fields, kind: string): FakeLink {
  const name = args['name'] ?? freeName(ns, kind)
  if (ns.named(name)) refuse(E.EEXIST)
  const index = args['index'] || ns.takeIndex()
  if (ns.links.some((l) => l.index === index)) refuse(E.EBUSY)
  return {
    index,
    name,
    mac: args['mac'] ?? formatMac([0x02, 0, 0, 0, ns.inode & 0xff, index & 0xff]),
    mtu: args['mtu'] ?? 1500,
    flags: 0x1002, // IFF_BROADCAST | IFF_MULTICAST
    group: args['group'] ?? 0,
    altNames: [],
    kind,
    port: {},
    data: {},
  }
}

function checkMtu(link: FakeLink, mtu: number): void {
  const most = link.name === 'lo' ? 0x7fffffff : 65535
  if (mtu < 68) refuse(E.EINVAL, 'mtu less than device minimum')
  if (mtu > most) refuse(E.EINVAL, 'mtu greater than device maximum')
}

function setMaster(ns: FakeNamespace, link: FakeLink, index: number): void {
  if (index === 0) {
    if (link.master) ns.tell('bridgePort', 'del', linkToWire(link))
    link.master = undefined
    link.port = {}
    return
  }
  const master = ns.links.find((l) => l.index === index) ?? refuse(E.EINVAL)
  if (!MASTERS.has(master.kind ?? '')) refuse(E.EOPNOTSUPP)
  if (link.kind === 'bridge' || link.name === 'lo') {
    refuse(link === master ? 40 : link.kind === 'bridge' ? 40 : E.EINVAL)
  }
  link.master = index
  link.port = { state: 3, hairpin: 0, learning: 1, flood: 1, isolated: 0 }
}

function setUp(ns: FakeNamespace, link: FakeLink, up: boolean): void {
  if (up === Boolean(link.flags & IFF.up)) return
  link.flags = up ? link.flags | IFF.up : link.flags & ~IFF.up
  if (up) connect(ns, link)
  else disconnect(ns, link)
}

function change(ns: FakeNamespace, link: FakeLink, args: Fields): void {
  if (args['mtu'] !== undefined) {
    checkMtu(link, args['mtu'])
    link.mtu = args['mtu']
  }
  if (args['name'] !== undefined && args['name'] !== link.name) {
    if (ns.named(args['name'])) refuse(E.EEXIST)
    link.name = args['name']
  }
  if (args['mac'] !== undefined) link.mac = args['mac'].toLowerCase()
  if (args['alias'] !== undefined) link.alias = args['alias']
  if (args['group'] !== undefined) link.group = args['group']
  if (args['master'] !== undefined) setMaster(ns, link, args['master'])
  if (args['info']?.data) Object.assign(link.data, args['info'].data)
  const mask = args['change'] ?? 0
  if (mask & IFF.up) setUp(ns, link, ((args['flags'] ?? 0) & IFF.up) !== 0)
}

function addPair(ns: FakeNamespace, link: FakeLink, args: Fields, all: FakeNamespace[]) {
  const peer = args['info'].data?.peer ?? {}
  const there = peer.netns === undefined ? ns : (all[peer.netns] as FakeNamespace)
  // veth_newlink registers the peer first; one that is up then meets ENOTCONN.
  if ((peer.flags ?? 0) & IFF.up) refuse(E.ENOTCONN)
  if (there === ns && peer.name === link.name) refuse(E.EEXIST)
  const other = make(there, peer, 'veth')
  if (other.index === link.index && there === ns) other.index = ns.takeIndex()
  if (peer.mtu !== undefined) checkMtu(other, peer.mtu)
  link.peer = { ns: there, link: other }
  other.peer = { ns, link }
  there.links.push(other)
  there.tell('link', 'new', linkToWire(other))
}

/** Makes a link, or changes one that is there when the flags allow it (rtnl_newlink). */
export function newLink(
  ns: FakeNamespace,
  args: Fields,
  flags: number,
  all: FakeNamespace[],
) {
  const known = ns.links.find((l) =>
    args['index'] ? l.index === args['index'] : l === ns.named(args['name']),
  )
  if (known && flags & NLM_F.excl) refuse(E.EEXIST)
  if (known) {
    change(ns, known, args)
    return known
  }
  if (!(flags & NLM_F.create)) refuse(E.ENODEV)
  const kind = args['info']?.kind
  if (kind === 'tun') {
    refuse(E.EOPNOTSUPP, 'tun/tap creation via rtnetlink is not supported.')
  }
  if (!kind || !KINDS.has(kind)) refuse(E.EOPNOTSUPP, 'Unknown device type')
  const link = make(ns, args, kind)
  if (args['mtu'] !== undefined) checkMtu(link, args['mtu'])
  if (kind === 'veth') addPair(ns, link, args, all)
  else link.data = { ...args['info'].data }
  ns.links.push(link)
  try {
    if (args['master']) setMaster(ns, link, args['master'])
    change(ns, link, { flags: args['flags'], change: args['change'] })
  } catch (error) {
    removeLink(ns, link)
    throw error
  }
  ns.tell('link', 'new', linkToWire(link))
  return link
}

/** Makes a tun or tap link (drivers/net/tun.c, tun_set_iff). */
export function addTun(ns: FakeNamespace, args: Fields): FakeLink {
  if (ns.named(args['name'])) refuse(E.EEXIST, '', 'ioctl')
  const link = make(ns, { name: args['name'] }, 'tun')
  link.data = { type: args['type'], persist: 1 }
  ns.links.push(link)
  ns.tell('link', 'new', linkToWire(link))
  return link
}

/** Changes a link (do_setlink). */
export function setLink(ns: FakeNamespace, args: Fields, all: FakeNamespace[]): void {
  if (!args['index'] && !args['name']) refuse(E.EINVAL)
  const link = ns.link(args)
  change(ns, link, args)
  if (args['netns'] !== undefined) {
    const there = all[args['netns']] as FakeNamespace
    if ([link.name, ...link.altNames].some((name) => there.named(name))) refuse(E.EEXIST)
    forget(ns, link)
    link.index = there.takeIndex()
    if (link.peer) link.peer.link.peer = { ns: there, link }
    there.links.push(link)
  }
  ns.tell('link', 'new', linkToWire(link))
}

function forget(ns: FakeNamespace, link: FakeLink): void {
  const at = ns.links.indexOf(link)
  if (at < 0) return
  setUp(ns, link, false)
  if (link.master) setMaster(ns, link, 0)
  ns.links.splice(at, 1)
  ns.addresses = ns.addresses.filter((a) => a['index'] !== link.index)
  ns.routes = ns.routes.filter((r) => r['link'] !== link.index)
  ns.neighbours = ns.neighbours.filter((n) => n['link'] !== link.index)
  for (const port of ns.links) if (port.master === link.index) setMaster(ns, port, 0)
  ns.tell('link', 'del', linkToWire(link))
}

function removeLink(ns: FakeNamespace, link: FakeLink): void {
  forget(ns, link)
  if (link.peer) forget(link.peer.ns, link.peer.link)
}

/** Deletes a link and its peer, or all links of a group (rtnl_dellink). */
export function delLink(ns: FakeNamespace, args: Fields): void {
  if (args['index'] || (args['name'] ?? args['altName']) !== undefined) {
    const link = ns.link(args)
    if (link.name === 'lo') refuse(E.EOPNOTSUPP)
    return removeLink(ns, link)
  }
  if (args['group'] === undefined) refuse(E.EINVAL)
  const group = ns.links.filter((l) => l.group === args['group'])
  if (group.length === 0) refuse(E.ENODEV)
  if (group.some((l) => l.name === 'lo')) refuse(E.EOPNOTSUPP)
  for (const link of group) removeLink(ns, link)
}

/** Gives a link further names (rtnl_linkprop). */
export function addAltNames(ns: FakeNamespace, args: Fields): void {
  const link = ns.link(args)
  for (const name of args['altNames'] ?? []) {
    if (ns.named(name)) refuse(E.EEXIST)
    link.altNames.push(name)
  }
  ns.tell('link', 'new', linkToWire(link))
}

/** Takes further names from a link. */
export function delAltNames(ns: FakeNamespace, args: Fields): void {
  const link = ns.link(args)
  for (const name of args['altNames'] ?? []) {
    if (!ns.named(name)) refuse(E.ENOENT)
    const at = link.altNames.indexOf(name)
    if (at < 0) refuse(E.EINVAL)
    link.altNames.splice(at, 1)
  }
  ns.tell('link', 'new', linkToWire(link))
}

/** The ports of all bridges, with what was set on them. */
export function dumpPorts(ns: FakeNamespace): Fields[] {
  return ns.links
    .filter(({ master }) => master)
    .map(({ index, master, port }) => ({ index, master, port: { ...port } }))
}

/** Sets flags of a bridge's port (br_setlink). */
export function setPort(ns: FakeNamespace, args: Fields): void {
  const link = ns.link(args)
  if (!link.master) refuse(E.EOPNOTSUPP)
  Object.assign(link.port, args['port'])
  ns.tell('bridgePort', 'new', linkToWire(link))
}
