/**
 * VXLAN tunnels (IFLA_VXLAN_*, linux/if_link.h; RFC 7348).
 */
import type { Wire } from '../../../binding.js'
import { checkInteger } from '../../base/check.js'
import type { LinkSpec } from '../link-spec.js'
import type { Options } from '../../base/options.js'
import { familyOf } from '../../base/prefix.js'
import { linkToWire, type LinkLike, type StepSink } from '../../base/steps.js'
import { bit, booleans, type KindParts, type LinkKind, type WireArgs } from './kind.js'

/** The source ports that a tunnel chooses from by flow (IFLA_VXLAN_PORT_RANGE). */
export interface PortSpan {
  /** The lowest port. */
  readonly low: number
  /** The highest port. */
  readonly high: number
}

/** A VXLAN tunnel to make. */
export interface VxlanSpec extends LinkSpec {
  /** VNI, 0 to 16777215; not together with `external`. */
  readonly id?: number
  /** Where frames of unknown destination go: an address, or a multicast group (needs `link`). */
  readonly remote?: string
  /** Source address of the outer packets. */
  readonly local?: string
  /** The link that the outer packets leave by. */
  readonly link?: LinkLike
  /** UDP destination port; the kernel's own default is 8472, IANA's number is 4789. */
  readonly port?: number
  /** UDP source ports, first and last. */
  readonly sourcePorts?: PortSpan
  /** Learn where MAC addresses are; on when absent. */
  readonly learning?: boolean
  /** Seconds that a learned address is kept. */
  readonly ageing?: number
  /** Most learned addresses; 0 for no limit. */
  readonly limit?: number
  /** Hop limit of the outer packets, 0 (the system's) to 255. */
  readonly ttl?: number
  /** Type of service of the outer packets; 1 takes that of the inner. */
  readonly tos?: number
  /** ARP and neighbour requests are answered from the table. */
  readonly proxy?: boolean
  /** The kernel tells watchers of MACs that the table lacks. */
  readonly l2Miss?: boolean
  /** The kernel tells watchers of addresses that the table lacks. */
  readonly l3Miss?: boolean
  /** Outer IPv4 packets have a UDP checksum. */
  readonly udpChecksum?: boolean
  /** Outer IPv6 packets are sent without a UDP checksum. */
  readonly udpZeroChecksum6Tx?: boolean
  /** Outer IPv6 packets without a UDP checksum are taken. */
  readonly udpZeroChecksum6Rx?: boolean
  /** The tunnel is set packet by packet (collect metadata). */
  readonly external?: boolean
}

const SWITCHES = [
  'learning',
  'proxy',
  'l2Miss',
  'l3Miss',
  'udpChecksum',
  'udpZeroChecksum6Tx',
  'udpZeroChecksum6Rx',
  'external',
] as const
const NUMBERS = {
  id: 0xffffff,
  port: 0xffff,
  ageing: 0xffffffff,
  limit: 0xffffffff,
  ttl: 255,
  tos: 255,
} as const

function address(name: 'remote' | 'local', text: string | undefined): WireArgs {
  if (text === undefined) return {}
  return { [familyOf(text, name) === 'ipv6' ? `${name}6` : name]: text }
}

function toWire(spec: VxlanSpec, sink: StepSink): KindParts {
  const data: { [key: string]: Wire } = {
    ...address('remote', spec.remote),
    ...address('local', spec.local),
    sourcePorts: spec.sourcePorts && { ...spec.sourcePorts },
    link: spec.link === undefined ? undefined : linkToWire(spec.link, sink),
  }
  for (const name of SWITCHES) data[name] = bit(spec[name])
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    const value = spec[name]
    if (value !== undefined) data[name] = checkInteger(value, name, 0, NUMBERS[name])
  }
  if (spec.id === undefined && !spec.external) {
    throw new TypeError('id: a VXLAN tunnel needs its VNI, or external: true')
  }
  return { data }
}

/** The kind `vxlan`. */
export const vxlan: LinkKind<VxlanSpec> = {
  options: {
    ...(Object.fromEntries(SWITCHES.map((name) => [name, 'switch'])) as Options<
      Pick<VxlanSpec, (typeof SWITCHES)[number]>
    >),
    ...(Object.fromEntries(
      Object.keys(NUMBERS).map((name) => [name, 'value']),
    ) as Options<Pick<VxlanSpec, keyof typeof NUMBERS>>),
    remote: 'value',
    local: 'value',
    link: 'value',
    sourcePorts: 'value',
  },
  toWire,
  fromWire: ({ remote6, local6, ...data }) => ({
    ...booleans(data, SWITCHES),
    ...(remote6 !== undefined && { remote: remote6 }),
    ...(local6 !== undefined && { local: local6 }),
  }),
}
