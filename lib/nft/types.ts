/**
 * The data types of keys, data and fields, and how values of them are written. The type numbers
 * are those that the nft program shows by name (enum datatypes of nftables' include/datatype.h);
 * the kernel only carries them.
 */
import { ArgumentError } from '../argument-error.js'
import { formatAddress, formatMac, ipv4Bytes, ipv6Bytes, macBytes } from '../ip/index.js'

export * from './families.js'

/**
 * A value of a data type: text for addresses and names, a number for the others. A name that ends
 * with an asterisk stands for all that begin so, where ranges can be.
 */
export type DataValue = string | number

/**
 * The data types that keys and data of sets can have here, by the nft program's names. Values are
 * text for addresses, MACs and interface names, and numbers for the others.
 */
export type DataTypeName =
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'ether_addr'
  | 'nf_proto'
  | 'ether_type'
  | 'arp_op'
  | 'inet_proto'
  | 'inet_service'
  | 'icmp_type'
  | 'tcp_flag'
  | 'mark'
  | 'iface_index'
  | 'iface_type'
  | 'realm'
  | 'uid'
  | 'gid'
  | 'ct_state'
  | 'ct_dir'
  | 'ct_status'
  | 'icmpv6_type'
  | 'pkt_type'
  | 'icmp_code'
  | 'icmpv6_code'
  | 'devgroup'
  | 'dscp'
  | 'fib_addrtype'
  | 'ifname'

/** A data type: its number for the nft program and its length in bytes. */
interface DataType {
  readonly id: number
  readonly length: number
  /** Bytes of this machine's order, as marks and interface indexes are. */
  readonly host?: boolean
  /** Value to bytes, in network order. */
  readonly encode: (value: DataValue) => Uint8Array
  readonly decode: (bytes: Uint8Array) => DataValue
  /** The same type in network order, as keys of ranges are: only so their bytes have an order. */
  readonly ordered?: Pick<DataType, 'encode' | 'decode'>
}

function integer(value: DataValue, length: number): number {
  const number = Number(value)
  if (
    value === '' ||
    !Number.isInteger(number) ||
    number < 0 ||
    number >= 256 ** length
  ) {
    throw new ArgumentError(`${value} does not fit into ${length} byte(s)`)
  }
  return number
}

function unsigned(length: number) {
  return {
    length,
    encode: (value: DataValue) => {
      let rest = integer(value, length)
      const bytes = new Uint8Array(length)
      for (let i = length - 1; i >= 0; i--) {
        bytes[i] = rest % 256
        rest = Math.floor(rest / 256)
      }
      return bytes
    },
    decode: (bytes: Uint8Array) =>
      bytes.slice(0, length).reduce((n, b) => n * 256 + b, 0),
  }
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

function hostOrdered(length: number) {
  const big = unsigned(length)
  const turn = (bytes: Uint8Array) => (littleEndian ? bytes.toReversed() : bytes)
  return {
    length,
    host: true,
    encode: (value: DataValue) => turn(big.encode(value)),
    decode: (bytes: Uint8Array) => big.decode(turn(bytes.slice(0, length))),
    ordered: big,
  }
}

const IFNAMSIZ = 16

/**
 * What an interface name without its closing NULs is: the name, or the beginning of names where the
 * text ends with an asterisk, as in nft (`eth*`). A backslash before the asterisk makes it a part of
 * the name. Throws an ArgumentError for what no name can be.
 *
 * @internal
 */
export function nameOrPrefix(value: DataValue): { text: Uint8Array; prefix: boolean } {
  const given = String(value)
  const literal = given.endsWith('\\*')
  const prefix = given.endsWith('*') && !literal
  const plain = literal ? `${given.slice(0, -2)}*` : prefix ? given.slice(0, -1) : given
  const text = new TextEncoder().encode(plain)
  if (text.length === 0 || text.length >= IFNAMSIZ || text.includes(0)) {
    throw new ArgumentError(
      `${JSON.stringify(value)} is no interface name; give 1 to 15 bytes` +
        (prefix ? ' before the asterisk' : ''),
    )
  }
  return { text, prefix }
}

function nameBytes(value: DataValue): Uint8Array {
  const { text, prefix } = nameOrPrefix(value)
  if (prefix) {
    throw new ArgumentError(
      `${JSON.stringify(value)} stands for all names that begin so, a range; give a name, ` +
        `a set with interval, or write \\* for an asterisk in the name`,
    )
  }
  return sized(text, IFNAMSIZ)
}

// The bytes of a name end with NULs; where there is none before the end, it is the beginning of names.
function nameText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
  if (end < 0 && bytes.length < IFNAMSIZ) return `${text}*`
  return text.endsWith('*') ? `${text.slice(0, -1)}\\*` : text
}

