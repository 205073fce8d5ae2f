/**
 * Prefixes (RFC 4632, section 3.1; RFC 4291, section 2.3), and addresses with the length of their
 * prefix as interfaces have them.
 *
 * What is named `parse…` answers undefined for a text that is none; the others throw a TypeError.
 */
import { ArgumentError } from '../argument-error.js'
import {
  addressBytes,
  canonicalText,
  compareAddresses,
  familyOfBytes,
  formatAddress,
  parseAddress,
  widthOf,
  type Family,
} from './address.js'
import { maskBytes } from './bytes.js'

/** An address with the length of its prefix; host bits are kept. */
export interface Cidr {
  /** Canonical, without the length. */
  readonly address: string
  /** Length of the prefix in bits, 0 to 32 or 128. */
  readonly length: number
  readonly family: Family
}

/** Reads `10.0.0.7/24`; undefined when it is none, or the length is missing. */
export function parseCidr(text: string): Cidr | undefined {
  // Callers in JavaScript give what they have.
  if (typeof text !== 'string') return undefined
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const host = text.slice(0, slash)
  const digits = text.slice(slash + 1)
  const bytes = parseAddress(host)
  // A leading zero would make a second way to write it.
  if (!bytes || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined
  const length = Number(digits)
  if (length > bytes.length * 8) return undefined
  return { address: canonicalText(host, bytes), length, family: familyOfBytes(bytes) }
}

/** Reads `10.0.0.7/24` or `10.0.0.7`, whose length is then the full one; undefined for neither. */
export function parseInterface(text: string): Cidr | undefined {
  if (typeof text === 'string' && text.includes('/')) return parseCidr(text)
  const bytes = parseAddress(text)
  if (!bytes) return undefined
  const address = canonicalText(text, bytes)
  return { address, length: bytes.length * 8, family: familyOfBytes(bytes) }
}

/** The address alone, of a text with or without length: `10.0.0.7` of `10.0.0.7/24`. */
export function addressOf(text: string): string {
  return interfaceOf(text).address
}

/**
 * As {@link addressOf}, unchecked: for what this program wrote itself. An ADD looks at all leases,
 * and reading a hundred addresses takes half a millisecond of a cold start.
 */
export function hostPart(cidr: string): string {
  const slash = cidr.indexOf('/')
  return slash < 0 ? cidr : cidr.slice(0, slash)
}

/** `10.0.0.7/32`, `fd00::7/128`: the prefix that is one address. */
export function hostPrefix(address: string): string {
  const bytes = addressBytes(address)
  return `${formatAddress(bytes)}/${bytes.length * 8}`
}

/** The prefix that an interface's address lies in: `10.0.0.0/24` of `10.0.0.7/24`. */
export function prefixOf(text: string): string {
  const { cidr } = parsePrefix(text) ?? refuse(text)
  return cidr
}

/** The prefix of all addresses. */
export function defaultRoute(family: Family): '0.0.0.0/0' | '::/0' {
  return family === 'ipv4' ? '0.0.0.0/0' : '::/0'
}

/** A prefix in its parts. Addresses are in canonical form. */
export interface Prefix {
  /** Canonical CIDR, host bits zero. */
  readonly cidr: string
  readonly family: Family
  /** Prefix length in bits. */
  readonly length: number
  /** The network's number. */
  readonly first: string
  /** The last address: of an IPv4 subnet its broadcast address. */
  readonly last: string
  /** First host address: the network's number plus one, where the prefix has room. */
  readonly firstHost: string
  /** Tells whether an address lies inside; false for what is no address of the family. */
  contains(address: string): boolean
}

/** Reads `10.0.0.0/24`; host bits are cleared. Undefined when it is not a CIDR. */
export function parsePrefix(text: string): Prefix | undefined {
  const parsed = parseCidr(text)
  if (!parsed) return undefined
  const { family, length } = parsed
  const { first, last, mask } = bounds(parsed)
  const network = formatAddress(first)
  const host = Uint8Array.from(first)
  if (length < widthOf(family)) host[host.length - 1]! |= 1
  return {
    cidr: `${network}/${length}`,
    family,
    length,
    first: network,
    last: formatAddress(last),
    firstHost: formatAddress(host),
    contains(candidate) {
      const bytes = parseAddress(candidate)
      return (
        bytes?.length === first.length &&
        bytes.every((byte, i) => (byte & mask[i]!) === first[i])
      )
    },
  }
}

/** First and last address, and the mask, as bytes. */
function bounds({ address, length }: Cidr) {
  const bytes = addressBytes(address)
  const mask = maskBytes(length, bytes.length)
  return {
    first: bytes.map((byte, i) => byte & mask[i]!),
    last: bytes.map((byte, i) => byte | (~mask[i]! & 0xff)),
    mask,
  }
}

/** The addresses from `first` to `last`, both included, as bytes of one family. */
export interface AddressRange {
  readonly family: Family
  readonly first: Uint8Array
  readonly last: Uint8Array
}

/** The addresses of a prefix, host bits cleared; without a length, the one address. */
export function rangeOf(text: string): AddressRange {
  const parsed = interfaceOf(text)
  const { first, last } = bounds(parsed)
  return { family: parsed.family, first, last }
}

/** Orders CIDRs by address, IPv4 before IPv6, then the shorter prefix first. */
export function compareCidrs(a: string, b: string): number {
  const [one, other] = [interfaceOf(a), interfaceOf(b)]
  return compareAddresses(one.address, other.address) || one.length - other.length
}

function interfaceOf(text: string): Cidr {
  return parseInterface(text) ?? refuse(text)
}

function refuse(text: unknown): never {
  throw new ArgumentError(
    `${JSON.stringify(text) ?? 'undefined'} is not an IP address or prefix`,
  )
}
