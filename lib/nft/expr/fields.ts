/**
 * Fields of packets and frames, and what the kernel knows of them.
 */
import { ArgumentError } from '../../argument-error.js'
import { checkOptions, type Options, oneOf } from '../../netlink/base/options.js'
import { nameOrPrefix } from '../types.js'
import { ofProtocol, REG32, type Expr, type FieldDef, type Protocol } from './core.js'

// NFT_PAYLOAD_*_HEADER
const BASE = { link: 0, network: 1, transport: 2, inner: 3 } as const

/** Which header each protocol's is. */
const HEADER_OF: Readonly<Record<Protocol, keyof typeof BASE>> = {
  ether: 'link',
  arp: 'network',
  ip: 'network',
  ip6: 'network',
  anyIp: 'network',
  icmp: 'transport',
  icmpv6: 'transport',
  tcp: 'transport',
  udp: 'transport',
}

/** How a write to the packet updates its checksum (NFTA_PAYLOAD_CSUM_*). */
export interface Checksum {
  /** Offset of the 16-bit Internet checksum in the same header. */
  readonly offset: number
  /** The field is part of the pseudo header that TCP and UDP sum up too. */
  readonly pseudoHeader?: boolean
}

const CHECKSUM: Options<Checksum> = { offset: 'value', pseudoHeader: 'switch' }

/**
 * A part of the packet, whatever its protocol: `length` bytes at `offset` of a header. Reading beyond
 * the packet's end ends the rule. A write updates the given checksum, or none. {@link ofProtocol} adds
 * the protocol that has it.
 */
export function payload(
  base: keyof typeof BASE,
  offset: number,
  length: number,
  checksum?: Checksum,
): FieldDef & Required<Pick<FieldDef, 'store'>> {
  const at = { base: oneOf(BASE, base, 'base'), offset, length }
  if (checksum !== undefined) checkOptions(checksum, 'a checksum', CHECKSUM, 'checksum.')
  const read = (register: number, where = at): Expr => ({
    expr: 'payload',
    data: { dreg: REG32 + register, ...where },
  })
  const write = (register: number, where = at): Expr => ({
    expr: 'payload',
    data: { sreg: REG32 + register, ...where, ...sumOf(checksum) },
  })
  // The kernel sums up what changes as if it began with a whole word of 16 bits.
  const odd = checksum !== undefined && (offset % 2 === 1 || length % 2 === 1)
  if (!odd) return { length, load: read, store: write }
  const first = offset & ~1
  const words = { ...at, offset: first, length: (offset + length + 1 - first) & ~1 }
  return {
    length,
    load: read,
    store: () => {
      throw new ArgumentError(
        'field: its checksum needs whole words; write bytes into it with store()',
      )
    },
    put: (value) => [
      read(0, words),
      replace(value, offset - first, words.length),
      write(0, words),
    ],
  }
}

function sumOf(checksum: Checksum | undefined) {
  return {
    checksumType: checksum ? 1 : 0, // NFT_PAYLOAD_CSUM_INET
    checksumOffset: checksum?.offset ?? 0,
    checksumFlags: checksum?.pseudoHeader ? 1 : 0, // NFT_PAYLOAD_L4CSUM_PSEUDOHDR
  }
}

/** Puts bytes into register 0, from one of its `length` bytes on; the others stay. */
function replace(value: Uint8Array, from: number, length: number): Expr {
  const keep = new Uint8Array(length).fill(255).fill(0, from, from + value.length)
  const xor = new Uint8Array(length)
  xor.set(value, from)
  return {
    expr: 'bitwise',
    data: {
      sreg: REG32,
      dreg: REG32,
      length,
      mask: { value: keep },
      xor: { value: xor },
    },
  }
}

function meta(key: number, length: number): FieldDef {
  return {
    length,
    load: (register) => ({ expr: 'meta', data: { dreg: REG32 + register, key } }),
    store: (register) => ({ expr: 'meta', data: { sreg: REG32 + register, key } }),
  }
}

function ct(key: number, length: number): FieldDef {
  return {
    length,
    load: (register) => ({ expr: 'ct', data: { dreg: REG32 + register, key } }),
  }
}

// The kernel writes mark, label, event mask and zone alone (nft_ct_set_init in nft_ct.c).
function writableCt(key: number, length: number): FieldDef {
  return {
    ...ct(key, length),
    store: (register) => ({ expr: 'ct', data: { sreg: REG32 + register, key } }),
  }
}

/** NFT_CT_* keys that are told for one direction of a flow. */
const CT_SIDED = {
  protocolSource: { key: 11, length: 2 },
  protocolDestination: { key: 12, length: 2 },
  source: { key: 19, length: 4 },
  destination: { key: 20, length: 4 },
  source6: { key: 21, length: 16 },
  destination6: { key: 22, length: 16 },
  packets: { key: 14, length: 8 },
  bytes: { key: 15, length: 8 },
} as const

