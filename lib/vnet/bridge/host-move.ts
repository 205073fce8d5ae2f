/**
 * Moving the host's network from its NIC to a bridge over that NIC, and back.
 *
 * A node that loses its network is the worst that can happen here. So the new is made before the
 * old is taken away: there is no moment without an address or a route, every step has its undo,
 * and what was on the NIC is written down before the first step (see BridgeNetwork).
 */
import {
  linkToWire,
  replaceStep,
  type Address,
  type Link,
  type LinkLike,
  type NextHop,
  type Plan,
  type Route,
} from '../../netlink/index.js'
import { acceptDad, type HostFacts } from '../facts.js'

/** What moves, as it is (or was) on the NIC. Plain data: it is kept in the state file. */
export interface HostMove {
  readonly nic: { readonly index: number; readonly name: string; readonly mac: string }
  readonly bridge: string
  readonly mtu: number
  /** The NIC's accept_dad (readAcceptDad). */
  readonly acceptDad: string
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
}

/** Text that marks a bridge as made by us (IFLA_IFALIAS), so that we delete no other. */
export const BRIDGE_ALIAS = 'azure-vnet'

/**
 * Collects what is on the NIC and, where the bridge exists, on the bridge, all in the form it has
 * on the NIC. Routes that the kernel makes for addresses come and go with those.
 */
export function collectMove(
  facts: HostFacts,
  nic: Link,
  bridge: string,
  nicAcceptDad: string,
): HostMove {
  const over = facts.links.find((link) => link.name === bridge)
  const homes = new Set([nic.index, ...(over ? [over.index] : [])])
  const onNic = (address: Address): Address => ({
    ...address,
    link: nic.index,
    label: relabel(address.label, bridge, nic.name),
  })
  const addresses = facts.addresses.filter((a) => homes.has(a.link)).map(onNic)
  const routes = facts.routes
    .filter((r) => r.protocol !== 'kernel' && r.table !== 'local' && uses(r, homes))
    .map((r) => rehome(r, homes, nic.index))
  return {
    nic: { index: nic.index, name: nic.name, mac: nic.mac },
    bridge,
    mtu: nic.mtu,
    acceptDad: nicAcceptDad,
    addresses: unique(addresses, (a) => a.address),
    routes: inOrder(unique(routes, routeKey)),
  }
}

/** Joins what a broken move wrote down with what is there now; what is there now wins. */
export function mergeMoves(now: HostMove, saved: HostMove | undefined): HostMove {
  if (!saved || saved.nic.name !== now.nic.name) return now
  const here = (address: Address): Address => ({ ...address, link: now.nic.index })
  const homes = new Set([saved.nic.index])
  return {
    ...now,
    addresses: unique([...now.addresses, ...saved.addresses.map(here)], (a) => a.address),
    routes: inOrder(
      unique(
        [...now.routes, ...saved.routes.map((r) => rehome(r, homes, now.nic.index))],
        routeKey,
      ),
    ),
  }
}

/**
 * Adds the steps that put addresses and routes on the bridge and the NIC beneath it. A bridge of
 * somebody else's keeps its ports' flags (`own` false).
 */
export function planMoveToBridge(
  plan: Plan,
  move: HostMove,
  bridge: LinkLike,
  own = true,
): void {
  const { nic } = move
  startWithRestore(plan, move, move.routes)
  const plug = () => {
    plan.link.set(nic.index, { master: bridge }, { master: 0 })
    // A bridge gets its carrier with its first port, and drops what it is given to send until the
    // kernel has noticed. Asking for the link makes it notice at once (rtnl_getlink,
    // linkwatch_sync_dev; Linux 6.8).
    plan.raw('link.get', { index: linkToWire(bridge) })
  }
  shift(plan, move, { from: nic.index, to: bridge, toName: move.bridge, before: plug })
  if (own) plan.bridgePort.set(nic.index, { hairpin: true })
}

