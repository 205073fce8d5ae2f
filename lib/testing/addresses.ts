/**
 * Addresses and neighbours of the fake kernel: net/ipv4/devinet.c, net/core/neighbour.c in small.
 * IPv6 link-local addresses and their routes, which a kernel adds by itself, are not made.
 */
import { addressOf, parsePrefix } from '../ip/index.js'
import { AF, IFF, NLM_F } from '../netlink/base/constants.js'
import { E, refuse, type FakeLink, type FakeNamespace, type Fields } from './model.js'

const LOCAL_TABLE = 255
const MAIN_TABLE = 254

function same(address: Fields, args: Fields): boolean {
  return (
    address['index'] === args['index'] &&
    address['prefixLength'] === args['prefixLength'] &&
    address['local'] === addressOf(args['local'] ?? args['address'])
  )
}

function kernelRoute(address: Fields, more: Fields): Fields {
  return {
    family: address['family'],
    fromLength: 0,
    tos: 0,
    protocol: 2, // RTPROT_KERNEL
    flags: 0,
    link: address['index'],
    ...(address['family'] === AF.ipv4 && { source: address['local'] }),
    ...more,
  }
}

const IFA_F_SECONDARY = 0x01
const IFA_F_PERMANENT = 0x80
const IFA_F_NOPREFIXROUTE = 0x200

// An IPv4 address after the first of a prefix on a link: that one's routes serve it too.
function isSecondary({ family, flags = 0 }: Fields): boolean {
  return family === AF.ipv4 && (flags & IFA_F_SECONDARY) !== 0
}

function hasFirst(ns: FakeNamespace, address: Fields): boolean {
  const prefixOf = (one: Fields) =>
    parsePrefix(`${one['address']}/${one['prefixLength']}`)!.cidr
  return ns.addresses.some(
    (one) =>
      one['family'] === AF.ipv4 &&
      one['index'] === address['index'] &&
      one['prefixLength'] === address['prefixLength'] &&
      one['scope'] === address['scope'] &&
      prefixOf(one) === prefixOf(address),
  )
}

function connectedRoute(address: Fields): Fields | undefined {
  const { family, prefixLength } = address
  const own = family === AF.ipv6 || prefixLength < 32
  if (!own || (address['flags'] ?? 0) & IFA_F_NOPREFIXROUTE) return undefined
  if (isSecondary(address)) return undefined
  return kernelRoute(address, {
    to: parsePrefix(`${address['address']}/${prefixLength}`)!.first,
    toLength: prefixLength,
    table: MAIN_TABLE,
    type: 1,
    scope: family === AF.ipv4 ? 253 : 0,
    ...(family === AF.ipv6 && { priority: 256 }),
  })
}

// The last address of an IPv4 prefix (fib_add_ifaddr in net/ipv4/fib_frontend.c).
function broadcastRoute(address: Fields): Fields | undefined {
  const { family, prefixLength } = address
  if (family !== AF.ipv4 || prefixLength > 30 || isSecondary(address)) return undefined
  return kernelRoute(address, {
    to: parsePrefix(`${address['address']}/${prefixLength}`)!.last,
    toLength: 32,
    table: LOCAL_TABLE,
    type: 3,
    scope: 253,
  })
}

function localRoute(address: Fields): Fields {
  return kernelRoute(address, {
    to: address['local'],
    toLength: address['family'] === AF.ipv4 ? 32 : 128,
    table: LOCAL_TABLE,
    type: 2,
    scope: address['family'] === AF.ipv4 ? 254 : 0,
  })
}

function dropRoute(ns: FakeNamespace, route: Fields | undefined): void {
  if (!route) return
  const at = ns.routes.findIndex((r) =>
    ['to', 'toLength', 'table', 'link', 'type', 'protocol'].every(
      (key) => r[key] === route[key],
    ),
  )
  if (at >= 0) ns.routes.splice(at, 1)
}

/** Adds the routes of a link's addresses when it comes up. */
export function connect(ns: FakeNamespace, link: FakeLink): void {
  for (const address of ns.addresses.filter((a) => a['index'] === link.index)) {
    addLinkRoutes(ns, address)
  }
}

function addLinkRoutes(ns: FakeNamespace, address: Fields): void {
  for (const route of [connectedRoute(address), broadcastRoute(address)]) {
    if (route) ns.routes.push(route)
  }
}

/** Takes the routes over a link away when it goes down; IPv6 addresses go as well. */
export function disconnect(ns: FakeNamespace, link: FakeLink): void {
  ns.addresses = ns.addresses.filter(
    (a) => a['index'] !== link.index || a['family'] === AF.ipv4,
  )
  const over = (r: Fields) =>
    r['hops']
      ? (r['hops'] as Fields[]).every((hop) => hop['link'] === link.index)
      : r['link'] === link.index
  // What says that an IPv4 address is this machine's own stays.
  const own = (r: Fields) => r['type'] === 2 && r['family'] === AF.ipv4
  ns.routes = ns.routes.filter((r) => !over(r) || own(r))
}

