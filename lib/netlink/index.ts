/**
 * Plans over links, addresses, routes and all else that rtnetlink has; namespaces; watching.
 */
export {
  NetNsChild,
  type ChildExit,
  type ChildStdio,
  type SpawnOptions,
} from './child.js'
export { ExecError, type ExecOptions, type ExecResult } from './exec.js'
export {
  FOREVER,
  AddressVerbs,
  type Lifetime,
  type AddressSpec,
  type Address,
  type AddressFilter,
  type AddressFlush,
} from './objects/address.js'
export {
  BridgePortVerbs,
  type PortFlags,
  type PortNumbers,
  type PortChange,
  type PortState,
  type PortVlan,
  type PortVlans,
} from './objects/bridge-port.js'
export {
  IFF,
  IFA_F,
  NUD,
  NTF,
  type Family,
  type RouteProtocol,
  type Scope,
  type RouteType,
  type RouteTable,
  type RuleAction,
  type NeighbourState,
  type OperState,
  type VlanProtocol,
} from './base/constants.js'
export { EthtoolVerbs, type LinkState } from './objects/ethtool.js'
export { FdbVerbs, type FdbSpec, type FdbEntry, type FdbFilter } from './objects/fdb.js'
export { type OfKind, type AnyLinkSpec } from './objects/kinds/index.js'
export { type BridgeSettings, type BridgeSpec } from './objects/kinds/bridge.js'
export {
  type IpvlanFlag,
  type IpvlanMode,
  type IpvlanSpec,
} from './objects/kinds/ipvlan.js'
export { type MacvlanMode, type MacvlanSpec } from './objects/kinds/macvlan.js'
export { type TunSpec } from './objects/kinds/tun.js'
export { type VlanSpec } from './objects/kinds/vlan.js'
export { type VrfSpec } from './objects/kinds/vrf.js'
export { type PortSpan, type VxlanSpec } from './objects/kinds/vxlan.js'
export { LinkVerbs, type LinkReadOptions } from './objects/link-verbs.js'
export { type LinkStatistics, type Link } from './objects/link.js'
export {
  type LinkAttributes,
  type LinkSettings,
  type LinkSpec,
  type VethEnd,
  type LinkChange,
} from './objects/link-spec.js'
export { type NamespaceHandle } from './base/namespace.js'
export { type CallOptions, type RequiredPart, type ShortArguments } from './call.js'
export {
  type CommitCallOptions,
  type RulesetCalls,
  type RulesetCallsSync,
} from './ruleset.js'
export { Monitor, type MonitorOptions } from './monitor.js'
export type {
  Change,
  LinkEvent,
  BridgePortEvent,
  AddressEvent,
  RouteEvent,
  WatchedNeighbour,
  NeighbourEvent,
  NextHopEvent,
  NsidEvent,
  RuleEvent,
  NftEvent,
  OverrunEvent,
  MonitorEvents,
  MonitorKind,
  MonitorEvent,
} from './monitor-events.js'
export {
  NeighbourVerbs,
  type NeighbourSpec,
  type NeighbourEntry,
  type Neighbour,
  type NeighbourFilter,
} from './objects/neighbour.js'
export { NetNs } from './netns.js'
export type { NamespaceIdentity } from './netns.js'
export {
  GenericVerbs,
  type GenericFamily,
  type GenericGroup,
  type GenericOperation,
} from './objects/generic.js'
export {
  NextHopVerbs,
  type NextHopEntry,
  type NextHopFilter,
  type NextHopGroupType,
  type NextHopMember,
  type NextHopSpec,
  type ResilientGroup,
} from './objects/nexthop.js'
export { NsidVerbs } from './objects/nsid.js'
export { PlanScope, Done, Plan, type RunOptions } from './plan.js'
export { type NextHop, type RouteSpec, type Route } from './objects/route.js'
export { RouteVerbs, type RouteFilter, type RouteLookup } from './objects/route-verbs.js'
export {
  RuleVerbs,
  type Range,
  type RuleSpec,
  type Rule,
  type RuleFilter,
} from './objects/rule.js'
export {
  SocketVerbs,
  type InetSocket,
  type SocketEnd,
  type SocketFilter,
  type SocketProtocol,
  type SocketState,
} from './objects/socket.js'
export {
  type Settled,
  type ShortCall,
  type ShortVerb,
  type ShortVerbs,
  type VerbGroups,
  type NftShortVerbs,
  type SyncForm,
} from './short.js'
export { type StreamForm, type StreamItem, type Whole } from './stream.js'
export {
  StepRef,
  LinkRef,
  type LinkLike,
  type UndoStep,
  type StepOptions,
} from './base/steps.js'
export { SysctlVerbs } from './objects/sysctl.js'

// For the other rooms of lib/ alone.
/** @internal */
export { ERRNO } from './base/constants.js'
/** @internal */
export { replaceNeighbourStep } from './objects/neighbour.js'
/** @internal */
export { replaceNextHopStep } from './objects/nexthop.js'
/** @internal */
export { appendStep, removeStep, replaceStep } from './objects/route.js'
/** @internal */
export { linkToWire } from './base/steps.js'
