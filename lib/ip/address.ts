/**
 * IPv4 and IPv6 addresses as text and bytes. Reading is strict: four decimal numbers for IPv4
 * (neither 10.1 nor 010.0.0.1, which other programs take for other addresses), the forms of
 * RFC 4291, section 2.2, for IPv6, and no zone (fe80::1%eth0), which means something on one host
 * only. Writing is canonical. Written here because node:net takes 3 to 9 ms to load, which is long
 * in the life of a plug-in.
 */
import { ArgumentError } from '../argument-error.js'
import { compareBytes, predecessor, successor } from './bytes.js'

/** An address family by name. */
export type Family = 'ipv4' | 'ipv6'

/** Bits of an address of a family. */
export function widthOf(family: Family): 32 | 128 {
  return family === 'ipv4' ? 32 : 128
}

/** The 4 or 16 bytes of an address in network order; undefined for what is none. */
export function parseAddress(text: string): Uint8Array | undefined {
  // Callers in JavaScript give what they have.
  if (typeof text !== 'string') return undefined
  return text.includes(':') ? parse6(text) : parse4(text)
}

const DOT = 46
const ZERO = 48

function parse4(text: string): Uint8Array | undefined {
  const number = number4(text)
  if (number === undefined) return undefined
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
}

/**
 * The number of an IPv4 address. No bytes are made: a state file has hundreds of addresses to look
 * at, in every call.
 */
function number4(text: string): number | undefined {
  let number = 0
  let dots = 0
  let value = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      if (value < 0 || dots === 3) return undefined
      number = number * 256 + value
      dots += 1
      value = -1
    } else {
      const digit = code - ZERO
      // A leading zero reads as octal elsewhere: better none than another address.
      if (digit < 0 || digit > 9 || value === 0) return undefined
      value = value < 0 ? digit : value * 10 + digit
      if (value > 255) return undefined
    }
  }
  return dots === 3 && value >= 0 ? number * 256 + value : undefined
}

function parse6(text: string): Uint8Array | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const first = groupBytes(head, tail === undefined)
  const last = tail === undefined ? [] : groupBytes(tail, true)
  if (!first || !last) return undefined
  const length = first.length + last.length
  // "::" stands for one group of zeros or more.
  if (tail === undefined ? length !== 16 : length > 14) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(first)
  bytes.set(last, 16 - last.length)
  return bytes
}

/** The bytes of groups between colons; an IPv4 address may stand for the last two of all. */
function groupBytes(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const four = atEnd && i === parts.length - 1 ? parse4(part) : undefined
    if (four) {
      bytes.push(...four)
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined
      const group = Number.parseInt(part, 16)
      bytes.push(group >> 8, group & 0xff)
    }
  }
  return bytes
}

/**
 * Canonical text of 4 or 16 bytes: RFC 5952 for IPv6, IPv4-mapped addresses (::ffff:0:0/96) with
 * the IPv4 part in dots as section 5 wants it and the kernel's tools write it. Throws a TypeError
 * for any other number of bytes.
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length === 16) return format6(bytes)
  throw new ArgumentError(`an address has 4 or 16 bytes, not ${bytes.length}`)
}

function format6(bytes: Uint8Array): string {
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i]! * 256 + bytes[i + 1]!)
  // The first of the longest rows of two zero groups or more becomes "::" (RFC 5952, section 4.2).
  let best = { at: 8, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (best.at === 8) return text(groups)
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 12).every((byte, i) => byte === (i < 10 ? 0 : 0xff))
}

/** The family of an address; undefined for what is none, a prefix too. */
export function familyOf(text: string): Family | undefined {
  // Callers in JavaScript give what they have.
  if (typeof text !== 'string') return undefined
  if (text.includes(':')) return parse6(text) && 'ipv6'
  return number4(text) === undefined ? undefined : 'ipv4'
}

/** The family of the bytes of an address. */
export function familyOfBytes(bytes: Uint8Array): Family {
  return bytes.length === 4 ? 'ipv4' : 'ipv6'
}

/** The canonical form of an address; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text)
  return bytes && canonicalText(text, bytes)
}

/** The canonical form of an address of which text and bytes are known. */
export function canonicalText(text: string, bytes: Uint8Array): string {
  // There is one way to write an IPv4 address.
  return bytes.length === 4 ? text : formatAddress(bytes)
}

/** The bytes of an address of either family. Throws a TypeError when it is none. */
export function addressBytes(text: string): Uint8Array {
  return parseAddress(text) ?? refuse(text, 'IP address')
}

/** `10.0.0.5` to its four bytes. Throws a TypeError when it is none. */
export function ipv4Bytes(text: string | number): Uint8Array {
  const bytes = parseAddress(String(text))
  return bytes?.length === 4 ? bytes : refuse(text, 'IPv4 address')
}

/** `fd00::5` to its sixteen bytes. Throws a TypeError when it is none. */
export function ipv6Bytes(text: string | number): Uint8Array {
  const bytes = parseAddress(String(text))
  return bytes?.length === 16 ? bytes : refuse(text, 'IPv6 address')
}

function refuse(text: unknown, what: string): never {
  throw new ArgumentError(`${JSON.stringify(text) ?? 'undefined'} is not an ${what}`)
}

/**
 * The address after this one, in canonical form; undefined after the last of its family. Throws a
 * TypeError when it is none.
 */
export function nextAddress(text: string): string | undefined {
  const next = successor(addressBytes(text))
  return next && formatAddress(next)
}

/** As {@link nextAddress}, the other way. */
export function previousAddress(text: string): string | undefined {
  const previous = predecessor(addressBytes(text))
  return previous && formatAddress(previous)
}

/**
 * Orders addresses by number, IPv4 before IPv6: 10.0.0.9 comes before 10.0.0.10. Throws a
 * TypeError for what is none.
 */
export function compareAddresses(a: string, b: string): number {
  return compareBytes(addressBytes(a), addressBytes(b))
}

/** The addresses in the order of {@link compareAddresses}. Throws as that does. */
export function sortAddresses(addresses: Iterable<string>): string[] {
  const keyed = Array.from(addresses, (text) => ({ text, bytes: addressBytes(text) }))
  keyed.sort((a, b) => compareBytes(a.bytes, b.bytes))
  return keyed.map(({ text }) => text)
}
