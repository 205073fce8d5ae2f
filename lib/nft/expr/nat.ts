/**
 * Network address translation.
 */
import { ArgumentError } from '../../argument-error.js'
import { addressBytes, familyOf } from '../../ip/index.js'
import { checkOptions, type Options, oneOf } from '../../netlink/base/options.js'
import { encodeValue } from '../types.js'
import { immediate, REG32, WIDE, type Expr } from './core.js'

// NF_NAT_RANGE_* (linux/netfilter/nf_nat.h)
const FLAGS: Readonly<Record<NatFlag, number>> = {
  random: 4,
  persistent: 8,
  fullyRandom: 16,
}
const PORTS_SPECIFIED = 2
const BOTH_SPECIFIED = 3

/**
 * How ports and addresses are chosen: `random` and `fullyRandom` pick a port by chance, `persistent`
 * gives a client the same address each time.
 */
export type NatFlag = 'random' | 'persistent' | 'fullyRandom'

/** Where a translation leads to. */
export interface NatTarget {
  /** IPv4 or IPv6 address, or the first and last of a range. */
  readonly address?: string | readonly [string, string]
  /** Port, or the first and last of a range; the rule must match TCP or UDP before. */
  readonly port?: number | readonly [number, number]
  /** Needed without an address: `ip` or `ip6`. */
  readonly family?: 'ip' | 'ip6'
  /** How ports and addresses are chosen. */
  readonly flags?: readonly NatFlag[]
}

function ends<T>(value: T | readonly [T, T]): readonly T[] {
  return Array.isArray(value) ? value : [value as T]
}

function flagBits(flags: readonly NatFlag[] = []): number {
  return flags.reduce((sum, flag) => sum | oneOf(FLAGS, flag, 'flags'), 0)
}

// Puts values into wide registers from `first` and names them as <what>Min and <what>Max.
function load(
  what: 'address' | 'port',
  values: readonly Uint8Array[],
  first: number,
): { exprs: Expr[]; data: Record<string, number> } {
  const registers = values.map((_, i) => (first + i) * WIDE)
  const [min, max] = registers
  return {
    exprs: values.map((value, i) => immediate(registers[i] ?? 0, value)),
    data: {
      ...(min !== undefined && { [`${what}Min`]: REG32 + min }),
      ...(max !== undefined && { [`${what}Max`]: REG32 + max }),
    },
  }
}

function ports(port: NatTarget['port']): Uint8Array[] {
  if (port === undefined) return []
  return ends(port).map((n) => encodeValue(['inet_service'], [n]))
}

const TARGET: Options<NatTarget> = {
  address: 'value',
  port: 'value',
  family: 'value',
  flags: 'value',
}
const PORTS = { port: 'value', flags: 'value' } as const

function translate(type: 0 | 1, target: NatTarget): Expr[] {
  checkOptions(target, type === 0 ? 'snat' : 'dnat', TARGET)
  if (target.family !== undefined) oneOf({ ip: 2, ip6: 10 }, target.family, 'family')
  const list = target.address === undefined ? [] : ends(target.address)
  const six =
    list.length > 0 ? familyOf(list[0] ?? '') === 'ipv6' : target.family === 'ip6'
  if (list.length === 0 && !target.family) {
    throw new ArgumentError('family: give ip or ip6 when there is no address')
  }
  const kind = six ? 'ipv6_addr' : 'ipv4_addr'
  const addresses = load(
    'address',
    list.map((a) => encodeValue([kind], [a])),
    0,
  )
  const own = load('port', ports(target.port), list.length)
  const flags = flagBits(target.flags)
  const data = {
    type,
    family: six ? 10 : 2,
    ...addresses.data,
    ...own.data,
    ...(flags && { flags }),
  }
  return [...addresses.exprs, ...own.exprs, { expr: 'nat', data }]
}

/** Gives the packet another source. In a nat chain of postrouting or input. */
export function snat(target: NatTarget): Expr[] {
  return translate(0, target)
}

/** Gives the packet another destination. In a nat chain of prerouting or output. */
export function dnat(target: NatTarget): Expr[] {
  return translate(1, target)
}

/** Destination NAT to the IPv4 address in register 0 and the port in register 1. */
export function dnatFromMap(): Expr {
  // NFT_NAT_DNAT; NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED
  const data = {
    type: 1,
    family: 2,
    addressMin: REG32,
    addressMax: REG32,
    portMin: REG32 + 1,
    portMax: REG32 + 1,
    flags: BOTH_SPECIFIED,
  }
  return { expr: 'nat', data }
}

/** Source NAT to the address of the interface that the packet leaves by. */
export function masquerade(options?: { flags?: readonly NatFlag[] }): Expr {
  if (options !== undefined) checkOptions(options, 'masquerade', { flags: 'value' })
  const flags = flagBits(options?.flags)
  return { expr: 'masq', data: flags ? { flags } : {} }
}

/** Masquerades with a source port of the given ones; the rule must match TCP or UDP before. */
export function masqueradeTo(options: Pick<NatTarget, 'port' | 'flags'>): Expr[] {
  checkOptions(options, 'masqueradeTo', PORTS)
  const own = load('port', ports(options.port), 0)
  // Unlike the others, masq takes no notice of the ports without the flag.
  const flags = flagBits(options.flags) | (own.exprs.length > 0 ? PORTS_SPECIFIED : 0)
  return [...own.exprs, { expr: 'masq', data: { ...own.data, ...(flags && { flags }) } }]
}

/** Destination NAT to this host: to the same port, or to those given. */
export function redirect(options: Pick<NatTarget, 'port' | 'flags'> = {}): Expr[] {
  checkOptions(options, 'redirect', PORTS)
  const own = load('port', ports(options.port), 0)
  const flags = flagBits(options.flags)
  return [...own.exprs, { expr: 'redir', data: { ...own.data, ...(flags && { flags }) } }]
}

/**
 * Hands the packet to a local transparent socket (IP_TRANSPARENT) at the address and port; in a
 * filter chain of prerouting, after a match of TCP or UDP.
 */
export function tproxy(target: {
  readonly family: 'ip' | 'ip6' | 'inet'
  readonly address?: string
  readonly port?: number
}): Expr[] {
  checkOptions(target, 'tproxy', { family: 'value', address: 'value', port: 'value' })
  const { family, address, port } = target
  const bytes = address === undefined ? [] : [addressBytes(address)]
  const to = bytes.map((value) => immediate(0, value))
  const own = ports(port).map((value) => immediate(bytes.length * WIDE, value))
  const data = {
    family: oneOf({ inet: 0, ip: 2, ip6: 10 }, family, 'family'),
    ...(address !== undefined && { address: REG32 }),
    ...(port !== undefined && { port: REG32 + bytes.length * WIDE }),
  }
  return [...to, ...own, { expr: 'tproxy', data }]
}
