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
import type { LinkSpec } from '../link.js'

/** What `link.add` makes: the kind's name beside its settings. A veth pair has its own verb. */
export type AnyLinkSpec =
  | ({ readonly kind: 'bridge' } & BridgeSpec)
  | ({ readonly kind: 'macvlan' | 'macvtap' } & MacvlanSpec)
  | ({ readonly kind: 'vxlan' } & VxlanSpec)
  | ({ readonly kind: 'vlan' } & VlanSpec)
  | ({ readonly kind: 'ipvlan' } & IpvlanSpec)
  | ({ readonly kind: 'vrf' } & VrfSpec)
  | ({ readonly kind: 'tun' } & TunSpec)
  | ({ readonly kind: 'dummy' | 'ifb' } & LinkSpec)

const list = [bridge, macvlan, macvtap, vxlan, vlan, ipvlan, vrf, dummy, ifb, tun]

/** All kinds by name. */
export const linkKinds: ReadonlyMap<string, LinkKind<never>> = new Map(
  list.map((kind) => [kind.kind, kind as LinkKind<never>]),
)

export { BRIDGE_OPTIONS, bridgeSettingsToWire } from './bridge.js'
export type { BridgeSettings, BridgeSpec } from './bridge.js'
export type { IpvlanFlag, IpvlanMode, IpvlanSpec } from './ipvlan.js'
export type { MacvlanMode, MacvlanSpec } from './macvlan.js'
export { tunToWire } from './tun.js'
export type { TunSpec } from './tun.js'
export type { VlanSpec } from './vlan.js'
export type { VrfSpec } from './vrf.js'
export type { VxlanSpec } from './vxlan.js'
