/**
 * VXLAN tunnels (IFLA_VXLAN_*, linux/if_link.h; RFC 7348).
 */
import type { Wire } from '../../../binding.js'
import { checkOptions } from '../../base/options.js'
import { ArgumentError } from '../../../argument-error.js'
import {
  integer,
  linkMember,
  MemberTable,
  own,
  plain,
  toggle,
  u32,
  type WireArgs,
} from '../../base/members.js'
import { familyOf } from '../../base/prefix.js'
import type { LinkLike } from '../../base/steps.js'
import type { LinkSpec } from '../link-spec.js'
import type { LinkKind } from './kind.js'

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

type Ends = Pick<VxlanSpec, 'remote' | 'local'>

// Each end has one attribute a family.
function ends(spec: Ends): WireArgs {
  const args: WireArgs = {}
  for (const name of ['remote', 'local'] as const) {
    const text = spec[name]
    if (text === undefined) continue
    args[familyOf(text, name) === 'ipv6' ? `${name}6` : name] = text
  }
  return args
}

function spanToWire(span: PortSpan, field: string): Wire {
  checkOptions(span, field, { low: 'value', high: 'value' }, `${field}.`)
  return { low: span.low, high: span.high }
}

/**
 * The kind `vxlan`.
 *
 * @internal
 */
export const vxlan: LinkKind<VxlanSpec> = {
  settings: new MemberTable({
    id: integer(0, 0xffffff),
    remote: own,
    local: own,
    port: integer(0, 0xffff),
    sourcePorts: { ...plain, write: spanToWire },
    learning: toggle,
    ageing: u32,
    limit: u32,
    ttl: integer(0, 255),
    tos: integer(0, 255),
    proxy: toggle,
    l2Miss: toggle,
    l3Miss: toggle,
    udpChecksum: toggle,
    udpZeroChecksum6Tx: toggle,
    udpZeroChecksum6Rx: toggle,
    external: toggle,
    link: linkMember(),
  }),
  write: (spec) => {
    if (spec.id !== undefined || spec.external) return ends(spec)
    throw new ArgumentError('id: a VXLAN tunnel needs its VNI, or external: true')
  },
  // A tunnel that is set packet by packet is told with VNI 0.
  again: ({ id, ...settings }) => (settings['external'] ? settings : { ...settings, id }),
  read: ({ remote6, local6, ...data }) => ({
    ...data,
    ...(remote6 !== undefined && { remote: remote6 }),
    ...(local6 !== undefined && { local: local6 }),
  }),
}
