/**
 * Entries of conntrack: the flows that the kernel remembers (linux/netfilter/nfnetlink_conntrack.h).
 */
import type { Wire } from '../binding.js'
import { AF } from '../netlink/base/constants.js'
import { checkOptions, oneOf, type Options } from '../netlink/base/options.js'

/** What names an ICMP or ICMPv6 flow in the place of ports. */
export interface IcmpSide {
  /** The echo identifier, the same both ways. */
  readonly id: number
  /** ICMP type: 8 echo request, 0 echo reply; 128 and 129 for ICMPv6. */
  readonly type: number
  /** ICMP code, 0 for echoes. */
  readonly code: number
}

/** What there is one of for each direction of a flow. */
export interface BothSides<T> {
  /** Of the direction of the first packet. */
  readonly original: T
  /** Of replies. */
  readonly reply: T
}

/** One direction of a flow. */
export interface FlowSide {
  /** Address in canonical form. */
  readonly source: string
  /** Address in canonical form. */
  readonly destination: string
  /** IP protocol number: 6 TCP, 17 UDP, 1 ICMP. */
  readonly protocol: number
  /** Ports of TCP, UDP, SCTP, DCCP and UDP-Lite. */
  readonly sourcePort?: number
  /** Port that it goes to, 0 to 65535; of the same protocols. */
  readonly destinationPort?: number
  /** Of ICMP and ICMPv6. */
  readonly icmp?: IcmpSide
  /** The zone of this direction, where it has one of its own. */
  readonly zone?: number
}

/** Where a TCP connection is: TCP_CONNTRACK_* (linux/netfilter/nf_conntrack_tcp.h). */
export type TcpState =
  | 'none'
  | 'syn-sent'
  | 'syn-recv'
  | 'established'
  | 'fin-wait'
  | 'close-wait'
  | 'last-ack'
  | 'time-wait'
  | 'close'
  | 'syn-sent2'

const TCP_STATES: readonly TcpState[] = [
  'none',
  'syn-sent',
  'syn-recv',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'close',
  'syn-sent2',
]

/**
 * What is known of a flow. `confirmed`: its first packet got through; `seenReply`: so did one of the
 * other side; `assured`: it is not given up early; `sourceNat`, `destinationNat`: it is translated.
 */
export type FlowStatus =
  | 'expected'
  | 'seenReply'
  | 'assured'
  | 'confirmed'
  | 'sourceNat'
  | 'destinationNat'
  | 'dying'
  | 'helper'
  | 'offload'

/**
 * IPS_* bits (linux/netfilter/nf_conntrack_common.h).
 *
 * @internal
 */
export const STATUS: Readonly<Record<FlowStatus, number>> = {
  expected: 1,
  seenReply: 2,
  assured: 4,
  confirmed: 8,
  sourceNat: 16,
  destinationNat: 32,
  dying: 512,
  helper: 8192,
  offload: 16384,
}

/** Packets and bytes of one direction; counted with the sysctl nf_conntrack_acct only. */
export interface FlowCounters {
  /** Packets since the flow began. */
  readonly packets: number
  /** Bytes of them, with their IP headers. */
  readonly bytes: number
}

/** A flow that the kernel remembers. */
export interface ConntrackEntry {
  /** Family of its addresses. */
  readonly family: 'ipv4' | 'ipv6'
  /** As its first packet was. */
  readonly original: FlowSide
  /** As replies are; with NAT that is not just the original with its ends swapped. */
  readonly reply: FlowSide
  /** What has happened to it, by name. */
  readonly status: readonly FlowStatus[]
  /** IPS_* bits of linux/netfilter/nf_conntrack_common.h. */
  readonly statusBits: number
  /** Seconds until it is forgotten, should no packet come. */
  readonly timeout?: number
  /** 0 when none was set. */
  readonly mark: number
  /** 0 is the zone of all that is in none. */
  readonly zone: number
  /**
   * The kernel's number for the entry (CTA_ID). It differs between flows that have the same addresses
   * and ports one after the other.
   */
  readonly id?: number
  /** Where the connection is; TCP only. */
  readonly tcpState?: TcpState
  /** Bit set of 16 bytes (`ct label`). */
  readonly labels?: Uint8Array
  /** Name of the helper that follows it: `ftp`. */
  readonly helper?: string
  /** What each direction carried (CTA_COUNTERS_ORIG, CTA_COUNTERS_REPLY). */
  readonly counters?: BothSides<FlowCounters>
  /** Nanoseconds of the epoch, with the sysctl nf_conntrack_timestamp only. */
  readonly started?: number | bigint
  /** The original direction of the flow that this one was expected by. */
  readonly master?: FlowSide
  /** How sequence numbers are shifted, where a helper changed lengths. */
  readonly sequence?: Partial<BothSides<SequenceShift>>
}

/** A shift of TCP sequence numbers. */
export interface SequenceShift {
  /** Sequence number from which `offsetAfter` holds (CTA_SEQADJ_CORRECTION_POS). */
  readonly correctionPosition: number
  /** Shift below that position (CTA_SEQADJ_OFFSET_BEFORE). */
  readonly offsetBefore: number
  /** Shift from that position on (CTA_SEQADJ_OFFSET_AFTER). */
  readonly offsetAfter: number
}

/** Identifies an entry: its original direction, and `id` to tell it from a later one with the same. */
export type ConntrackKey = Pick<ConntrackEntry, 'family' | 'original'> &
  Partial<Pick<ConntrackEntry, 'id' | 'zone'>>

