/**
 * The link kinds, one file each.
 */
import { bridge, type BridgeSpec } from './bridge.js'
import { ipvlan, type IpvlanSpec } from './ipvlan.js'
import type { LinkKind } from './kind.js'
import { macvlan, macvtap, type MacvlanSpec } from './macvlan.js'
import { dummy, ifb } from './plain.js'
import { tun, type TunSpec } from './tun.js'
import { vlan, type VlanSpec } from './vlan.js'
import { vrf, type VrfSpec } from './vrf.js'
import { vxlan, type VxlanSpec } from './vxlan.js'
import type { LinkSpec } from '../link-spec.js'

/** Tells the kinds of links apart. */
export interface OfKind<K extends string> {
  /** The kernel's name of the kind (IFLA_INFO_KIND). */
  readonly kind: K
}

/** What `link.add` makes: the kind's name beside its settings. A veth pair has its own verb. */
export type AnyLinkSpec =
  | (OfKind<'bridge'> & BridgeSpec)
  | (OfKind<'macvlan' | 'macvtap'> & MacvlanSpec)
  | (OfKind<'vxlan'> & VxlanSpec)
  | (OfKind<'vlan'> & VlanSpec)
  | (OfKind<'ipvlan'> & IpvlanSpec)
  | (OfKind<'vrf'> & VrfSpec)
  | (OfKind<'tun'> & TunSpec)
  | (OfKind<'dummy' | 'ifb'> & LinkSpec)

// Functions, so that a program looks at the kinds it meets and at no other.
const KINDS: Readonly<Record<AnyLinkSpec['kind'], () => LinkKind<LinkSpec>>> = {
  bridge: () => bridge,
  macvlan: () => macvlan,
  macvtap: () => macvtap,
  vxlan: () => vxlan,
  vlan: () => vlan,
  ipvlan: () => ipvlan,
  vrf: () => vrf,
  dummy: () => dummy,
  ifb: () => ifb,
  tun: () => tun,
}

/**
 * Names of all kinds that a link can be made of.
 *
 * @internal
 */
export const linkKindNames: readonly string[] = Object.keys(KINDS)

/**
 * A kind by its name; undefined for one that is not known here.
 *
 * @internal
 */
export function linkKind(name: string | undefined): LinkKind<LinkSpec> | undefined {
  return Object.hasOwn(KINDS, name ?? '')
    ? KINDS[name as AnyLinkSpec['kind']]()
    : undefined
}

/** @internal */
export { BRIDGE } from './bridge.js'
/** @internal */
export { readSettings } from './kind.js'
export type { BridgeSettings, BridgeSpec } from './bridge.js'
export type { IpvlanFlag, IpvlanMode, IpvlanSpec } from './ipvlan.js'
export type { MacvlanMode, MacvlanSpec } from './macvlan.js'
/** @internal */
export { tunToWire } from './tun.js'
export type { TunSpec } from './tun.js'
export type { VlanSpec } from './vlan.js'
export type { VrfSpec } from './vrf.js'
export type { PortSpan, VxlanSpec } from './vxlan.js'
