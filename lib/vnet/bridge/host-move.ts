/**
 * What moves from a NIC to the bridge over it, and back: collected from the host, and joined with
 * what a move that died wrote down. move-plan.ts carries it out.
 */
import { macOf } from '../../ip/index.js'
import type {
  Address,
  Link,
  LinkLike,
  Neighbour,
  NetNs,
  NextHop,
  NextHopEntry,
  Route,
  Rule,
} from '../../netlink/index.js'
import { acceptDad, planFacts, type HostFacts } from '../facts.js'
import { isKernelMade, isSameRoute, prefixRoutes } from './kernel-routes.js'

/** What moves, as it is (or was) on the NIC. Plain data: it is kept in the state file. */
export interface HostMove {
  readonly nic: { readonly index: number; readonly name: string; readonly mac: string }
  readonly bridge: string
  readonly mtu: number
  /** The NIC's accept_dad. */
  readonly acceptDad: string
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
  /** Next hop objects that leave by the NIC. Records of older programs lack this and the rest. */
  readonly nextHops?: readonly NextHopEntry[]
  /** Static neighbours, and proxies. */
  readonly neighbours?: readonly Neighbour[]
  /** Rules of policy routing that name the NIC. They stay, and the bridge gets their like. */
  readonly rules?: readonly Rule[]
  /** Routes that the kernel made for the addresses, and that somebody took away. */
  readonly without?: readonly Route[]
}

/** The host as it is looked at for a move. */
export interface MoveFacts extends HostFacts {
  readonly nextHops: readonly NextHopEntry[]
  /** Static ones and proxies. */
  readonly neighbours: readonly Neighbour[]
  readonly rules: readonly Rule[]
  readonly acceptDad: string
}

/** Text that marks a bridge as made by us (IFLA_IFALIAS), so that we delete no other. */
export const BRIDGE_ALIAS = 'azure-vnet'

/** Reads all that may move from a NIC, in one native call. Throws NetlinkError, SyscallError. */
export function readMoveFacts(host: NetNs, nic: string): MoveFacts {
  const plan = host.plan()
  const facts = planFacts(plan)
  const nextHops = plan.nextHop.dump()
  const entries = plan.neighbour.dump()
  const proxies = plan.neighbour.dump({ proxy: true })
  const rules = plan.rule.dump()
  const dad = plan.sysctl.get(acceptDad(nic), { optional: true })
  const done = plan.runSync()
  const fixed = done.of(entries).filter(({ state }) => state === 'permanent')
  return {
    ...facts(done),
    nextHops: done.of(nextHops),
    neighbours: [...fixed, ...done.of(proxies)],
    rules: done.of(rules),
    acceptDad: done.of(dad),
  }
}

/**
 * Collects what is on the NIC and, where the bridge exists, on the bridge, all in the form it has
 * on the NIC. Routes that the kernel makes for addresses come and go with those.
 */
export function collectMove(facts: MoveFacts, nic: Link, bridge: string): HostMove {
  const over = facts.links.find((link) => link.name === bridge)
  const homes = new Set([nic.index, ...(over ? [over.index] : [])])
  const onNic = (address: Address): Address => ({
    ...address,
    link: nic.index,
    label: relabel(address.label, bridge, nic.name),
  })
  const addresses = facts.addresses.filter((a) => homes.has(a.link)).map(onNic)
  const all = facts.routes
    .filter((r) => uses(r, homes))
    .map((r) => rehome(r, homes, nic.index))
  const routes = all.filter((r) => !isKernelMade(r, addresses))
  const nextHops = facts.nextHops.filter((hop) => homes.has(hop.link!))
  // The bridge's own first: it is what is in use.
  const neighbours = facts.neighbours
    .filter((one) => homes.has(one.link) && !isPod(one))
    .toSorted((a, b) => Number(a.link === nic.index) - Number(b.link === nic.index))
  return {
    nic: { index: nic.index, name: nic.name, mac: nic.mac },
    bridge,
    mtu: nic.mtu,
    acceptDad: facts.acceptDad,
    addresses: unique(addresses, (a) => a.address),
    routes: inOrder(unique(routes, routeKey)),
    nextHops: nextHops.map((hop) => ({ ...hop, link: nic.index })),
    neighbours: unique(
      neighbours.map((one) => ({ ...one, link: nic.index })),
      neighbourKey,
    ),
    rules: facts.rules.filter((rule) => names(rule, nic.name)),
    without: nic.up ? missingRoutes(addresses, all) : [],
  }
}