// The kernel's bytes may be fewer than a set's definition says.
function sized(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length)
  whole.set(bytes.subarray(0, length))
  return whole
}

const byte = unsigned(1)
const twoBytes = unsigned(2)
const hostTwoBytes = hostOrdered(2)
const hostWord = hostOrdered(4)

const dataTypes = {
  ipv4_addr: {
    id: 7,
    length: 4,
    encode: ipv4Bytes,
    decode: (bytes: Uint8Array) => formatAddress(sized(bytes, 4)),
  },
  ipv6_addr: {
    id: 8,
    length: 16,
    encode: ipv6Bytes,
    decode: (bytes: Uint8Array) => formatAddress(sized(bytes, 16)),
  },
  ether_addr: {
    id: 9,
    length: 6,
    encode: macBytes,
    decode: (bytes: Uint8Array) => formatMac(sized(bytes, 6)),
  },
  nf_proto: { id: 2, ...byte },
  ether_type: { id: 10, ...twoBytes },
  arp_op: { id: 11, ...twoBytes },
  inet_proto: { id: 12, ...byte },
  inet_service: { id: 13, ...twoBytes },
  icmp_type: { id: 14, ...byte },
  tcp_flag: { id: 15, ...byte },
  mark: { id: 19, ...hostWord },
  iface_index: { id: 20, ...hostWord },
  iface_type: { id: 21, ...hostTwoBytes },
  realm: { id: 22, ...hostWord },
  uid: { id: 24, ...hostWord },
  gid: { id: 25, ...hostWord },
  ct_state: { id: 26, ...hostWord },
  ct_dir: { id: 27, ...byte },
  ct_status: { id: 28, ...hostWord },
  icmpv6_type: { id: 29, ...byte },
  pkt_type: { id: 31, ...byte },
  icmp_code: { id: 32, ...byte },
  icmpv6_code: { id: 33, ...byte },
  devgroup: { id: 35, ...hostWord },
  dscp: { id: 36, ...byte },
  fib_addrtype: { id: 38, ...hostWord },
  ifname: {
    id: 41,
    length: IFNAMSIZ,
    host: true, // so says the nft program, for all that it is text
    encode: nameBytes,
    decode: nameText,
  },
} satisfies Record<DataTypeName, DataType>

let namesById: ReadonlyMap<number, DataTypeName> | undefined

function nameOf(id: number): DataTypeName | undefined {
  namesById ??= new Map(
    Object.entries(dataTypes).map(([name, type]) => [type.id, name as DataTypeName]),
  )
  return namesById.get(id)
}

/** The type of that name. Throws a TypeError that lists the known ones. */
function dataType(name: DataTypeName): DataType {
  const type: DataType | undefined = dataTypes[name]
  if (!type) {
    const known = Object.keys(dataTypes).join(', ')
    throw new ArgumentError(`type: ${name} is not known; use one of ${known}`)
  }
  return type
}

/** Parts of a concatenation start at multiples of four bytes (nft registers are 32 bits). */
function padded(length: number): number {
  return (length + 3) & ~3
}

/**
 * The combined type number of a concatenation: six bits a part.
 *
 * @internal
 */