/** Adds an address, or changes the one that is there without NLM_F_EXCL. */
export function newAddress(ns: FakeNamespace, args: Fields, flags: number): void {
  const link = ns.link({ index: args['index'] })
  const known = ns.addresses.find((a) => same(a, args))
  if (known && flags & NLM_F.excl) refuse(E.EEXIST)
  const v4 = args['family'] === AF.ipv4
  const local = addressOf(args['local'] ?? args['address'])
  const address: Fields = {
    family: args['family'],
    prefixLength: args['prefixLength'],
    scope: args['scope'] ?? 0,
    index: args['index'],
    address: addressOf(args['address'] ?? args['local']),
    local,
    ...(args['broadcast'] && { broadcast: args['broadcast'] }),
    ...(v4 && { label: args['label'] ?? link.name }),
    flags: (args['flags'] ?? 0) | IFA_F_PERMANENT,
    ...(args['metric'] && { metric: args['metric'] }),
    ...(args['protocol'] && { protocol: args['protocol'] }),
    lifetime: args['lifetime'] ?? { preferred: 0xffffffff, valid: 0xffffffff },
  }
  if (known) {
    const secondary = known['flags'] & IFA_F_SECONDARY
    Object.assign(known, address, { flags: address['flags'] | secondary })
  } else {
    if (v4 && hasFirst(ns, address)) address['flags'] |= IFA_F_SECONDARY
    ns.addresses.push(address)
    ns.routes.push(localRoute(address))
    if (link.flags & IFF.up) addLinkRoutes(ns, address)
  }
  ns.tell('address', 'new', address)
}

/** Deletes an address with its routes. EADDRNOTAVAIL when it is not there. */
export function delAddress(ns: FakeNamespace, args: Fields): void {
  ns.link({ index: args['index'] })
  const at = ns.addresses.findIndex((a) => same(a, args))
  const address = ns.addresses[at] ?? refuse(E.EADDRNOTAVAIL)
  ns.addresses.splice(at, 1)
  dropRoute(ns, connectedRoute(address))
  dropRoute(ns, broadcastRoute(address))
  dropRoute(ns, localRoute(address))
  const { local } = address
  // Another link may have the same address (fib_del_ifaddr in net/ipv4/fib_frontend.c).
  if (!ns.addresses.some((a) => a['local'] === local)) {
    ns.routes = ns.routes.filter((r) => r['source'] !== local)
  }
  ns.tell('address', 'del', address)
}

// ipv6_addr_src_scope of the addresses that a link can have: link-local ones are of a smaller
// scope than all others (net/ipv6/addrconf_core.c).
function rankOfScope({ family, local }: Fields): number {
  return family === AF.ipv6 && /^fe[89ab]/.test(local) ? 1 : 0
}

/**
 * The addresses in the kernel's order: IPv4 first, by link; of a link's IPv6 ones those of a wider
 * scope first, and among those the newest (ipv6_link_dev_addr in net/ipv6/addrconf.c).
 */
export function dumpAddresses(ns: FakeNamespace, args: Fields): Fields[] {
  const family = args['family'] || undefined
  const age = new Map(ns.addresses.map((address, i) => [address, i]))
  const newestFirst = (a: Fields, b: Fields) =>
    a['family'] === AF.ipv6 ? age.get(b)! - age.get(a)! : 0
  return ns.addresses
    .filter((address) => family === undefined || address['family'] === family)
    .toSorted(
      (a, b) =>
        a['family'] - b['family'] ||
        a['index'] - b['index'] ||
        rankOfScope(a) - rankOfScope(b) ||
        newestFirst(a, b),
    )
    .map((address) => ({ ...address }))
}

function findNeighbour(ns: FakeNamespace, args: Fields): Fields | undefined {
  const address = addressOf(args['address'])
  return ns.neighbours.find((n) => n['link'] === args['link'] && n['address'] === address)
}

/** Sets a neighbour; the flags decide about one that is there (neigh_add). */
export function newNeighbour(ns: FakeNamespace, args: Fields, flags: number): void {
  if (args['address'] === undefined) {
    refuse(E.EINVAL, 'Network address not specified')
  }
  ns.link({ index: args['link'] || -1 })
  const known = findNeighbour(ns, args)
  if (known && flags & NLM_F.excl) refuse(E.EEXIST)
  if (!known && !(flags & NLM_F.create)) refuse(E.ENOENT)
  const value = { flags: 0, type: 1, ...args, address: addressOf(args['address']) }
  if (known) Object.assign(known, value)
  else ns.neighbours.push(value)
  ns.tell('neighbour', 'new', value)
}

/** Deletes a neighbour. ENOENT when it is not there. */
export function delNeighbour(ns: FakeNamespace, args: Fields): void {
  ns.link({ index: args['link'] || -1 })
  const known = findNeighbour(ns, args) ?? refuse(E.ENOENT)
  ns.neighbours.splice(ns.neighbours.indexOf(known), 1)
  ns.tell('neighbour', 'del', known)
}
