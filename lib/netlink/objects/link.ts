/**
 * Links: network interfaces (linux/if_link.h, RTM_NEWLINK and its kin).
 */
import type { Wire } from '../../binding.js'
import { IFF, operStates, type OperState } from '../base/constants.js'
import { MemberTable, told, unlessEmpty } from '../base/members.js'
import { portFromWire, type PortState } from './bridge-port.js'
import { linkKind, readSettings } from './kinds/index.js'
import type { LinkAttributes } from './link-spec.js'

/** Counters of a link since it was made: struct rtnl_link_stats64 (linux/if_link.h). */
export interface LinkStatistics {
  /** Packets that came in. */
  readonly rxPackets: number
  /** Packets that were sent. */
  readonly txPackets: number
  /** Bytes that came in. */
  readonly rxBytes: number
  /** Bytes that were sent. */
  readonly txBytes: number
  /** Bad packets that came in. */
  readonly rxErrors: number
  /** Packets that could not be sent. */
  readonly txErrors: number
  /** Packets that came in and were dropped, for want of buffers or of a protocol. */
  readonly rxDropped: number
  /** Packets that were dropped before they were sent. */
  readonly txDropped: number
  /** Multicast packets that came in. */
  readonly multicast: number
  /** Collisions on the medium. */
  readonly collisions: number
  /** The rest by name, as far as the kernel has them: rxLengthErrors, rxNoHandler and others. */
  readonly [name: string]: number
}

/** A link as the kernel reports it. */
export interface Link extends LinkAttributes {
  /** Number of the link in its namespace, from 1 (ifi_index). */
  readonly index: number
  /** Name of the link, 1 to 15 bytes (IFLA_IFNAME). */
  readonly name: string
  /** IFF_* bits. */
  readonly flags: number
  /** What state the link is in (IFLA_OPERSTATE, RFC 2863). */
  readonly operState: OperState | number
  /** Index of the bridge that the link is a port of; absent when of none. */
  readonly master?: number
  /** Index of the link beneath or of the veth peer, in that one's namespace. */
  readonly link?: number
  /** That namespace's number as this one knows it (`nsid`); absent when it is this one. */
  readonly linkNetnsId?: number
  /** `bridge`, `veth`; absent for hardware and loopback. */
  readonly kind?: string
  /** The kind's own settings, named as in its spec; absent when it has none. */
  readonly settings?: { readonly [name: string]: unknown }
  /** Settings as a port of a bridge. */
  readonly port?: PortState
  /** Free text that it was given; absent when none (IFLA_IFALIAS). */
  readonly alias?: string
  /** Further names that the link is found by; absent when it has none. */
  readonly altNames?: readonly string[]
  /** How many ask for all frames; above 0 the link is promiscuous. */
  readonly promiscuity: number
  /** Smallest MTU that the driver takes; absent when it sets no bound. */
  readonly minMtu?: number
  /** Largest MTU that the driver takes; absent when it sets no bound. */
  readonly maxMtu?: number
  /** Counters; where they were asked for. */
  readonly statistics?: LinkStatistics
  /** Attributes that this version does not name: type number and bytes. */
  readonly unknown?: Wire
}

type Always =
  keyof LinkAttributes | 'index' | 'name' | 'flags' | 'operState' | 'promiscuity'
type Info = 'kind' | 'settings' | 'port'

/** What a link may be reported with: native/rtnl/link.cc has the attributes. */
const LINK = new MemberTable<Omit<Link, Always | Info>>({
  master: unlessEmpty(told),
  link: unlessEmpty(told),
  linkNetnsId: told,
  alias: unlessEmpty(told),
  altNames: { read: (wire: readonly string[]) => (wire.length > 0 ? wire : undefined) },
  minMtu: unlessEmpty(told),
  maxMtu: unlessEmpty(told),
  statistics: told,
  unknown: told,
})

/** IFLA_LINKINFO: what the kinds of the link and of its master know. */
interface WireInfo {
  kind?: string
  data?: Record<string, unknown>
  slaveKind?: string
  slaveData?: Record<string, unknown>
}

interface WireLink {
  index: number
  flags: number
  name?: string
  operState?: number
  promiscuity?: number
  info?: WireInfo
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A link from the addon's form.
 *
 * @internal
 */
export function linkFromWire(wire: unknown): Link {
  const w = wire as Partial<LinkAttributes> & WireLink
  const link: Partial<Mutable<Link>> = {
    index: w.index,
    name: w.name ?? '',
    mac: w.mac ?? '',
    mtu: w.mtu ?? 0,
    up: (w.flags & IFF.up) !== 0,
    flags: w.flags,
    operState: operStates.name(w.operState ?? 0),
    group: w.group ?? 0,
    txQueueLength: w.txQueueLength ?? 0,
    promiscuity: w.promiscuity ?? 0,
  }
  if (w.info) infoFromWire(w.info, link)
  return LINK.read<Link>(w, link)
}

const ALWAYS = [
  'index',
  'name',
  'mac',
  'mtu',
  'flags',
  'operState',
  'group',
  'txQueueLength',
  'promiscuity',
] as const satisfies (keyof WireLink | keyof LinkAttributes)[]

let names: readonly string[] | undefined

/**
 * What linkFromWire reads of the thirty members that a link has at least. The text of a dump and
 * the time it takes JavaScript's engine to read it are in proportion.
 *
 * @internal
 */
export function linkMembers(): readonly string[] {
  return (names ??= LINK.told(...ALWAYS, 'info').filter((name) => name !== 'unknown'))
}

function infoFromWire(info: WireInfo, link: Partial<Mutable<Link>>): void {
  const { kind, data, slaveKind, slaveData } = info
  if (kind) link.kind = kind
  if (data) link.settings = readSettings(linkKind(kind), data)
  if (slaveKind === 'bridge' && slaveData) link.port = portFromWire(slaveData)
}
