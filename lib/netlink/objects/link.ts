/**
 * Links: network interfaces (linux/if_link.h, RTM_NEWLINK and its kin).
 */
import type { Wire } from '../../binding.js'
import { IFF, operStates, type OperState } from '../base/constants.js'
import { portFromWire, type PortState } from './bridge-port.js'
import { linkKind } from './kinds/index.js'

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
export interface Link {
  /** Number of the link in its namespace, from 1 (ifi_index). */
  readonly index: number
  /** Name of the link, 1 to 15 bytes (IFLA_IFNAME). */
  readonly name: string
  /** Lower-case, colon-separated; empty for links without one. */
  readonly mac: string
  /** Bytes of the largest packet (IFLA_MTU). */
  readonly mtu: number
  /** Whether it is switched on (IFF_UP); `operState` tells whether it works. */
  readonly up: boolean
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
  /** Group that it is in, 0 when it was given none (IFLA_GROUP). */
  readonly group: number
  /** Frames that may wait for the driver (IFLA_TXQLEN). */
  readonly txQueueLength: number
  /** How many ask for all frames; above 0 the link is promiscuous. */
  readonly promiscuity: number
  /** Smallest and largest MTU that the driver takes; absent when it sets no bound. */
  readonly minMtu?: number
  /** Largest MTU that the driver takes; absent when it sets no bound. */
  readonly maxMtu?: number
  /** Counters; where they were asked for. */
  readonly statistics?: LinkStatistics
  /** Attributes that this version does not name: type number and bytes. */
  readonly unknown?: Wire
}

/** What the addon's table for links calls the attributes (native/rtnl/link.cc). */
interface WireLink {
  index: number
  flags: number
  name?: string
  mac?: string
  mtu?: number
  minMtu?: number
  maxMtu?: number
  master?: number
  link?: number
  linkNetnsId?: number
  operState?: number
  group?: number
  txQueueLength?: number
  promiscuity?: number
  statistics?: LinkStatistics
  info?: {
    kind?: string
    data?: Record<string, unknown>
    slaveKind?: string
    slaveData?: Record<string, unknown>
  }
  alias?: string
  altNames?: string[]
  unknown?: Wire
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A link from the addon's form.
 *
 * @internal
 */
export function linkFromWire(wire: unknown): Link {
  const w = wire as WireLink
  const link: Mutable<Link> = {
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
  if (w.master) link.master = w.master
  if (w.link) link.link = w.link
  if (w.linkNetnsId !== undefined) link.linkNetnsId = w.linkNetnsId
  if (w.info) infoFromWire(w.info, link)
  if (w.alias) link.alias = w.alias
  if (w.altNames?.length) link.altNames = w.altNames
  if (w.minMtu) link.minMtu = w.minMtu
  if (w.maxMtu) link.maxMtu = w.maxMtu
  if (w.statistics) link.statistics = w.statistics
  if (w.unknown !== undefined) link.unknown = w.unknown
  return link
}

function infoFromWire(info: NonNullable<WireLink['info']>, link: Mutable<Link>): void {
  const { kind, data, slaveKind, slaveData } = info
  if (kind) link.kind = kind
  if (data) link.settings = linkKind(kind)?.fromWire?.(data) ?? data
  if (slaveKind === 'bridge' && slaveData) link.port = portFromWire(slaveData)
}
