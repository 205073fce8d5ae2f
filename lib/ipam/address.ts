/**
 * Addresses, prefixes and MACs as text: strict reading, canonical writing.
 */
import ipaddr from 'ipaddr.js'
import { ipFamily } from '../ip-family.js'
import type { Family } from './types.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

function parse(text: string): Address | undefined {
  // The library also takes 10.1 and octal 010.0.0.1, which other tools read differently.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  // A zone (fe80::1%eth0) has a meaning on one host only.
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  return ipaddr.IPv6.parse(text)
}

function canonical(address: Address): string {
  return address.kind() === 'ipv4'
    ? address.toString()
    : (address as ipaddr.IPv6).toRFC5952String()
}

/**
 * The canonical form of an address: four decimal parts, or RFC 5952 for IPv6. `undefined`
 * for anything else, octal or shortened IPv4 and zones included.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = parse(text)
  return address && canonical(address)
}

/** A prefix in its parts. */
export interface Prefix {
  /** Canonical CIDR, host bits zero. */
  readonly cidr: string
  readonly family: Family
  /** Prefix length in bits. */
  readonly length: number
  /** First host address: the network's number plus one, where the prefix has room. */
  readonly firstHost: string
  /** Tells whether an address lies inside; false for what is no address. */
  contains(address: string): boolean
}

/** Reads `10.0.0.0/24`; host bits are cleared. `undefined` when it is not a CIDR. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, host = '', bits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const address = parse(host)
  const length = Number(bits)
  if (!address || length > address.toByteArray().length * 8) return undefined
  const bytes = maskedBytes(address, length)
  const hasRoom = length < bytes.length * 8
  const network = ipaddr.fromByteArray(bytes)
  const last = bytes.length - 1
  const firstHost = ipaddr.fromByteArray(bytes.with(last, bytes[last]! | Number(hasRoom)))
  return {
    cidr: `${canonical(network)}/${length}`,
    family: address.kind(),
    length,
    firstHost: canonical(firstHost),
    contains(candidate) {
      const other = parse(candidate)
      return other?.kind() === network.kind() && other.match(network, length)
    },
  }
}

function maskedBytes(address: Address, length: number): number[] {
  return address.toByteArray().map((byte, i) => {
    const kept = Math.min(8, Math.max(0, length - i * 8))
    return byte & (0xff00 >> kept) & 0xff
  })
}

/** Sorts addresses by number, IPv4 before IPv6: 10.0.0.9 comes before 10.0.0.10. */
export function sortAddresses(addresses: Iterable<string>): string[] {
  const keyed = Array.from(addresses, (address) => ({ address, key: sortKey(address) }))
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return keyed.map(({ address }) => address)
}

/** A string that sorts an address or CIDR by number, IPv4 before IPv6. */
export function sortKey(text: string): string {
  const [host = '', bits = ''] = text.split('/')
  // A pool has hundreds of addresses: those of IPv4 need no library.
  const bytes =
    ipFamily(host) === 4
      ? host.split('.').map(Number)
      : (parse(host)?.toByteArray() ?? [])
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${bytes.length.toString().padStart(2, '0')}:${hex}/${bits.padStart(3, '0')}`
}

/**
 * `aa:bb:cc:dd:ee:ff` from six bytes in hex, any case, bare or with colons or dashes.
 * `undefined` for anything else.
 */
export function canonicalMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}(([:-]?)[0-9a-f]{2})(\2[0-9a-f]{2}){4}$/i.test(text)) return undefined
  return text.replace(/[:-]/g, '').toLowerCase().match(/../g)!.join(':')
}
