/**
 * What a rule does with a packet.
 */
import { ArgumentError } from '../../argument-error.js'
import { addressBytes } from '../../ip/index.js'
import { checkInteger } from '../../netlink/base/check.js'
import { checkOptions, type Options, oneOf } from '../../netlink/base/options.js'
import { verdictToWire, type Verdict } from '../verdict.js'
import { immediate, REG32, REG_VERDICT, WIDE, type Expr } from './core.js'
import { hostOrder } from './fields.js'

/** Ends with a verdict, or goes on in another chain. */
export function verdict(what: Verdict): Expr {
  const data = { verdict: verdictToWire(what) }
  return { expr: 'immediate', data: { dreg: REG_VERDICT, data } }
}

/** NFT_REJECT_ICMPX_*: the code fits whichever of IPv4 and IPv6 the packet is of. */
const ICMPX = {
  'no-route': 0,
  'port-unreachable': 1,
  'host-unreachable': 2,
  'admin-prohibited': 3,
} as const

/** How {@link reject} tells the sender; one of these. */
export interface RejectOptions {
  /** By a TCP reset: the rule is about TCP then, and checks for it. */
  readonly tcpReset?: true
  /**
   * By ICMP "unreachable" with that code (ICMP_*, linux/icmp.h), to IPv4 alone; in a rule about IPv6
   * as `icmpv6`.
   */
  readonly icmp?: number
  /** By ICMPv6 "unreachable" with that code (ICMPV6_*, linux/icmpv6.h), to IPv6 alone. */
  readonly icmpv6?: number
  /** By either, whichever the packet is of, in inet, bridge and netdev tables. */
  readonly icmpx?: keyof typeof ICMPX
}

/**
 * Drops the packet and tells its sender; by `icmpx` with `port-unreachable` when absent. The rule gets
 * the check for the protocol that the answer is of, where it has none.
 */
export function reject(how: RejectOptions = { icmpx: 'port-unreachable' }): Expr {
  checkOptions(how, 'reject', {
    tcpReset: 'switch',
    icmp: 'value',
    icmpv6: 'value',
    icmpx: 'value',
  })
  const { tcpReset, icmp, icmpv6, icmpx } = how
  const given = [tcpReset || undefined, icmp, icmpv6, icmpx]
  if (given.filter((one) => one !== undefined).length !== 1) {
    throw new ArgumentError('reject: give one of tcpReset, icmp, icmpv6 and icmpx')
  }
  const expr = (type: number, code: number) => ({ expr: 'reject', data: { type, code } })
  if (tcpReset) return { ...expr(1, 0), needs: 'tcp' }
  const byte = (code: number, field: string) => checkInteger(code, field, 0, 255)
  if (icmp !== undefined) return { ...expr(0, byte(icmp, 'icmp')), needs: 'anyIp' }
  if (icmpv6 !== undefined) return { ...expr(0, byte(icmpv6, 'icmpv6')), needs: 'ip6' }
  return expr(2, oneOf(ICMPX, icmpx, 'icmpx'))
}

/** NFT_LOGLEVEL_* */
const LEVELS = {
  emerg: 0,
  alert: 1,
  crit: 2,
  err: 3,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
  audit: 8,
} as const

/** What to log, and where to. */
export interface LogOptions {
  /** Up to 127 bytes. */
  readonly prefix?: string
  /** To the kernel's log with that level; `warn` when absent. */
  readonly level?: keyof typeof LEVELS
  /** To the programs that listen to that nfnetlink group, rather than to the kernel's log. */
  readonly group?: number
  /** Bytes of each packet for the group; all when absent. */
  readonly snaplen?: number
  /** Packets that the kernel gathers before it tells the group. */
  readonly queueThreshold?: number
}

const LOG: Options<LogOptions> = {
  prefix: 'value',
  level: 'value',
  group: 'value',
  snaplen: 'value',
  queueThreshold: 'value',
}

/** Logs the packet and goes on. Throws a TypeError for a level together with a group. */
export function log(options: LogOptions = {}): Expr {
  checkOptions(options, 'log', LOG)
  const { prefix, level, group, snaplen, queueThreshold } = options
  if (level && group !== undefined) {
    throw new ArgumentError('log: level is for the kernel log; leave it out with a group')
  }
  const data = {
    ...(group !== undefined && { group }),
    ...(prefix !== undefined && { prefix }),
    ...(snaplen !== undefined && { snaplen }),
    ...(queueThreshold !== undefined && { queueThreshold }),
    ...(level && { level: oneOf(LEVELS, level, 'level') }),
  }
  return { expr: 'log', data }
}

/** Hands the packet to a program that listens to that nfnetlink queue (or one of `total`). */
export function queue(
  number: number,
  options: { total?: number; bypass?: boolean; fanout?: boolean } = {},
): Expr {
  const known = { total: 'value', bypass: 'switch', fanout: 'switch' } as const
  checkOptions(options, 'queue', known)
  const { total = 1, bypass = false, fanout = false } = options
  // NFT_QUEUE_FLAG_BYPASS, NFT_QUEUE_FLAG_CPU_FANOUT
  const flags = (bypass ? 1 : 0) | (fanout ? 2 : 0)
  return { expr: 'queue', data: { number, total, flags } }
}

/** Conntrack does not look at the packet. In a chain of priority `raw`. */
export function notrack(): Expr {
  return { expr: 'notrack' }
}

/**
 * Sends a copy of the packet to a gateway, by the interface of that index when given (ip and ip6
 * tables), or to an interface (netdev tables).
 */
export function dup(to: { readonly address?: string; readonly device?: number }): Expr[] {
  checkOptions(to, 'dup', { address: 'value', device: 'value' })
  const { address, device } = to
  const wide = address === undefined ? 0 : WIDE
  const data = {
    ...(address !== undefined && { address: REG32 }),
    ...(device !== undefined && { device: REG32 + wide }),
  }
  return [
    ...(address === undefined ? [] : [immediate(0, addressBytes(address))]),
    ...(device === undefined ? [] : [immediate(wide, hostOrder(device))]),
    { expr: 'dup', data },
  ]
}

/** Sends the packet out by the interface of that index, unchanged. In netdev tables. */
export function forward(device: number): Expr[] {
  return [immediate(0, hostOrder(device)), { expr: 'fwd', data: { device: REG32 } }]
}
