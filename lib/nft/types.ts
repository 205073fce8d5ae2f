/**
 * What nftables knows: families, hooks, data types and how values of them are written.
 * Sources: linux/netfilter/nf_tables.h for the kernel's numbers; the type numbers are those
 * that the nft program shows by name (enum datatypes in nftables' include/datatype.h).
 */

/** Families of tables (NFPROTO_*, linux/netfilter.h). */
export const nftFamilies = {
  inet: 1,
  ip: 2,
  arp: 3,
  netdev: 5,
  bridge: 7,
  ip6: 10,
} as const
export type NftFamily = keyof typeof nftFamilies

/** Hook numbers by family (NF_INET_*, NF_BR_*). */
const inetHooks = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
} as const
export type NftHook = keyof typeof inetHooks

/** The number of a hook; bridge tables number theirs as the inet families do. */
export function hookNumber(hook: NftHook): number {
  return inetHooks[hook]
}

/** A data type: its number for the nft program and its length in bytes. */
interface DataType {
  readonly id: number
  readonly length: number
  /** Value to bytes, in network order. */
  readonly encode: (value: string | number) => Uint8Array
  readonly decode: (bytes: Uint8Array) => string | number
}

function unsigned(length: number) {
  return {
    length,
    encode: (value: string | number) => {
      const number = /^\d+$/.test(String(value)) ? Number(value) : -1
      if (!Number.isInteger(number) || number < 0 || number >= 256 ** length) {
        throw new TypeError(`${value} does not fit into ${length} byte(s)`)
      }
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) bytes[length - 1 - i] = (number / 256 ** i) & 0xff
      return bytes
    },
    decode: (bytes: Uint8Array) =>
      bytes.slice(0, length).reduce((n, b) => n * 256 + b, 0),
  }
}

/** `10.0.0.5` to its four bytes. Throws a TypeError when it is none. */
export function ipv4Bytes(text: string | number): Uint8Array {
  const parts = String(text).split('.')
  // No leading zeros: some read them as octal.
  const fits = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255
  if (parts.length !== 4 || !parts.every(fits)) {
    throw new TypeError(`${text} is not an IPv4 address`)
  }
  return Uint8Array.from(parts, Number)
}

/** `02:00:5e:10:00:01` to its six bytes. Throws a TypeError when it is none. */
export function macBytes(text: string | number): Uint8Array {
  const parts = String(text).split(':')
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-f]{2}$/i.test(part))) {
    throw new TypeError(`${text} is not a MAC address`)
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':')
}

const dataTypes = {
  ipv4_addr: {
    id: 7,
    length: 4,
    encode: ipv4Bytes,
    decode: (bytes: Uint8Array) => bytes.slice(0, 4).join('.'),
  },
  ether_addr: {
    id: 9,
    length: 6,
    encode: macBytes,
    decode: (bytes: Uint8Array) => hex(bytes.slice(0, 6)),
  },
  inet_proto: { id: 12, ...unsigned(1) },
  inet_service: { id: 13, ...unsigned(2) },
} satisfies Record<string, DataType>

/** The data types that keys and data of sets can have here. */
export type DataTypeName = keyof typeof dataTypes

/** A value of a data type: text for addresses, a number for protocols and ports. */
export type DataValue = string | number

/** Parts of a concatenation start at multiples of four bytes (nft registers are 32 bits). */
function padded(length: number): number {
  return (length + 3) & ~3
}

/** The combined type number of a concatenation: six bits a part. */
export function typeId(names: readonly DataTypeName[]): number {
  return names.reduce((id, name) => id * 64 + dataTypes[name].id, 0)
}

/** The length in bytes of a value of these types. */
export function typeLength(names: readonly DataTypeName[]): number {
  const [only] = names
  if (names.length === 1 && only) return dataTypes[only].length
  return names.reduce((sum, name) => sum + padded(dataTypes[name].length), 0)
}

/** Values to the bytes of a key or datum. Throws a TypeError for a value out of its type. */
export function encodeValue(
  names: readonly DataTypeName[],
  values: readonly DataValue[],
): Uint8Array {
  if (names.length !== values.length) {
    throw new TypeError(`expected ${names.length} value(s) (${names.join(' . ')})`)
  }
  const bytes = new Uint8Array(typeLength(names))
  let at = 0
  names.forEach((name, i) => {
    bytes.set(dataTypes[name].encode(values[i] as DataValue), at)
    at += padded(dataTypes[name].length)
  })
  return bytes
}

/** The bytes of a key or datum to its values. */
export function decodeValue(
  names: readonly DataTypeName[],
  bytes: Uint8Array,
): DataValue[] {
  let at = 0
  return names.map((name) => {
    const type: DataType = dataTypes[name]
    const value = type.decode(bytes.subarray(at, at + type.length))
    at += padded(type.length)
    return value
  })
}

/** IP protocol numbers. */
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17 } as const
