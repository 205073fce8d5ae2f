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
  /** Queries have the bridge's address as their source, not 0.0.0.0 (IFLA_BR_MCAST_QUERY_USE_IFADDR). */
  readonly multicastQueryUseAddress?: boolean
  /** Counts IGMP and MLD messages (IFLA_BR_MCAST_STATS_ENABLED). */
  readonly multicastStatistics?: boolean
  /** Most groups that the bridge remembers. */
  readonly multicastHashMax?: number
  /** Queries that a group which a station left is asked before it ends. */
  readonly multicastLastMemberCount?: number
  /** Queries that a new querier starts with. */
  readonly multicastStartupQueryCount?: number
  /** Hundredths of a second between the queries to a group that a station left. */
  readonly multicastLastMemberInterval?: number
  /** Hundredths of a second that a group is kept unasked. */
  readonly multicastMembershipInterval?: number
  /** Hundredths of a second after which another querier counts as gone. */
  readonly multicastQuerierInterval?: number
  /** Hundredths of a second between queries. */
  readonly multicastQueryInterval?: number
  /** Hundredths of a second that stations may take to answer. */
  readonly multicastQueryResponseInterval?: number
  /** Hundredths of a second between the queries that a new querier starts with. */
  readonly multicastStartupQueryInterval?: number
  /** IGMP that the querier speaks, 2 or 3. */
  readonly igmpVersion?: number
  /** MLD that the querier speaks, 1 or 2. */
  readonly mldVersion?: number
  /** Most learned addresses, 0 for no limit (Linux 6.7 and later; earlier ones pass it over). */
  readonly fdbMaxLearned?: number
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

const span = integer(0, Number.MAX_SAFE_INTEGER)

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
  multicastQueryUseAddress: toggle,
  multicastStatistics: toggle,
  multicastHashMax: u32,
  multicastLastMemberCount: u32,
  multicastStartupQueryCount: u32,
  multicastLastMemberInterval: span,
  multicastMembershipInterval: span,
  multicastQuerierInterval: span,
  multicastQueryInterval: span,
  multicastQueryResponseInterval: span,
  multicastStartupQueryInterval: span,
  igmpVersion: integer(2, 3),
  mldVersion: integer(1, 2),
  fdbMaxLearned: u32,
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
  // A kernel without VLAN filtering tells that it is off, and refuses the setting (EOPNOTSUPP).
  again: ({ vlanFiltering, ...settings }) =>
    vlanFiltering ? { ...settings, vlanFiltering } : settings,
}