export function typeId(names: readonly DataTypeName[]): number {
  return names.reduce((id, name) => id * 64 + dataType(name).id, 0)
}

/**
 * The types behind a combined number, or undefined when one has no name here.
 *
 * @internal
 */
export function typeNames(id: number): DataTypeName[] | undefined {
  const names: DataTypeName[] = []
  for (let rest = id; rest > 0; rest = Math.floor(rest / 64)) {
    const name = nameOf(rest % 64)
    if (!name) return undefined
    names.unshift(name)
  }
  return names.length > 0 ? names : undefined
}

/**
 * The lengths in bytes of the parts.
 *
 * @internal
 */
export function partLengths(names: readonly DataTypeName[]): number[] {
  return names.map((name) => dataType(name).length)
}

/**
 * The length in bytes of a value of these types.
 *
 * @internal
 */
export function typeLength(names: readonly DataTypeName[]): number {
  const [only] = names
  if (names.length === 1 && only) return dataType(only).length
  return names.reduce((sum, name) => sum + padded(dataType(name).length), 0)
}

/**
 * Whether a single type is in this machine's order; the nft program wants to be told.
 *
 * @internal
 */
export function isHostOrder(names: readonly DataTypeName[]): boolean {
  const [only] = names
  return names.length === 1 && only !== undefined && dataType(only).host === true
}

/**
 * Writes values into `bytes` from `at`. Throws as encodeValue does.
 *
 * @internal
 */
export function encodeInto(
  names: readonly DataTypeName[],
  values: readonly DataValue[],
  bytes: Uint8Array,
  at: number,
): void {
  if (names.length !== values.length) {
    throw new ArgumentError(`expected ${names.length} value(s) (${names.join(' . ')})`)
  }
  let offset = at
  for (let i = 0; i < names.length; i++) {
    const type = dataType(names[i] as DataTypeName)
    bytes.set(type.encode(values[i] as DataValue), offset)
    offset += padded(type.length)
  }
}

/**
 * The sizes in bytes of the parts that are turned to network order in keys of ranges; 0 for those that
 * stay as they are.
 *
 * @internal
 */
export function turnedParts(names: readonly DataTypeName[]): number[] {
  return names.map((name) => {
    const { ordered, length }: DataType = dataType(name)
    return ordered ? length : 0
  })
}

/** Values to the bytes of a key or datum. Throws a TypeError for a value out of its type. */
export function encodeValue(
  names: readonly DataTypeName[],
  values: readonly DataValue[],
): Uint8Array {
  const bytes = new Uint8Array(typeLength(names))
  encodeInto(names, values, bytes, 0)
  return bytes
}

/**
 * One part of a key of ranges as bytes.
 *
 * @internal
 */
export function encodeOrdered(
  name: DataTypeName,
  values: readonly DataValue[],
): Uint8Array {
  const { ordered }: DataType = dataType(name)
  const [value] = values
  if (!ordered || value === undefined) return encodeValue([name], values)
  return ordered.encode(value)
}

/**
 * The bytes of a key or datum to its values; `ordered` for keys of an interval set, whose numbers are
 * in network order all.
 */
export function decodeValue(
  names: readonly DataTypeName[],
  bytes: Uint8Array,
  ordered = false,
): DataValue[] {
  let at = 0
  return names.map((name) => {
    const whole: DataType = dataType(name)
    const type = { ...whole, ...(ordered && whole.ordered) }
    const value = type.decode(bytes.subarray(at, at + type.length))
    at += padded(type.length)
    return value
  })
}

/** IP protocol numbers (IPPROTO_*, linux/in.h). */
export const ipProtocols = {
  /** IPPROTO_ICMP */
  icmp: 1,
  /** IPPROTO_TCP */
  tcp: 6,
  /** IPPROTO_UDP */
  udp: 17,
  /** IPPROTO_ICMPV6 */
  icmpv6: 58,
  /** IPPROTO_SCTP */
  sctp: 132,
  /** IPPROTO_UDPLITE */
  udplite: 136,
} as const