interface WireSide {
  ip?: {
    source?: string
    destination?: string
    source6?: string
    destination6?: string
  }
  proto?: {
    number?: number
    sourcePort?: number
    destinationPort?: number
    icmpId?: number
    icmpType?: number
    icmpCode?: number
    icmpv6Id?: number
    icmpv6Type?: number
    icmpv6Code?: number
  }
  zone?: number
}

interface WireEntry {
  family: number
  original: WireSide
  reply: WireSide
  status?: number
  timeout?: number
  mark?: number
  zone?: number
  id?: number
  protoInfo?: { tcp?: { state?: number } }
  labels?: Uint8Array
  help?: { name?: string }
  countersOriginal?: FlowCounters
  countersReply?: FlowCounters
  timestamp?: { start?: number | bigint }
  master?: WireSide
  sequenceOriginal?: SequenceShift
  sequenceReply?: SequenceShift
}

function sideFromWire({ ip = {}, proto = {}, zone }: WireSide): FlowSide {
  const id = proto.icmpId ?? proto.icmpv6Id
  return {
    source: ip.source ?? ip.source6 ?? '',
    destination: ip.destination ?? ip.destination6 ?? '',
    protocol: proto.number ?? 0,
    ...(proto.sourcePort !== undefined && { sourcePort: proto.sourcePort }),
    ...(proto.destinationPort !== undefined && {
      destinationPort: proto.destinationPort,
    }),
    ...(id !== undefined && {
      icmp: {
        id,
        type: proto.icmpType ?? proto.icmpv6Type ?? 0,
        code: proto.icmpCode ?? proto.icmpv6Code ?? 0,
      },
    }),
    ...(zone !== undefined && { zone }),
  }
}

function detailsFromWire(w: WireEntry) {
  const state = w.protoInfo?.tcp?.state
  const tcpState = state === undefined ? undefined : TCP_STATES[state]
  const { countersOriginal: original, countersReply: reply } = w
  const { sequenceOriginal, sequenceReply } = w
  return {
    ...(w.timeout !== undefined && { timeout: w.timeout }),
    ...(w.id !== undefined && { id: w.id }),
    ...(tcpState && { tcpState }),
    ...(w.labels && { labels: w.labels }),
    ...(w.help?.name !== undefined && { helper: w.help.name }),
    ...(original && reply && { counters: { original, reply } }),
    ...(w.timestamp?.start !== undefined && { started: w.timestamp.start }),
    ...(w.master && { master: sideFromWire(w.master) }),
    ...((sequenceOriginal || sequenceReply) && {
      sequence: {
        ...(sequenceOriginal && { original: sequenceOriginal }),
        ...(sequenceReply && { reply: sequenceReply }),
      },
    }),
  }
}

/**
 * An entry from the addon's answer.
 *
 * @internal
 */
export function entryFromWire(wire: unknown): ConntrackEntry {
  const w = wire as WireEntry
  const bits = w.status ?? 0
  const names = Object.keys(STATUS) as FlowStatus[]
  return {
    family: w.family === AF.ipv6 ? 'ipv6' : 'ipv4',
    original: sideFromWire(w.original),
    reply: sideFromWire(w.reply),
    status: names.filter((name) => bits & STATUS[name]),
    statusBits: bits,
    mark: w.mark ?? 0,
    zone: w.zone ?? 0,
    ...detailsFromWire(w),
  }
}

// All of an entry, which is a key too.
const KEY: Options<ConntrackEntry> = {
  family: 'value',
  original: 'value',
  reply: 'value',
  status: 'value',
  statusBits: 'value',
  timeout: 'value',
  mark: 'value',
  zone: 'value',
  id: 'value',
  tcpState: 'value',
  labels: 'value',
  helper: 'value',
  counters: 'value',
  started: 'value',
  master: 'value',
  sequence: 'value',
}
const SIDE: Options<FlowSide> = {
  source: 'value',
  destination: 'value',
  protocol: 'value',
  sourcePort: 'value',
  destinationPort: 'value',
  icmp: 'value',
  zone: 'value',
}

/**
 * What names an entry, in the addon's form.
 *
 * @internal
 */
export function keyToWire(key: ConntrackKey): { [key: string]: Wire } {
  checkOptions(key, 'a flow', KEY)
  checkOptions(key.original, 'a side of a flow', SIDE, 'original.')
  const { family, original, id, zone } = key
  const { source, destination, protocol, sourcePort, destinationPort, icmp } = original
  if (icmp !== undefined) {
    checkOptions(
      icmp,
      'icmp',
      { id: 'value', type: 'value', code: 'value' },
      'original.icmp.',
    )
  }
  const six = oneOf({ ipv4: false, ipv6: true }, family, 'family')
  const ip = six
    ? { source6: source, destination6: destination }
    : { source, destination }
  const icmpProto = icmp && {
    [six ? 'icmpv6Id' : 'icmpId']: icmp.id,
    [six ? 'icmpv6Type' : 'icmpType']: icmp.type,
    [six ? 'icmpv6Code' : 'icmpCode']: icmp.code,
  }
  return {
    family: AF[family],
    original: {
      ip,
      proto: { number: protocol, sourcePort, destinationPort, ...icmpProto },
    },
    ...(id !== undefined && { id }),
    ...(zone && { zone }),
  }
}