/** What conntrack knows of one direction of the flow: its addresses and ports, its counts. */
export function ctOf(
  direction: 'original' | 'reply',
  what: keyof typeof CT_SIDED,
): FieldDef {
  const { key, length } = oneOf(CT_SIDED, what, 'what')
  const side = oneOf({ original: 0, reply: 1 }, direction, 'direction')
  return {
    length,
    load: (register) => ({
      expr: 'ct',
      data: { dreg: REG32 + register, key, direction: side },
    }),
  }
}

// NFT_FIB_RESULT_*, and lengths of what they answer with.
const FIB_RESULTS = { oif: [1, 4], oifname: [2, 16], type: [3, 4] } as const
// NFTA_FIB_F_*
const FIB_FLAGS = { source: 1, destination: 2, mark: 4, iif: 8, oif: 16 } as const

/** A look-up in the routing tables by parts of the packet (`fib saddr . iif oif` of nft). */
export function fib(
  by: readonly (keyof typeof FIB_FLAGS)[],
  result: keyof typeof FIB_RESULTS,
): FieldDef {
  const [number, length] = oneOf(FIB_RESULTS, result, 'result')
  const flags = by.reduce((sum, name) => sum | oneOf(FIB_FLAGS, name, 'by'), 0)
  return {
    length,
    load: (register) => ({
      expr: 'fib',
      data: { dreg: REG32 + register, result: number, flags },
    }),
  }
}

// NFT_RT_*
const RT = {
  classid: [0, 4],
  nexthop4: [1, 4],
  nexthop6: [2, 16],
  tcpMss: [3, 2],
} as const

/** What is known of the packet's route: `nexthop4`, `nexthop6`, `tcpMss`, `classid`. */
export function rt(what: keyof typeof RT): FieldDef {
  const [key, length] = oneOf(RT, what, 'what')
  return {
    length,
    load: (register) => ({ expr: 'rt', data: { dreg: REG32 + register, key } }),
  }
}

// NFT_SOCKET_*
const SOCKET = { transparent: [0, 1], mark: [1, 4], wildcard: [2, 1] } as const

/** What is known of the local socket that the packet belongs to. */
export function socket(what: keyof typeof SOCKET): FieldDef {
  const [key, length] = oneOf(SOCKET, what, 'what')
  return {
    length,
    load: (register) => ({ expr: 'socket', data: { dreg: REG32 + register, key } }),
  }
}

/** A part of the header of a protocol. */
function header(
  protocol: Protocol,
  offset: number,
  length: number,
  checksum?: Checksum,
): FieldDef & Required<Pick<FieldDef, 'store'>> {
  return ofProtocol(protocol, payload(HEADER_OF[protocol], offset, length, checksum))
}

const IP_SUM = { offset: 10, pseudoHeader: true }

/**
 * Fields of packets and frames. Those of the packet are in network order; of the metadata, what
 * is a number in the kernel is in this machine's order (see hostOrder).
 *
 * A field of a protocol's header matches that protocol's packets alone: in tables that see others as
 * well, its rule checks for the protocol first, unless it has done so. `ip saddr` of nft does the same.
 */
