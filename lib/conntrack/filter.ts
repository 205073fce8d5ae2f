/**
 * Which entries of conntrack are meant (CTA_FILTER, linux/netfilter/nfnetlink_conntrack.h).
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { canonicalAddress } from '../ip/index.js'
import { AF } from '../netlink/base/constants.js'
import { checkOptions, type Options } from '../netlink/base/options.js'
import { STATUS, type FlowStatus } from './entry.js'

/** Parts of one direction to look for. */
export interface SideFilter {
  /** IP protocol number: 6 TCP, 17 UDP, 1 ICMP. */
  readonly protocol?: number
  /** Source address, IPv4 or IPv6. */
  readonly source?: string
  /** Destination address, IPv4 or IPv6. */
  readonly destination?: string
  /** Source port, 0 to 65535. */
  readonly sourcePort?: number
  /** Destination port, 0 to 65535. */
  readonly destinationPort?: number
}

/** Which entries are meant: those that fit all that is given. */
export interface ConntrackFilter {
  /** Both families when absent. */
  readonly family?: 'ipv4' | 'ipv6'
  /** What the first packet of the flow looked like. */
  readonly original?: SideFilter
  /** What replies look like. */
  readonly reply?: SideFilter
  /** The mark; with `markMask` only those bits of it. */
  readonly mark?: number
  /** Bits of the mark that are compared; all when absent. Needs `mark`. */
  readonly markMask?: number
  /** All of these must be set. */
  readonly status?: readonly FlowStatus[]
  /** Number of the conntrack zone, 0 to 65535. */
  readonly zone?: number
}

// In canonical form, because entries are compared by it.
function addressText(name: string, text: string): string {
  const address = canonicalAddress(text)
  if (address !== undefined) return address
  throw new ArgumentError(`${name}: ${text} is not an IPv4 or IPv6 address`)
}

const FILTER: Options<ConntrackFilter> = {
  family: 'value',
  original: 'value',
  reply: 'value',
  mark: 'value',
  markMask: 'value',
  status: 'value',
  zone: 'value',
}
const SIDE: Options<SideFilter> = {
  protocol: 'value',
  source: 'value',
  destination: 'value',
  sourcePort: 'value',
  destinationPort: 'value',
}

// A misspelt member would make a filter that fits everything.
function checkFilter(filter: ConntrackFilter): void {
  checkOptions(filter, 'the filter of flows', FILTER)
  for (const name of ['original', 'reply'] as const) {
    if (filter[name] !== undefined) {
      checkOptions(filter[name], 'a side of a flow', SIDE, `${name}.`)
    }
  }
  const { family } = filter
  if (family !== undefined && !Object.hasOwn(AF, family)) {
    throw new ArgumentError(`family: ${String(family)} is neither ipv4 nor ipv6`)
  }
}

function sideToWire(name: string, side: SideFilter): { [key: string]: Wire } {
  const { source, destination } = side
  return {
    ...side,
    ...(source !== undefined && { source: addressText(`${name}.source`, source) }),
    ...(destination !== undefined && {
      destination: addressText(`${name}.destination`, destination),
    }),
  }
}

/**
 * A filter in the addon's form. Throws a TypeError for a mask without a mark, or an unknown word
 * of status.
 *
 * @internal
 */
export function filterToWire(filter: ConntrackFilter): { [key: string]: Wire } {
  checkFilter(filter)
  const { family, original, reply, mark, markMask, status, zone } = filter
  if (markMask !== undefined && mark === undefined) {
    throw new ArgumentError('markMask: give the mark too')
  }
  const bits = (status ?? []).reduce((sum, name) => {
    const bit: number | undefined = STATUS[name]
    if (bit) return sum | bit
    throw new ArgumentError(
      `status: ${String(name)} is none of ${Object.keys(STATUS).join(', ')}`,
    )
  }, 0)
  return {
    family: family ? AF[family] : 0,
    ...(original && { original: sideToWire('original', original) }),
    ...(reply && { reply: sideToWire('reply', reply) }),
    ...(mark !== undefined && { mark, markMask: markMask ?? 0xffffffff }),
    ...(bits && { status: bits, statusMask: bits }),
    ...(zone !== undefined && { zone }),
  }
}
