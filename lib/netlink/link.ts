/**
 * Links: network interfaces (linux/if_link.h, RTM_NEWLINK and its kin).
 */
import type { Wire } from '../binding.js'
import type { PortState } from './bridge-port.js'
import { portFromWire } from './bridge-port.js'
import { checkAlias, checkInteger, checkLinkName, checkMac } from './check.js'
import { IFF, operStates, type OperState } from './constants.js'
import { linkKind } from './kinds/index.js'
import type { NetNs } from './netns.js'
import type { Options } from './options.js'
import { linkToWire, type LinkLike, type StepSink } from './steps.js'

export { checkLinkName } from './check.js'
export type { BridgeSpec } from './kinds/index.js'

/** What a link can be given when it is made. */
export interface LinkSpec {
  /** 1 to 15 bytes, no slash, colon or white space (dev_valid_name in net/core/dev.c). */
  readonly name: string
  /** `02:00:5e:10:00:01`; the kernel picks one when absent. */
  readonly mac?: string
  /** Bytes, 68 to 65535 for most kinds. */
  readonly mtu?: number
  /** Bridge or VRF to be a port of. */
  readonly master?: LinkLike
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Brings the link up in the same step, or right after where the kernel asks for that. */
  readonly up?: boolean
  /** Group that `delGroup` deletes together, 0 (the default) to 4294967295. */
  readonly group?: number
  /** Frames that may wait for the driver. */
  readonly txQueueLength?: number
  /** Queues of a multi-queue link. */
  readonly txQueues?: number
  /** Queues for frames that come in, of a multi-queue link. */
  readonly rxQueues?: number
  /** Index that the link shall have; the kernel picks one when absent. */
  readonly index?: number
}

/** One end of a veth pair. */
export interface VethEnd extends LinkSpec {
  /** Namespace that this end is born in; the plan's when absent. */
  readonly netns?: NetNs
}

/** What can be changed on a link; absent members stay as they are. */
export interface LinkChange {
  /** A link that is up takes a new name since Linux 6.2; older kernels answer EBUSY. */
  readonly name?: string
  /** Six bytes as `02:00:5e:10:00:01` (IFLA_ADDRESS). */
  readonly mac?: string
  /** Bytes of the largest packet (IFLA_MTU). */
  readonly mtu?: number
  /** 0 takes the link out of its bridge. */
  readonly master?: LinkLike
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Brings the link up or down (IFF_UP). */
  readonly up?: boolean
  /** Group that `delGroup` deletes together, 0 to 4294967295 (IFLA_GROUP). */
  readonly group?: number
  /** Frames that may wait for the driver (IFLA_TXQLEN). */
  readonly txQueueLength?: number
  /** All frames are taken, not only those for this link. */
  readonly promiscuous?: boolean
  /** All multicasts are taken (IFF_ALLMULTI). */
  readonly allMulticast?: boolean
  /** False for a link that resolves no addresses (IFF_NOARP). */
  readonly arp?: boolean
  /** The link can carry multicasts (IFF_MULTICAST). */
  readonly multicast?: boolean
  /** Moves the link into another namespace; it comes down, and loses its addresses and routes. */
  readonly netns?: NetNs
}

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

/**
 * Members of a request, in the addon's form.
 *
 * @internal
 */
export type WireArgs = { [key: string]: Wire }

/**
 * What every kind of link has.
 *
 * @internal
 */
export const LINK_OPTIONS: Options<LinkSpec> = {
  name: 'value',
  mac: 'value',
  mtu: 'value',
  master: 'value',
  alias: 'value',
  group: 'value',
  txQueueLength: 'value',
  txQueues: 'value',
  rxQueues: 'value',
  index: 'value',
  up: 'switch',
}

/**
 * What a change of a link has.
 *
 * @internal
 */
export const CHANGE_OPTIONS: Options<LinkChange> = {
  name: 'value',
  mac: 'value',
  mtu: 'value',
  master: 'value',
  alias: 'value',
  group: 'value',
  txQueueLength: 'value',
  netns: 'value',
  up: 'switch',
  promiscuous: 'switch',
  allMulticast: 'switch',
  arp: 'switch',
  multicast: 'switch',
}

const FLAGS = [
  ['up', IFF.up],
  ['promiscuous', IFF.promiscuous],
  ['allMulticast', IFF.allMulticast],
  ['multicast', IFF.multicast],
] as const
const NUMBERS = ['index', 'group', 'txQueueLength', 'txQueues', 'rxQueues'] as const

/**
 * The settings that all links share, in the addon's form; names of other links are looked up by
 * steps of `sink`. Throws a TypeError naming what is wrong.
 *
 * @internal
 */
export function commonArgs(
  spec: Omit<Partial<LinkSpec>, 'master'> & LinkChange,
  sink: StepSink,
): WireArgs {
  const args: WireArgs = {}
  if (spec.name !== undefined) args['name'] = checkLinkName(spec.name)
  if (spec.mac !== undefined) args['mac'] = checkMac(spec.mac)
  if (spec.mtu !== undefined) {
    args['mtu'] = checkInteger(spec.mtu, 'mtu', 0, 0x7fffffff)
  }
  if (spec.alias !== undefined) args['alias'] = checkAlias(spec.alias)
  if (spec.master !== undefined) {
    args['master'] = linkToWire(spec.master, sink, { field: 'master' })
  }
  for (const name of NUMBERS) {
    const value = spec[name]
    if (value !== undefined) args[name] = checkInteger(value, name, 0, 0xffffffff)
  }
  if (spec.netns) args['netns'] = sink.namespace(spec.netns)
  return { ...args, ...flagArgs(spec) }
}

// ifi_flags holds the new values, ifi_change says which of them count.
function flagArgs(spec: LinkChange): WireArgs {
  let flags = 0
  let change = 0
  for (const [name, bit] of FLAGS) {
    if (spec[name] === undefined) continue
    change |= bit
    if (spec[name]) flags |= bit
  }
  if (spec.arp !== undefined) {
    change |= IFF.noArp
    if (!spec.arp) flags |= IFF.noArp
  }
  return change ? { flags, change } : {}
}