export const field = {
  /** MAC that the frame goes to. */
  etherDestination: header('ether', 0, 6),
  /** MAC that the frame comes from. */
  etherSource: header('ether', 6, 6),
  /** In host order as the NIC wrote it: compare with bytes in network order. */
  etherType: header('ether', 12, 2),
  /** ARP: 1 request, 2 reply. */
  arpOperation: header('arp', 6, 2),
  /** ARP over Ethernet: MAC of the sender. */
  arpSenderMac: header('arp', 8, 6),
  /** ARP for IPv4: address of the sender. */
  arpSenderIp: header('arp', 14, 4),
  /** ARP for IPv4: address that is asked for. */
  arpTargetIp: header('arp', 24, 4),
  /** IPv4: type of service; a write updates the checksum. */
  ipTos: header('ip', 1, 1, { offset: 10 }),
  /** IPv4: time to live; a write updates the checksum. */
  ipTtl: header('ip', 8, 1, { offset: 10 }),
  /** IPv4: protocol number; see ipProtocols. */
  ipProtocol: header('ip', 9, 1),
  /** IPv4: source address. */
  ipSource: header('ip', 12, 4),
  /** The first byte of the source: 127 for all of 127.0.0.0/8. */
  ipSourceFirstByte: header('ip', 12, 1),
  /** IPv4: destination address. */
  ipDestination: header('ip', 16, 4),
  /** As ipSource and ipDestination, for writing: the checksums are updated. */
  ipSourceWritable: header('ip', 12, 4, IP_SUM),
  /** The destination address, for writing. */
  ipDestinationWritable: header('ip', 16, 4, IP_SUM),
  /** IPv6: number of the next header. */
  ip6NextHeader: header('ip6', 6, 1),
  /** IPv6: hop limit. */
  ip6HopLimit: header('ip6', 7, 1),
  /** IPv6: source address. */
  ip6Source: header('ip6', 8, 16),
  /** IPv6: destination address. */
  ip6Destination: header('ip6', 24, 16),
  /** ICMP: type; ICMPv6 in ip6 tables, and in rules that are about IPv6 or ICMPv6 by then. */
  icmpType: header('icmp', 0, 1),
  /** ICMP: code; ICMPv6 as for the type. */
  icmpCode: header('icmp', 1, 1),
  /** ICMPv6: type. */
  icmpv6Type: header('icmpv6', 0, 1),
  /** ICMPv6: code. */
  icmpv6Code: header('icmpv6', 1, 1),
  /** Source port of TCP, UDP, SCTP: of whatever protocol the rule matches (`th sport`). */
  sourcePort: payload('transport', 0, 2),
  /** Destination port of TCP, UDP, SCTP: of whatever protocol the rule matches (`th dport`). */
  destinationPort: payload('transport', 2, 2),
  /** As the ports, for writing: the checksum of TCP or UDP is updated. */
  tcpSourceWritable: header('tcp', 0, 2, { offset: 16 }),
  /** TCP: destination port, for writing. */
  tcpDestinationWritable: header('tcp', 2, 2, { offset: 16 }),
  /** UDP: source port, for writing; the checksum is updated. */
  udpSourceWritable: header('udp', 0, 2, { offset: 6 }),
  /** UDP: destination port, for writing; the checksum is updated. */
  udpDestinationWritable: header('udp', 2, 2, { offset: 6 }),
  /** TCP: flags, from the lowest bit FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
  tcpFlags: header('tcp', 13, 1),
  /** NFT_META_LEN */
  packetLength: meta(0, 4),
  /** NFT_META_PROTOCOL: the ethertype, in network order. */
  protocol: meta(1, 2),
  /** NFT_META_MARK */
  mark: meta(3, 4),
  /** NFT_META_IIF, NFT_META_OIF: interface indexes. */
  iif: meta(4, 4),
  /** NFT_META_OIF: index of the interface that it leaves by. */
  oif: meta(5, 4),
  /** NFT_META_IIFNAME, NFT_META_OIFNAME: 16 bytes, padded with NUL. */
  iifname: meta(6, 16),
  /** NFT_META_OIFNAME: name of that interface, as iifname. */
  oifname: meta(7, 16),
  /** NFT_META_SKUID, NFT_META_SKGID: owner of the local socket. */
  socketUid: meta(10, 4),
  /** NFT_META_SKGID: group of the local socket. */
  socketGid: meta(11, 4),
  /** NFT_META_NFTRACE: write 1 to trace the packet. */
  trace: meta(12, 1),
  /** NFT_META_NFPROTO: 2 for IPv4, 10 for IPv6. */
  nfproto: meta(15, 1),
  /** NFT_META_L4PROTO */
  l4proto: meta(16, 1),
  /** NFT_META_BRI_IIFNAME, NFT_META_BRI_OIFNAME: names of the bridges. */
  bridgeIifname: meta(17, 16),
  /** NFT_META_BRI_OIFNAME: name of the bridge that it leaves by. */
  bridgeOifname: meta(18, 16),
  /** NFT_META_PKTTYPE: 0 is "for this host". */
  packetType: meta(19, 1),
  /** NFT_META_CPU */
  cpu: meta(20, 4),
  /** NFT_META_IIFGROUP, NFT_META_OIFGROUP */
  iifGroup: meta(21, 4),
  /** NFT_META_OIFGROUP: group of the interface that it leaves by. */
  oifGroup: meta(22, 4),
  /** NFT_META_CGROUP */
  cgroup: meta(23, 4),
  /** NFT_CT_STATE: bits of ctState. */
  ctState: ct(0, 4),
  /** NFT_CT_DIRECTION: 0 original, 1 reply. */
  ctDirection: ct(1, 1),
  /** NFT_CT_STATUS: IPS_* bits, in host order. */
  ctStatus: ct(2, 4),
  /** NFT_CT_MARK */
  ctMark: writableCt(3, 4),
  /** NFT_CT_ZONE: write it before conntrack sees the packet. */
  ctZone: writableCt(17, 2),
  /** NFT_FIB_RESULT_ADDRTYPE of the destination: an RTN_* number in host order. */
  destinationType: fib(['destination'], 'type'),
  /** NFT_FIB_RESULT_ADDRTYPE of the source. */
  sourceType: fib(['source'], 'type'),
} satisfies Record<string, FieldDef>

/** NF_CT_STATE_*: bits of `field.ctState` (net/netfilter/nf_conntrack.h). */
export const ctState = {
  /** It fits no flow and begins none. */
  invalid: 1,
  /** The flow has been seen in both directions. */
  established: 2,
  /** It begins a flow that another announced, or is an ICMP error about one. */
  related: 4,
  /** It begins a flow. */
  new: 8,
  /** Conntrack was told to pass it over. */
  untracked: 64,
} as const

/**
 * An interface name as `iifname` holds it, for `eq` and `neq`. One that ends with an asterisk, `eth*`,
 * fits all names that begin so, as in nft; `eth\\*` is a name with an asterisk. Throws an ArgumentError
 * for what no name can be.
 */
export function ifname(name: string): Uint8Array {
  const { text, prefix } = nameOrPrefix(name)
  if (prefix) return text
  const bytes = new Uint8Array(16)
  bytes.set(text)
  return bytes
}

/** A 32-bit number in the order of this machine, as marks, states and indexes are. */
export function hostOrder(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer)
}
