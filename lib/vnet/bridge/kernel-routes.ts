/**
 * Routes that the kernel makes for an address by itself, and takes away with it. What made a route
 * cannot be told by its protocol: NetworkManager's prefix routes say `kernel` too, and people's can.
 * It follows from the address: fib_add_ifaddr in net/ipv4/fib_frontend.c, inet6_addr_add and
 * __ipv6_ifa_notify in net/ipv6/addrconf.c.
 */
import { addressOf, hostPart, parsePrefix, widthOf } from '../../ip/index.js'
import { IFA_F, type Address, type Route } from '../../netlink/index.js'

/** Of an IPv4 address beside a primary one of its prefix; of an IPv6 one, a privacy address. */
const SECONDARY = 0x01

/** IP6_RT_PRIO_ADDRCONF (net/ip6_route.h): the metric of prefix routes of IPv6. */
const V6_METRIC = 256

/** All of IPv6's groups: each link that is up has a route for them. */
const V6_GROUPS = 'ff00::/8'

/**
 * The routes in `main` that come with an address: that of its prefix, and of IPv6 that of the other
 * end. None where the address's flags, or its length, say so.
 */
export function prefixRoutes(address: Address): Route[] {
  if ((address.flags ?? 0) & IFA_F.noprefixroute) return []
  return address.family === 'ipv4' ? prefixRoute4(address) : prefixRoutes6(address)
}

function prefixRoute4(address: Address): Route[] {
  const { flags = 0, link, metric } = address
  const prefix = parsePrefix(farEnd(address))!
  const local = addressOf(address.address)
  // A single address has no prefix beside itself; 0.0.0.0/8 gets none.
  const none = prefix.length === 32 && prefix.first === local
  if (flags & SECONDARY || none || prefix.first.startsWith('0.')) return []
  return [
    {
      ...made(link, 'ipv4', prefix.cidr),
      scope: 'link',
      source: local,
      ...(metric && { priority: metric }),
    },
  ]
}

function prefixRoutes6(address: Address): Route[] {
  const { link, peer } = address
  const priority = address.metric || V6_METRIC
  const own = parsePrefix(address.address)!.cidr
  const far = peer === undefined ? [] : [`${hostPart(peer)}/128`]
  return [own, ...far].map((to) => ({ ...made(link, 'ipv6', to), priority }))
}

function made(link: number, family: 'ipv4' | 'ipv6', to: string): Route {
  const protocol = 'kernel'
  return { family, to, table: 'main', protocol, scope: 'global', type: 'unicast', link }
}

/** The other end of a point-to-point link, with the prefix length of the address; else the address. */
function farEnd({ address, peer }: Pick<Address, 'address' | 'peer'>): string {
  return peer === undefined ? address : `${hostPart(peer)}/${address.split('/')[1]}`
}

/** Whether the kernel made a route for one of the addresses, or for the link itself. */
export function isKernelMade(route: Route, addresses: readonly Address[]): boolean {
  if (route.protocol !== 'kernel') return false
  if (route.table === 'local') return isOfLocalTable(route, addresses)
  return addresses.some((address) =>
    prefixRoutes(address).some((one) => isSameRoute(one, route)),
  )
}

/** Whether two routes of a link are one to the kernel. */
export function isSameRoute(one: Route, other: Route): boolean {
  return (
    one.family === other.family &&
    one.to === other.to &&
    one.table === other.table &&
    one.type === other.type &&
    one.scope === other.scope &&
    one.via === other.via &&
    other.hops === undefined &&
    other.nextHopId === undefined &&
    other.metrics === undefined &&
    other.flow === undefined &&
    (one.tos ?? 0) === (other.tos ?? 0) &&
    (one.priority ?? 0) === (other.priority ?? 0) &&
    // Of IPv6 the kernel says none, and people may have set one.
    one.source === other.source
  )
}

// What makes addresses this machine's own, and their broadcasts and groups.
function isOfLocalTable({ family, to, type }: Route, all: readonly Address[]): boolean {
  if (type === 'anycast') return family === 'ipv6'
  if (type === 'multicast') return to === V6_GROUPS
  return all.some((address) => address.family === family && goesWith(address, to, type))
}

function goesWith(address: Address, to: string, type: Route['type']): boolean {
  const width = widthOf(address.family)
  if (type === 'local') return to === `${addressOf(address.address)}/${width}`
  if (type !== 'broadcast' || address.family !== 'ipv4') return false
  const { first, last } = parsePrefix(farEnd(address))!
  // Kernels before 5.14 take a prefix's number for a broadcast address too.
  return [address.broadcast, first, last].some((one) => to === `${one}/32`)
}
