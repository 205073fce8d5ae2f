/**
 * Moving the host's network from its NIC to a bridge over that NIC, and back.
 *
 * A node that loses its network is the worst that can happen here. So the new is made before the
 * old is taken away: there is no moment without an address or a route, every step has its undo,
 * and what was on the NIC is written down before the first step (see BridgeNetwork).
 */
import {
  appendStep,
  linkToWire,
  removeStep,
  replaceNeighbourStep,
  replaceNextHopStep,
  replaceStep,
  type Address,
  type LinkLike,
  type Plan,
  type Rule,
} from '../../netlink/index.js'
import { acceptDad } from '../facts.js'
import {
  hasGateway,
  names,
  rehome,
  relabel,
  uses,
  type HostMove,
  type MoveFacts,
} from './host-move.js'
import { isShared, put, putBack, remove, sharedPlaces } from './route-steps.js'

/** What a move is planned from: the host as it is. */
export type MoveGround = Pick<MoveFacts, 'addresses' | 'routes' | 'neighbours'>

/**
 * Adds the steps that put addresses and routes on the bridge and the NIC beneath it. A bridge of
 * somebody else's keeps its ports' flags (`own` false).
 */
export function planMoveToBridge(
  plan: Plan,
  move: HostMove,
  bridge: LinkLike,
  ground: MoveGround,
  own = true,
): void {
  const { nic } = move
  const shared = sharedPlaces(ground)
  startWithRestore(plan, move, nic.index, shared)
  const plug = () => {
    plan.link.set(nic.index, { master: bridge }, { master: 0 })
    // A bridge gets its carrier with its first port, and drops what it is given to send until the
    // kernel has noticed. Asking for the link makes it notice at once (rtnl_getlink,
    // linkwatch_sync_dev; Linux 6.8).
    plan.raw('link.get', { index: linkToWire(bridge) })
  }
  const there = { from: nic.index, to: bridge, toName: move.bridge, shared }
  shift(plan, move, { ...there, before: plug, ground })
  for (const rule of move.rules ?? []) plan.rule.ensure(twin(rule, move))
  if (own) plan.bridgePort.set(nic.index, { hairpin: true })
}

/** Adds the steps that put everything back on the NIC and take it out of the bridge. */
export function planMoveToNic(
  plan: Plan,
  move: HostMove,
  bridge: number,
  ground: MoveGround,
): void {
  const { nic } = move
  const shared = sharedPlaces(ground)
  startWithRestore(plan, move, bridge, shared)
  const unplug = () => plan.link.set(nic.index, { master: 0 }, { master: bridge })
  const back = { from: bridge, to: nic.index, toName: nic.name, shared }
  shift(plan, move, { ...back, after: unplug, ground })
}

/** Adds the steps that put everything on the NIC when the bridge is gone. */
export function planRestoreNic(plan: Plan, move: HostMove, ground: MoveGround): void {
  const { nic, routes } = move
  const shared = sharedPlaces(ground)
  addAddresses(plan, move, nic.index, nic.name, ground)
  for (const route of routes) if (!hasGateway(route)) put(plan, route, shared)
  for (const hop of move.nextHops ?? []) plan.nextHop.replace(hop)
  for (const route of routes) if (hasGateway(route)) put(plan, route, shared)
  addNeighbours(plan, move, nic.index, ground)
}

/** Adds the steps that take away what else names the bridge, which is about to go. */
export function planForgetRules(plan: Plan, move: HostMove): void {
  for (const rule of move.rules ?? []) plan.rule.delIfExists(twin(rule, move))
}

/** A rule for the bridge like the one for the NIC. */
export function twin(rule: Rule, { nic, bridge }: HostMove): Rule {
  const { inLink, outLink } = rule
  return {
    ...rule,
    ...(inLink === nic.name && { inLink: bridge }),
    ...(outLink === nic.name && { outLink: bridge }),
  }
}

interface Shift {
  readonly from: LinkLike
  readonly to: LinkLike
  readonly toName: string
  readonly ground: MoveGround
  readonly shared: ReadonlySet<string>
  /** Steps right before and right after the routes change over. */
  readonly before?: () => void
  readonly after?: () => void
}

