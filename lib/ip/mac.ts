/**
 * MAC addresses of six bytes (EUI-48).
 */
import { ArgumentError } from '../argument-error.js'
import { addressBytes } from './address.js'
import { addressOf } from './prefix.js'

/**
 * The bytes of `02:00:5e:10:00:01`, any case; undefined for anything else, other separators
 * included: it is the one form that the kernel's tools and CNI take.
 */
export function parseMac(text: string): Uint8Array | undefined {
  if (typeof text !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    return undefined
  }
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16))
}

/** `02:00:5e:10:00:01` to its six bytes. Throws a TypeError when it is none. */
export function macBytes(text: string | number): Uint8Array {
  const bytes = parseMac(String(text))
  if (bytes) return bytes
  throw new ArgumentError(`${JSON.stringify(text) ?? 'undefined'} is not a MAC address`)
}

/** `02:00:5e:10:00:01` of its bytes. */
export function formatMac(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/**
 * `aa:bb:cc:dd:ee:ff` from six bytes in hex, any case, bare or with colons or dashes, as
 * platforms write them. `undefined` for anything else.
 */
export function canonicalMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}(([:-]?)[0-9a-f]{2})(\2[0-9a-f]{2}){4}$/i.test(text)) return undefined
  return text.replace(/[:-]/g, '').toLowerCase().match(/../g)!.join(':')
}

/**
 * A locally administered MAC (RFC 9542, section 2.1) that is the same for the same address, so
 * that whoever has it in a neighbour table still reaches the next pod with that address: 0a:58 and
 * the four bytes of an IPv4 address, or the last four of an IPv6 address, which tell the pods of a
 * subnet apart as long as their last 32 bits differ. The prefix length may follow the address.
 * Throws a TypeError when it is none.
 */
export function macOf(address: string): string {
  return formatMac([0x0a, 0x58, ...addressBytes(addressOf(address)).slice(-4)])
}
