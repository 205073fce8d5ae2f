/**
 * Prefixes of addresses as numbers.
 */
import { ipFamily } from '../ip-family.js'
import ipaddr from 'ipaddr.js'

/** The bits of an address, and how many there are. */
export function bits(address: string): { value: bigint; width: number } {
  const bytes = ipaddr.parse(address).toByteArray()
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return { value, width: bytes.length * 8 }
}

function format(value: bigint, width: number): string {
  const bytes = Array.from({ length: width / 8 }, (_, i) =>
    Number((value >> BigInt(width - 8 * (i + 1))) & 0xffn),
  )
  return ipaddr.fromByteArray(bytes).toString()
}

/** The address with all bits behind the prefix zero, in canonical form. */
export function network(address: string, length: number): string {
  const { value, width } = bits(address)
  const rest = BigInt(width - length)
  return format((value >> rest) << rest, width)
}

/** The address with all bits behind the prefix one. */
export function lastOf(address: string, length: number): string {
  const { value, width } = bits(address)
  return format(value | ((1n << BigInt(width - length)) - 1n), width)
}

/** Whether an address lies in a prefix of its family. */
export function within(address: string, prefix: string, length: number): boolean {
  if (ipFamily(address) !== ipFamily(prefix)) return false
  return network(address, length) === network(prefix, length)
}

/** An address as the kernel writes it. */
export function canonical(address: string): string {
  return ipaddr.parse(address).toString()
}