/** Adds the steps that put everything back on the NIC and take it out of the bridge. */
export function planMoveToNic(plan: Plan, move: HostMove, bridge: number): void {
  const { nic } = move
  const homes = new Set([nic.index])
  startWithRestore(
    plan,
    move,
    move.routes.map((r) => rehome(r, homes, bridge)),
  )
  const unplug = () => plan.link.set(nic.index, { master: 0 }, { master: bridge })
  shift(plan, move, { from: bridge, to: nic.index, toName: nic.name, after: unplug })
}

/** Adds the steps that put everything on the NIC when the bridge is gone. */
export function planRestoreNic(plan: Plan, move: HostMove): void {
  addAddresses(plan, move, move.nic.index, move.nic.name)
  for (const route of move.routes) plan.route.replace(route)
}

interface Shift {
  readonly from: LinkLike
  readonly to: LinkLike
  readonly toName: string
  /** Steps right before and right after the routes change over. */
  readonly before?: () => void
  readonly after?: () => void
}

// Deleting an address takes along every route that prefers it as a source, on whatever link
// (fib_sync_down_addr in net/ipv4/fib_semantics.c). So routes are put in place twice: before, so
// that there always is one, and after, to have them all.
function shift(
  plan: Plan,
  move: HostMove,
  { from, to, toName, before, after }: Shift,
): void {
  const homes = new Set([move.nic.index])
  const routes = move.routes.map((route) => ({
    there: rehome(route, homes, to),
    here: rehome(route, homes, from),
  }))
  addAddresses(plan, move, to, toName)
  // A port of a bridge still sends what is routed to it, and what it receives reaches the host by
  // the bridge. So the NIC is in the bridge while routes change over, either way.
  before?.()
  for (const { there, here } of routes) plan.route.replace(there, here)
  after?.()
  for (const address of inAddingOrder(move.addresses).toReversed()) {
    plan.address.delIfExists({ ...address, link: from })
  }
  for (const { there } of routes) plan.route.replace(there)
}

// Duplicate address detection would hold the host's own, long checked addresses back for a second
// (addrconf_dad_begin in net/ipv6/addrconf.c).
function addAddresses(plan: Plan, move: HostMove, to: LinkLike, toName: string): void {
  const six = move.addresses.some((address) => address.family === 'ipv6')
  const name = acceptDad(toName)
  if (six) plan.sysctl.set(name, '0', move.acceptDad)
  for (const address of inAddingOrder(move.addresses)) {
    const label = relabel(address.label, move.nic.name, toName)
    plan.address.ensure({ ...address, link: to, label })
  }
  if (six) plan.sysctl.set(name, move.acceptDad)
}

// The kernel lists the newest IPv6 address of a scope first (ipv6_link_dev_addr), IPv4 ones last.
function inAddingOrder(addresses: readonly Address[]): Address[] {
  const six = addresses.filter((address) => address.family === 'ipv6')
  return [
    ...addresses.filter((address) => address.family === 'ipv4'),
    ...six.toReversed(),
  ]
}

// The first step's undo is the last to run. By then addresses are back, and the routes that went
// with the others' deletion are put in place once more.
function startWithRestore(plan: Plan, move: HostMove, routes: readonly Route[]): void {
  plan.raw('link.get', { index: move.nic.index }, { undo: routes.map(replaceStep) })
}

function uses(route: Route, links: ReadonlySet<number>): boolean {
  if (route.hops) return route.hops.some((hop) => links.has(hop.link as number))
  return route.link !== undefined && links.has(route.link)
}

type Rehomed<T> = Omit<Route, 'link'> & { link?: T }

function rehome<T extends LinkLike>(
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

function routeKey(r: Route): string {
  return [r.family, r.to, r.from, r.table, r.priority ?? 0, r.tos ?? 0, r.via ?? ''].join(
    ' ',
  )
}

function unique<T>(list: readonly T[], key: (item: T) => string): T[] {
  const seen = new Map<string, T>()
  for (const item of list) if (!seen.has(key(item))) seen.set(key(item), item)
  return [...seen.values()]
}

// A gateway must be reachable when its route is added: routes without one come first.
function inOrder(routes: Route[]): Route[] {
  const rank = (r: Route) => (r.via || r.hops ? 1 : 0)
  return routes.toSorted((a, b) => rank(a) - rank(b))
}