// Deleting an address takes along every route that prefers it as a source, on whatever link
// (fib_sync_down_addr in net/ipv4/fib_semantics.c). So routes are put in place twice: before, so
// that there always is one, and after, to have them all.
function shift(plan: Plan, move: HostMove, how: Shift): void {
  const { from, to, toName, ground, shared, before, after } = how
  const homes = new Set([move.nic.index])
  const routes = move.routes.map((route) => ({
    there: rehome(route, homes, to),
    here: rehome(route, homes, from),
  }))
  addAddresses(plan, move, to, toName, ground)
  for (const route of move.without ?? []) remove(plan, { ...route, link: to as number })
  // A port of a bridge still sends what is routed to it, and what it receives reaches the host by
  // the bridge. So the NIC is in the bridge while routes change over, either way.
  before?.()
  addNeighbours(plan, move, to, ground)
  const near = routes.filter(({ there }) => !hasGateway(there))
  const far = routes.filter(({ there }) => hasGateway(there))
  const hops = (move.nextHops ?? []).map((hop) => ({ ...hop, link: from }))
  // What goes by a gateway comes back when the route to the gateway is back: after it, in undo too.
  const undo = [
    ...hops.map(replaceNextHopStep),
    ...far.flatMap(({ there, here }) => putBack(there, here, shared)),
  ]
  plan.raw('link.get', { index: move.nic.index }, { undo })
  for (const { there, here } of near) {
    put(plan, there, shared, putBack(there, here, shared))
    if (isShared(there, shared)) remove(plan, here)
  }
  for (const hop of hops) plan.nextHop.replace({ ...hop, link: to })
  for (const { there, here } of far) {
    put(plan, there, shared)
    if (isShared(there, shared)) remove(plan, here)
  }
  after?.()
  for (const address of inAddingOrder(move.addresses).toReversed()) {
    plan.address.delIfExists({ ...address, link: from })
  }
  for (const { there } of routes) put(plan, there, shared)
}

// Duplicate address detection would hold the host's own, long checked addresses back for a second
// (addrconf_dad_begin in net/ipv6/addrconf.c).
function addAddresses(
  plan: Plan,
  move: HostMove,
  to: LinkLike,
  toName: string,
  { addresses }: MoveGround,
): void {
  const six = move.addresses.some((address) => address.family === 'ipv6')
  const name = acceptDad(toName)
  if (six) plan.sysctl.set(name, '0', move.acceptDad)
  for (const address of inAddingOrder(move.addresses)) {
    const label = relabel(address.label, move.nic.name, toName)
    const moved = { ...address, link: to, label }
    const there = addresses.find((a) => a.link === to && a.address === address.address)
    if (there && isRenewed(there, address)) plan.address.replace(moved)
    else plan.address.ensure(moved)
  }
  if (six) plan.sysctl.set(name, move.acceptDad)
}

// A DHCP client renews its lease where it has always had it.
function isRenewed({ lifetime: old }: Address, { lifetime: now }: Address): boolean {
  return old?.valid !== now?.valid || old?.preferred !== now?.preferred
}

// The kernel lists the newest IPv6 address of a scope first (ipv6_link_dev_addr), IPv4 ones last.
function inAddingOrder(addresses: readonly Address[]): Address[] {
  const six = addresses.filter((address) => address.family === 'ipv6')
  return [
    ...addresses.filter((address) => address.family === 'ipv4'),
    ...six.toReversed(),
  ]
}

// The NIC keeps its own for as long as it has an IPv4 address (fib_disable_ip, arp_ifdown).
function addNeighbours(
  plan: Plan,
  { neighbours = [] }: HostMove,
  to: LinkLike,
  ground: MoveGround,
): void {
  for (const { family: _, ...entry } of neighbours) {
    const there = ground.neighbours.some(
      (one) =>
        one.link === to &&
        one.address === entry.address &&
        one.proxy === entry.proxy &&
        one.mac === entry.mac,
    )
    if (!there) plan.neighbour.replace({ ...entry, link: to })
  }
}

// The first step's undo is the last to run. By then addresses are back, and what went with their
// deletion is put in place once more: routes, and neighbours with a link's last IPv4 address.
function startWithRestore(
  plan: Plan,
  move: HostMove,
  from: number,
  shared: ReadonlySet<string>,
): void {
  const homes = new Set([move.nic.index])
  const back = move.routes.map((route) => {
    const here = rehome(route, homes, from)
    return isShared(here, shared) ? appendStep(here) : replaceStep(here)
  })
  const gone = (move.without ?? []).map((route) => removeStep({ ...route, link: from }))
  const fixed = (move.neighbours ?? []).map(({ family: _, ...entry }) =>
    replaceNeighbourStep({ ...entry, link: from }),
  )
  const undo = [...gone, ...back, ...fixed]
  plan.raw('link.get', { index: move.nic.index }, { undo })
}

/** Whether nothing of a move is left to do on the way to the bridge. */
export function isMoved(facts: MoveFacts, move: HostMove, bridge: number): boolean {
  const { nic } = move
  const there = new Set([nic.index])
  const own = facts.addresses.filter(({ link }) => link === nic.index)
  return (
    own.length === 0 &&
    !facts.nextHops.some(({ link }) => link === nic.index) &&
    // What the kernel makes for the link itself comes with each change of its carrier.
    !facts.routes.some((r) => uses(r, there) && r.table !== 'local') &&
    facts.rules.every(
      (rule) => !names(rule, nic.name) || facts.rules.some(isLike(twin(rule, move))),
    ) &&
    facts.neighbours.every((one) => one.link !== nic.index || isKnown(facts, one, bridge))
  )
}

const isLike = (rule: Rule) => {
  const wanted = JSON.stringify(rule)
  return (other: Rule) => JSON.stringify(other) === wanted
}

function isKnown(
  { neighbours }: MoveFacts,
  entry: MoveFacts['neighbours'][0],
  on: number,
) {
  return neighbours.some(
    ({ link, address, proxy }) =>
      link === on && address === entry.address && proxy === entry.proxy,
  )
}
