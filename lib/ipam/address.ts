/**
 * Addresses, prefixes and MACs as text: strict reading, canonical writing.
 */
import ipaddr from 'ipaddr.js'
import { ipFamily } from '../ip-family.js'
import { dotted, rangeOf } from '../ipv4.js'
import type { Family } from './types.js'

// The library is for IPv6 alone: most nodes have none, and it takes a fifth of a millisecond to set
// up. The check lets no 10.1 and no octal 010.0.0.1 pass, which other tools read differently.
function parse6(text: string): ipaddr.IPv6 | undefined {
  // A zone (fe80::1%eth0) has a meaning on one host only.
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) {
    return undefined
  }
  return ipaddr.IPv6.parse(text)
}

/**
 * The canonical form of an address: four decimal parts, or RFC 5952 for IPv6. `undefined`
 * for anything else, octal or shortened IPv4 and zones included.
 */
export function canonicalAddress(text: string): string | undefined {
  return ipFamily(text) === 4 ? text : parse6(text)?.toRFC5952String()
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
  const length = Number(bits)
  if (ipFamily(host) === 4) return length <= 32 ? prefix4(host, length) : undefined
  const address = parse6(host)
  return address && length <= 128 ? prefix6(address, length) : undefined
}

function prefix4(host: string, length: number): Prefix {
  const { first, last } = rangeOf(`${host}/${length}`)
  return {
    cidr: `${dotted(first)}/${length}`,
    family: 'ipv4',
    length,
    firstHost: dotted(first < last ? first + 1 : first),
    contains(candidate) {
      if (ipFamily(candidate) !== 4) return false
      const { first: number } = rangeOf(candidate)
      return first <= number && number <= last
    },
  }
}

function prefix6(address: ipaddr.IPv6, length: number): Prefix {
  const bytes = address.toByteArray().map((byte, i) => {
    const kept = Math.min(8, Math.max(0, length - i * 8))
    return byte & (0xff00 >> kept) & 0xff
  })
  const network = new ipaddr.IPv6(bytes)
  const firstHost = new ipaddr.IPv6(bytes.with(15, bytes[15]! | Number(length < 128)))
  return {
    cidr: `${network.toRFC5952String()}/${length}`,
    family: 'ipv6',
    length,
    firstHost: firstHost.toRFC5952String(),
    contains: (candidate) => parse6(candidate)?.match(network, length) ?? false,
  }
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
  const key = host.includes(':') ? `16:${hex6(host)}` : `04:${hex4(host)}`
  return `${key}/${bits.padStart(3, '0')}`
}

function hex4(host: string): string {
  return rangeOf(host).first.toString(16).padStart(8, '0')
}

function hex6(host: string): string {
  const bytes = parse6(host)?.toByteArray() ?? []
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * `aa:bb:cc:dd:ee:ff` from six bytes in hex, any case, bare or with colons or dashes.
 * `undefined` for anything else.
 */
export function canonicalMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}(([:-]?)[0-9a-f]{2})(\2[0-9a-f]{2}){4}$/i.test(text)) return undefined
  return text.replace(/[:-]/g, '').toLowerCase().match(/../g)!.join(':')
}
