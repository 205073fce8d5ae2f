/**
 * Routes of the fake kernel: net/ipv4/fib_*.c and net/ipv6/route.c in small.
 */
import { addressOf, familyOf, parsePrefix } from '../ip/index.js'
import { AF, IFF, NLM_F } from '../netlink/base/constants.js'
import { E, refuse, type FakeNamespace, type Fields } from './model.js'

const UNICAST = 1
const LOCAL = 2
// What a look-up ends with at a route of these types (fib_props in net/ipv4/fib_semantics.c).
const REFUSALS: Record<number, number> = { 6: E.EINVAL, 7: E.EHOSTUNREACH, 8: 13 }

function defaults(args: Fields): Fields {
  const v6 = args['family'] === AF.ipv6
  const hops = (args['hops'] as Fields[] | undefined)?.map((hop) => ({
    ...hop,
    weight: hop['weight'] ?? 1,
    flags: hop['flags'] ?? 0,
  }))
  const { hops: _, ...rest } = args
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  return {
    fromLength: 0,
    tos: 0,
    table: 254,
    ...(v6 && { priority: 1024 }),
    ...Object.fromEntries(given),
    ...(args['to'] && { to: addressOf(args['to']) }),
    ...(args['via'] && { via: addressOf(args['via']) }),
    ...(hops && { hops }),
  }
}

function key(route: Fields): string {
  const { family, to, toLength, table, tos, priority } = route
  return [family, to, toLength, table, tos, priority ?? 0].join(' ')
}

// Where a gateway is reached: the link that was given, or that of the route to it.
function checkHop(ns: FakeNamespace, route: Fields, hop: Fields): number {
  const v6 = route['family'] === AF.ipv6
  const given = hop['link'] ? ns.links.find((l) => l.index === hop['link']) : undefined
  if (hop['link'] && !given) refuse(E.ENODEV)
  const down = given && !(given.flags & IFF.up)
  if (hop['via'] === undefined) {
    if (!given) refuse(E.ENODEV)
    if (down) refuse(E.ENETDOWN)
    return given.index
  }
  if ((hop['flags'] ?? route['flags'] ?? 0) & 4) {
    if (!given) refuse(E.EINVAL)
    if (down) refuse(E.ENETDOWN)
    return given.index
  }
  if (down) refuse(E.ENETDOWN)
  const towards = lookup(ns, hop['via'], hop['link'])
  if (!towards || towards['via'] !== undefined || towards['link'] === undefined) {
    refuse(v6 ? E.EHOSTUNREACH : E.ENETUNREACH, 'Nexthop has invalid gateway')
  }
  return towards['link']
}

function check(ns: FakeNamespace, route: Fields): void {
  const { to, toLength, source } = route
  const network = to && parsePrefix(`${to}/${toLength}`)!.first
  if (network !== to) {
    if (route['family'] === AF.ipv4) {
      refuse(E.EINVAL, 'Invalid prefix for given prefix length')
    }
    route['to'] = network
  }
  if (route['type'] === UNICAST) {
    if (route['hops']) {
      for (const hop of route['hops']) hop['link'] = checkHop(ns, route, hop)
    } else {
      route['link'] = checkHop(ns, route, route)
    }
  }
  if (source && !ns.addresses.some((a) => a['local'] === source)) {
    refuse(E.EINVAL, 'Invalid prefsrc address')
  }
}

/** Adds or replaces a route as the flags say. */
export function newRoute(ns: FakeNamespace, args: Fields, flags: number): void {
  const route = defaults(args)
  check(ns, route)
  const at = ns.routes.findIndex((r) => key(r) === key(route))
  if (at >= 0 && flags & NLM_F.excl) refuse(E.EEXIST)
  if (at >= 0 && flags & NLM_F.replace) ns.routes.splice(at, 1, route)
  else if (at >= 0 && !(flags & (NLM_F.append | NLM_F.create))) refuse(E.EEXIST)
  else if (at < 0 && !(flags & NLM_F.create)) refuse(E.ENOENT)
  else ns.routes.push(route)
  ns.tell('route', 'new', route)
}

// What stands for "whatever it is" in a deletion: RT_SCOPE_NOWHERE, RTN_UNSPEC, RTPROT_UNSPEC
// (fib_table_delete in net/ipv4/fib_trie.c).
function isAny(member: string, value: unknown): boolean {
  if (value === undefined) return true
  if (member === 'scope') return value === 255
  return member !== 'via' && member !== 'source' && value === 0
}

/** Deletes the first route that fits what was given. ESRCH when none does. */
export function delRoute(ns: FakeNamespace, args: Fields): void {
  const want = defaults(args)
  const fits = (route: Fields) =>
    ['family', 'toLength', 'tos', 'table', 'to'].every((k) => route[k] === want[k]) &&
    ['via', 'link', 'source', 'priority', 'type', 'scope', 'protocol'].every(
      (k) => isAny(k, args[k]) || route[k] === want[k],
    )
  const at = ns.routes.findIndex(fits)
  if (at < 0) refuse(E.ESRCH)
  const [route] = ns.routes.splice(at, 1)
  ns.tell('route', 'del', route as Fields)
}

function lookup(ns: FakeNamespace, to: string, link?: number): Fields | undefined {
  const family = AF[familyOf(to)!]
  const fits = ns.routes.filter(
    (r) =>
      r['family'] === family &&
      (link === undefined ||
        link === 0 ||
        r['link'] === link ||
        r['link'] === undefined) &&
      (r['to'] === undefined || parsePrefix(`${r['to']}/${r['toLength']}`)!.contains(to)),
  )
  // The local table is asked first, then main (net/ipv4/fib_rules.c).
  const rank = (r: Fields) => (r['table'] === 255 ? 1000 : 0) + r['toLength']
  fits.sort((a, b) => rank(b) - rank(a) || (a['priority'] ?? 0) - (b['priority'] ?? 0))
  return fits[0]
}

/** The route that a packet would take (inet_rtm_getroute). */
export function getRoute(ns: FakeNamespace, args: Fields): Fields {
  const v6 = args['family'] === AF.ipv6
  const to = addressOf(args['to'])
  const found = lookup(ns, to, args['link'])
  if (!found) refuse(E.ENETUNREACH)
  const errno = REFUSALS[found['type']]
  if (errno) refuse(errno)
  const hop = found['hops']?.[0] ?? found
  const from = ns.addresses.find(
    (a) => a['index'] === hop['link'] && a['family'] === args['family'],
  )
  const source = found['source'] ?? from?.['local']
  return {
    family: args['family'],
    toLength: v6 ? 128 : 32,
    fromLength: 0,
    tos: 0,
    protocol: 0,
    scope: 0,
    type: found['type'],
    flags: 0,
    // The answer names main for this machine's own addresses (ip_route_output_key_hash_rcu).
    table: found['type'] === LOCAL ? 254 : found['table'],
    to,
    ...(hop['via'] && { via: hop['via'] }),
    link: found['type'] === LOCAL ? 1 : hop['link'],
    ...(source && { source }),
  }
}

/** The routes of a family. */
export function dumpRoutes(ns: FakeNamespace, args: Fields): Fields[] {
  const family = args['family'] || undefined
  return ns.routes
    .filter((r) => family === undefined || r['family'] === family)
    .map((r) => ({ ...r }))
}