// The host's own entry for a pod, see planEndpoint.
function isPod({ address, mac, proxy }: Neighbour): boolean {
  return !proxy && mac !== undefined && mac === macOf(address)
}

function missingRoutes(addresses: readonly Address[], all: readonly Route[]): Route[] {
  const missing = addresses
    .flatMap(prefixRoutes)
    .filter((made) => !all.some((route) => isSameRoute(made, route)))
  return unique(missing, routeKey)
}

/** Joins what a broken move wrote down with what is there now; what is there now wins. */
export function mergeMoves(now: HostMove, saved: HostMove | undefined): HostMove {
  if (!saved || saved.nic.name !== now.nic.name) return now
  const here = <T extends { readonly link?: LinkLike }>(one: T) => ({
    ...one,
    link: now.nic.index,
  })
  const homes = new Set([saved.nic.index])
  const routes = saved.routes.map((r) => rehome(r, homes, now.nic.index))
  return {
    ...now,
    addresses: join(now.addresses, saved.addresses.map(here), (a) => a.address),
    routes: inOrder(join(now.routes, routes, routeKey)),
    nextHops: join(now.nextHops, saved.nextHops?.map(here), ({ id }) => String(id)),
    neighbours: join(now.neighbours, saved.neighbours?.map(here), neighbourKey),
    rules: join(now.rules, saved.rules, (rule) => JSON.stringify(rule)),
    without: saved.without ?? [],
  }
}

function join<T>(
  now: readonly T[] = [],
  saved: readonly T[] = [],
  key: (item: T) => string,
): T[] {
  return unique([...now, ...saved], key)
}

/** Whether a rule of policy routing looks at a link. */
export function names({ inLink, outLink }: Rule, link: string): boolean {
  return inLink === link || outLink === link
}

/** Whether a route leaves by one of the links. */
export function uses(route: Route, links: ReadonlySet<number>): boolean {
  if (route.hops) return route.hops.some((hop) => links.has(hop.link as number))
  return route.link !== undefined && links.has(route.link)
}

type Rehomed<T> = Omit<Route, 'link'> & { link?: T }

/** A route with one link in the place of others. */
export function rehome<T extends LinkLike>(
  route: Route,
  from: ReadonlySet<number>,
  to: T,
): Rehomed<T> & Route {
  const hop = (h: NextHop): NextHop =>
    from.has(h.link as number) ? { ...h, link: to } : h
  const moved = {
    ...route,
    ...(route.hops && { hops: route.hops.map(hop) }),
    ...(route.link !== undefined && from.has(route.link) && { link: to }),
  }
  return moved as Rehomed<T> & Route
}

/** The label that an address has on another link. */
export function relabel(
  label: string | undefined,
  from: string,
  to: string,
): string | undefined {
  if (label === from) return to
  return label?.startsWith(`${from}:`)
    ? (to + label.slice(from.length)).slice(0, 15)
    : label
}

/** What a routing table tells routes apart by, less the way that they go. */
export function placeOf(r: Route): string {
  return [r.family, r.to, r.from, r.table, r.priority ?? 0, r.tos ?? 0].join(' ')
}

function routeKey(r: Route): string {
  return `${placeOf(r)} ${r.via ?? ''} ${r.type}`
}

function neighbourKey({ address, proxy }: Neighbour): string {
  return `${address} ${proxy ?? false}`
}

function unique<T>(list: readonly T[], key: (item: T) => string): T[] {
  const seen = new Map<string, T>()
  for (const item of list) if (!seen.has(key(item))) seen.set(key(item), item)
  return [...seen.values()]
}

// A gateway must be reachable when its route is added: routes without one come first.
function inOrder(routes: Route[]): Route[] {
  return routes.toSorted((a, b) => Number(hasGateway(a)) - Number(hasGateway(b)))
}

/** Whether a route needs others, or a next hop object, before it can be added. */
export function hasGateway({ via, hops, nextHopId }: Route): boolean {
  return via !== undefined || hops !== undefined || nextHopId !== undefined
}
