/**
 * Bridges (IFLA_BR_*, linux/if_link.h; net/bridge/br_netlink.c).
 */
import { etherTypes, type VlanProtocol } from '../../base/constants.js'
import {
  integer,
  macMember,
  MemberTable,
  named,
  order,
  toggle,
  u32,
} from '../../base/members.js'
import type { LinkSpec } from '../link-spec.js'
import type { LinkKind } from './kind.js'

/** A bridge's own settings; what is absent stays as it is, or as the kernel makes it. */
export interface BridgeSettings {
  /** Spanning tree. */
  readonly stp?: boolean
  /** Hundredths of a second that a port waits before it forwards; 200 to 3000 with stp. */
  readonly forwardDelay?: number
  /** Hundredths of a second between spanning tree hellos, 100 to 1000. */
  readonly helloTime?: number
  /** Hundredths of a second that a spanning tree message counts, 600 to 4000. */
  readonly maxAge?: number
  /** Hundredths of a second that a learned address is kept; 0 floods for ever. */
  readonly ageingTime?: number
  /** Bridge priority, 0 to 65535. */
  readonly priority?: number
  /** Frames pass only where their VLAN is allowed (IFLA_BR_VLAN_FILTERING). */
  readonly vlanFiltering?: boolean
  /** The tag that VLANs have; `802.1Q` by default (IFLA_BR_VLAN_PROTOCOL). */
  readonly vlanProtocol?: VlanProtocol
  /** VLAN of untagged frames on new ports, 1 to 4094; 0 for none. */
  readonly vlanDefaultPvid?: number
  /** Counts packets and bytes of each VLAN (IFLA_BR_VLAN_STATS_ENABLED). */
  readonly vlanStatistics?: boolean
  /** Multicasts go to ports that asked for them (IFLA_BR_MCAST_SNOOPING). */
  readonly multicastSnooping?: boolean
  /** The bridge asks who wants which multicasts (IFLA_BR_MCAST_QUERIER). */
  readonly multicastQuerier?: boolean
  /** 0 never, 1 learn, 2 always. */
  readonly multicastRouter?: number
  /** Bits of 01:80:c2:00:00:0x addresses that are forwarded. */
  readonly groupForwardMask?: number
  /** MAC that spanning tree messages go to (IFLA_BR_GROUP_ADDR). */
  readonly groupAddress?: string
  /** iptables see bridged IPv4 frames (br_netfilter). */
  readonly callIptables?: boolean
  /** ip6tables see bridged IPv6 frames. */
  readonly callIp6tables?: boolean
  /** arptables see bridged ARP frames. */
  readonly callArptables?: boolean
  /** Forgets all learned addresses. */
  readonly fdbFlush?: boolean
}

/** A bridge to make. `stp` and `forwardDelay` are off and 0 when absent. */
export interface BridgeSpec extends LinkSpec, BridgeSettings {}

/**
 * A bridge's settings: native/rtnl/link.cc has the attributes.
 *
 * @internal
 */
export const BRIDGE = new MemberTable<BridgeSettings>({
  stp: toggle,
  forwardDelay: u32,
  helloTime: u32,
  maxAge: u32,
  ageingTime: u32,
  priority: integer(0, 0xffff),
  vlanFiltering: toggle,
  vlanProtocol: named(etherTypes),
  vlanDefaultPvid: integer(0, 4094),
  vlanStatistics: toggle,
  multicastSnooping: toggle,
  multicastQuerier: toggle,
  multicastRouter: integer(0, 2),
  groupForwardMask: integer(0, 0xffff),
  groupAddress: macMember,
  callIptables: toggle,
  callIp6tables: toggle,
  callArptables: toggle,
  fdbFlush: order,
})

/**
 * The kind `bridge`.
 *
 * @internal
 */
export const bridge: LinkKind<BridgeSpec> = {
  settings: BRIDGE,
  write: ({ stp = false, forwardDelay = 0 }) => BRIDGE.write({ stp, forwardDelay }, {}),
}
