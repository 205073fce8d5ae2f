/**
 * Addresses and prefixes as text, checked before they reach the kernel.
 */
import { ArgumentError } from '../../argument-error.js'
import {
  familyOf as familyOfText,
  hostPart,
  parseInterface,
  widthOf,
  type Cidr,
} from '../../ip/index.js'
import { AF, type Family } from './constants.js'

/**
 * The family of an address. Throws a TypeError naming `field` when it is none.
 *
 * @internal
 */
export function familyOf(address: string, field: string): Family {
  const family = familyOfText(address)
  if (family) return family
  // A zone (fe80::1%eth0) is an interface, which has its own field.
  throw new ArgumentError(
    `${field}: ${JSON.stringify(address) ?? 'undefined'} is not an IPv4 or IPv6 address`,
  )
}

/**
 * Reads `10.0.0.5/24` or `10.0.0.5`, which means the full length.
 * Throws a TypeError naming `field` when it is neither.
 *
 * @internal
 */
export function parsePrefix(text: string, field: string): Cidr {
  const parsed = parseInterface(text)
  if (parsed) return parsed
  if (typeof text !== 'string') {
    throw new ArgumentError(
      `${field}: give text like 10.0.0.5/24, not ${JSON.stringify(text) ?? 'undefined'}`,
    )
  }
  const family = familyOf(hostPart(text), field)
  throw new ArgumentError(
    `${field}: ${text} needs a prefix length from 0 to ${widthOf(family)}`,
  )
}

/**
 * The kernel's number of a family. Throws a TypeError for a word that is none.
 *
 * @internal
 */
export function familyNumber(family: Family): number {
  if (family !== 'ipv4' && family !== 'ipv6') {
    throw new ArgumentError(`family: ${String(family)} is not one of ipv4, ipv6`)
  }
  return AF[family]
}

/**
 * The kernel's number of a family to look for; 0 (AF_UNSPEC) is any.
 *
 * @internal
 */
export function familyFilter(family: Family | undefined): number {
  return family === undefined ? 0 : familyNumber(family)
}

/**
 * The family of a kernel number; everything that is not IPv6 counts as IPv4.
 *
 * @internal
 */
export function familyName(number: number): Family {
  return number === AF.ipv6 ? 'ipv6' : 'ipv4'
}
