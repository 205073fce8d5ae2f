/**
 * What a monitor tells: the notifications of rtnetlink and nftables, one type a kind.
 */
import type { WireEvent } from '../binding.js'
import { addressFromWire, type Address } from './objects/address.js'
import { linkFromWire, type Link } from './objects/link.js'
import { nextHopFromWire, type NextHopEntry } from './objects/nexthop.js'
import { routeFromWire, type Route } from './objects/route.js'
import { policyRuleFromWire, type Rule } from './objects/rule.js'
import { nftChange, type NftChange } from '../nft/events.js'

/** What happened: RTM_NEW… and NFT_MSG_NEW… tell of things made or changed, DEL of things gone. */
export type Change = 'new' | 'del'

/** A link was made, changed or deleted. */
export interface LinkEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'link'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The link as it is now, or was last. */
  readonly link: Link
}

/** A bridge's port was added, changed or taken out of its bridge. */
export interface BridgePortEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'bridgePort'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The port; `master` is its bridge. */
  readonly link: Link
}

/** An address was added, changed or deleted. */
export interface AddressEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'address'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The address as it is now, or was last. */
  readonly address: Address
}

/** A route was added, replaced or deleted. IPv4 routes that go with their link are not told. */
export interface RouteEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'route'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The route as it is now, or was last. */
  readonly route: Route
}

/** A neighbour as notifications tell it (struct ndmsg, linux/neighbour.h). */
export interface WatchedNeighbour {
  /** Index of the link. */
  readonly link: number
  /** The IP address; absent for entries of a bridge's forwarding table. */
  readonly address?: string
  /** MAC of the neighbour; absent while it is not known. */
  readonly mac?: string
  /** NUD_* bits. */
  readonly state: number
  /** NTF_* bits. */
  readonly flags: number
  /** Index of the bridge, for entries of its forwarding table. */
  readonly master?: number
  /** VLAN of an entry of a forwarding table. */
  readonly vlan?: number
}

/** A neighbour (`neighbour`) or an entry of a bridge's forwarding table (`fdb`) changed. */
export interface NeighbourEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'neighbour' | 'fdb'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The neighbour as it is now, or was last. */
  readonly neighbour: WatchedNeighbour
}

/** This namespace gave another a number, or forgot it (ip-netns(8), `list-id`). */
export interface NsidEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'nsid'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The number (NETNSA_NSID). */
  readonly nsid: number
}

/** A next hop was added, replaced or deleted. Those that go with their link are not told. */
export interface NextHopEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'nextHop'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The next hop as it is now, or was last. */
  readonly nextHop: NextHopEntry
}

/** A policy rule was added or deleted. */
export interface RuleEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'rule'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The rule as it is now, or was last. */
  readonly rule: Rule
}

/**
 * Something of the ruleset changed. The changes of one transaction come one after the other, and
 * its generation (`object: 'generation'`) closes them.
 */
export type NftEvent = {
  /** The kind that tells the events apart. */
  readonly kind: 'nft'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
} & NftChange

/**
 * Notifications are missing at this place: the kernel's buffer or the queue of this monitor was
 * full. Read the state anew (`dump`) and go on; what happens after this event was taken is told.
 */
export interface OverrunEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'overrun'
}

/** The event of each kind. */
export interface MonitorEvents {
  /** RTNLGRP_LINK. */
  readonly link: LinkEvent
  /** RTNLGRP_LINK, the messages of family AF_BRIDGE. */
  readonly bridgePort: BridgePortEvent
  /** RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR. */
  readonly address: AddressEvent
  /** RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE. */
  readonly route: RouteEvent
  /** RTNLGRP_NEIGH. */
  readonly neighbour: NeighbourEvent
  /** RTNLGRP_NEIGH, the messages of family AF_BRIDGE. */
  readonly fdb: NeighbourEvent
  /** RTNLGRP_IPV4_RULE and RTNLGRP_IPV6_RULE. */
  readonly rule: RuleEvent
  /** RTNLGRP_NSID. */
  readonly nsid: NsidEvent
  /** RTNLGRP_NEXTHOP. */
  readonly nextHop: NextHopEvent
  /** NFNLGRP_NFTABLES; needs CAP_NET_ADMIN. */
  readonly nft: NftEvent
}

/** What can be watched. */
export type MonitorKind = keyof MonitorEvents

/** An event of one of these kinds, or an overrun. */
export type MonitorEvent<K extends MonitorKind = MonitorKind> =
  MonitorEvents[K] | OverrunEvent

function neighbour(value: unknown): WatchedNeighbour {
  const { link, state, flags, ...rest } = value as WatchedNeighbour
  const { address, mac, master, vlan } = rest
  return {
    link,
    ...(address !== undefined && { address }),
    ...(mac !== undefined && { mac }),
    state,
    flags,
    ...(master !== undefined && { master }),
    ...(vlan !== undefined && { vlan }),
  }
}

const readers: {
  [K in MonitorKind]: (value: unknown, wire: WireEvent) => Record<string, unknown>
} = {
  link: (value) => ({ link: linkFromWire(value) }),
  bridgePort: (value) => ({ link: linkFromWire(value) }),
  address: (value) => ({ address: addressFromWire(value) }),
  route: (value) => ({ route: routeFromWire(value) }),
  neighbour: (value) => ({ neighbour: neighbour(value) }),
  fdb: (value) => ({ neighbour: neighbour(value) }),
  rule: (value) => ({ rule: policyRuleFromWire(value) }),
  nextHop: (value) => ({ nextHop: nextHopFromWire(value) }),
  nsid: (value) => ({ nsid: (value as { nsid: number }).nsid }),
  nft: (value, wire) => ({ ...nftChange(wire.object ?? '', value) }),
}

/**
 * An event from the addon's form.
 *
 * @internal
 */
export function eventFromWire<K extends MonitorKind>(wire: WireEvent): MonitorEvent<K> {
  if (wire.kind === 'overrun') return { kind: 'overrun' }
  const { kind, change } = wire
  const members = readers[kind as MonitorKind](wire.value, wire)
  return { kind, change, ...members } as unknown as MonitorEvent<K>
}

/**
 * The kinds that can be watched.
 *
 * @internal
 */
export const monitorKinds: readonly string[] = Object.keys(readers)
