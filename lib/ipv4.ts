/**
 * IPv4 prefixes as numbers.
 */

/** IPv4 addresses as numbers in host order, both ends included. */
export interface AddressRange {
  first: number
  last: number
}

/** The addresses of a prefix: `10.0.0.7/24` has those from 10.0.0.0; without a length, one. */
export function rangeOf(prefix: string): AddressRange {
  const [address = '', length = '32'] = prefix.split('/')
  const number = address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(length))
  const first = Math.floor(number / size) * size
  return { first, last: first + size - 1 }
}

/** Dotted text of an address. */
export function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}
