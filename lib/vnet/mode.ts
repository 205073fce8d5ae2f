/**
 * A mode: how pods come to the virtual network. The engine knows modes by this interface alone;
 * modes.ts finds one by its name.
 */
import type { Owner } from '../cni/spec/owner.js'
import type { Family } from '../ip/index.js'
import type { Address, Done, Link, NetNs, Plan, StepRef } from '../netlink/index.js'
import type { BridgeNetwork } from './bridge/record.js'
import type { NearFacts } from './facts.js'
import type { Finding } from './firewall/findings.js'

/** A name that `mode` of a network configuration can have. */
export type ModeName = 'bridge'

/** How long a bridge stays: until the node is reset, or until its last pod goes. */
export type BridgeLifetime = 'node' | 'pods'

/** What a network configuration asks of a mode. */
export interface ModeSettings {
  /** Name of the NIC; found by the address when absent. */
  readonly master: string | undefined
  /** Name of the bridge; made from the primary interface's index when absent. */
  readonly bridge: string | undefined
  readonly bridgeLifetime: BridgeLifetime
  /** Internet SNAT; `auto` excepts the prefix of the pool. */
  readonly masquerade: false | 'auto' | { readonly except: readonly string[] }
  /** Whether a pod sends in its own name alone. */
  readonly spoofGuard: boolean
  /** Whether a host whose firewall does not fit is refused, rather than named in the log. */
  readonly strictHost: boolean
}

/** An address that was leased for a pod. */
export interface LeasedAddress {
  /** With the subnet's prefix length. */
  readonly address: string
  readonly gateway: string
  /** Prefix of the pool, or the address's own subnet. */
  readonly pool: string
  /** Name of the NIC that carries the pool; empty when only the subnet tells. */
  readonly nic: string
}

/** A route of a pod. */
export interface PodRoute {
  /** Prefix. */
  readonly dst: string
  readonly gw: string
}

/** An address that a pod has. */
export interface PodAddress {
  /** With prefix length. */
  readonly address: string
  /** MAC of the pod's interface. */
  readonly mac: string
}

/** A pod on a host network. */
export interface Pod {
  readonly owner: Owner
  readonly addresses: readonly PodAddress[]
}

/**
 * What a mode has made of a NIC for its pods, as it is kept in the state file. `phase` is `moving`
 * while the host's own addresses are on their way there (or were when a process died), `ready`
 * when they are there, `leaving` on their way back.
 */
export type HostNetwork = BridgeNetwork

/** All host networks and their pods at one moment. */
export interface NodeView {
  readonly networks: readonly HostNetwork[]
  /** Pods whose ADD has ended well. */
  podsOn(network: string): readonly Pod[]
}

/** A pod that the kernel knows: by the address and by the tag of the owner. */
export interface FoundPod {
  /** Name of the host network. */
  readonly network: string
  /** Without prefix length. */
  readonly address: string
  readonly mac: string
  readonly tag: string
}

/** What attaching a pod takes. */
export interface AttachPlan {
  readonly owner: Owner
  /** The pod's namespace. */
  readonly sandbox: NetNs
  readonly network: HostNetwork
  /** The link that the host network's pods hang on. */
  readonly link: Link
  readonly mtu: number
  readonly addresses: readonly LeasedAddress[]
  /** What the container has on the network already, by other interfaces. */
  readonly siblings: readonly Pod[]
  /** Routes of the pod beside the default one. */
  readonly routes?: readonly PodRoute[] | undefined
}

/** What is to be taken away of a pod. */
export interface DetachPlan {
  /** Name of the host network. */
  readonly network: string
  /** Its record; absent where it is lost. */
  readonly record: HostNetwork | undefined
  /** Absent where nobody knows whose the addresses are. */
  readonly owner?: Owner
  readonly addresses: readonly PodAddress[]
  readonly siblings: readonly Pod[]
  /** False when the pod is known to have no Internet SNAT. */
  readonly masqueraded: boolean
}

/** What was planned for a pod: to be recorded and told to the runtime. */
export interface PlannedPod {
  readonly addresses: readonly PodAddress[]
  /** Name of the host's end of the wire, and what reads it when the plan has run. */
  readonly hostLink: string
  readonly outer: StepRef<{ readonly mac: string } | undefined>
  /**
   * Whether a firewall that came since the network was made would keep the pod's traffic from it;
   * `ensureNetwork` sees to that.
   */
  isCutOff(done: Done): boolean
  /** A text that changes when the host's firewall does. */
  firewall(done: Done): string
}

/** What is looked at for a check of a pod. */
export interface CheckPlan extends Pod {
  readonly network: HostNetwork
  /** The pod's namespace; absent when the host's side alone is looked at. */
  readonly sandbox?: NetNs | undefined
}

/** One way to attach pods. Methods throw CniError, NetlinkError and SyscallError. */
export interface Mode {
  readonly name: ModeName
  /** Families of the addresses that it can carry. */
  readonly families: readonly Family[]
  /** The host network that the settings mean for pods behind a NIC. */
  networkName(settings: ModeSettings, facts: NearFacts, nic: Link): string
  /** The link for pods, when the network is as an attachment with these settings needs it. */
  find(wish: NetworkWish, record: HostNetwork | undefined): Link | undefined
  /**
   * The record to write down before the network is made. Throws CniError when the host cannot have
   * it: nothing has been changed then.
   */
  newNetwork(host: NetNs, wish: NetworkWish): HostNetwork
  /** Puts what a network's settings ask for into the record; `ensureNetwork` carries it out. */
  apply(record: HostNetwork, settings: NetworkSettings): void
  /** Whether the host has what the record says, as far as a look at links and tables tells. */
  isWhole(facts: NearFacts, record: HostNetwork): boolean
  /** Puts back what `apply` changed for an attachment, from a copy of the record before. */
  revert(record: HostNetwork, former: HostNetwork, owner: Owner): void
  /**
   * Makes the network, or mends it, as its record wants it; safe to repeat. Call it under the
   * state's lock: two at once would take each other's addresses away. When it throws, the host is
   * as it was before the call.
   */
  ensureNetwork(host: NetNs, view: NodeView, record: HostNetwork): void
  /**
   * Writes addresses of the host's own into the record that pods may have; `ensureNetwork` takes
   * them off, and `release` gives them back.
   */
  take(host: NetNs, record: HostNetwork, addresses: readonly Address[]): void
  /** Gives such addresses back, without prefix lengths. Call it under the state's lock. */
  giveBack(
    host: NetNs,
    view: NodeView,
    record: HostNetwork,
    addresses: readonly string[],
  ): void
  /**
   * Whether the network ends with its last pod: because it is to, or because somebody took away what
   * it is made of, and the host's own network with it.
   */
  endsWithPods(host: NetNs, record: HostNetwork): boolean
  /** What the record must hold before the network is released: what is on it now. */
  prepareRelease(host: NetNs, record: HostNetwork): HostNetwork
  /** Gives the host its NIC back as it was. Call it under the state's lock; safe to repeat. */
  release(host: NetNs, view: NodeView, record: HostNetwork): void
  /** Adds the steps that attach a pod. The first fails with EEXIST when another has the address. */
  planAttach(plan: Plan, attach: AttachPlan): PlannedPod
  /** Adds the steps that take a pod's addresses away; what is gone already counts as done. */
  planDetach(plan: Plan, host: NetNs, detach: DetachPlan): void
  /**
   * Where the kernel differs from what is on record of a pod, each in a sentence that names the
   * thing; empty when it does not.
   */
  check(host: NetNs, check: CheckPlan): string[]
  /** What the host's firewall would do to pods of a network, which need not be there yet. */
  findings(host: NetNs, network: string, nic: Link): Finding[]
  /** The interfaces of the host for a result, the outermost first. */
  hostInterfaces(link: Link): readonly { readonly name: string; readonly mac: string }[]
  /** The pods that the kernel knows on a network. */
  pods(host: NetNs, network: string): FoundPod[]
  /** Whether a link of the host is what this mode makes of a NIC, record or not. */
  isOurs(link: Link): boolean
  /** The host's ends of pods' wires among all links, by the link that they hang on. */
  hostLinks(links: readonly Link[], link: Link): Link[]
  /** A record for a network that has none any more; undefined when it has no NIC. */
  adopt(host: NetNs, network: string): HostNetwork | undefined
}

/** What a network of the configuration asks of the host network that its pods are on. */
export interface NetworkSettings {
  /** Name of the network in the configuration. */
  readonly network: string
  readonly settings: Pick<ModeSettings, 'bridgeLifetime' | 'masquerade' | 'spoofGuard'>
  /** Prefixes of the pools that its pods' addresses are of. */
  readonly pools: readonly string[]
}

/** A host network that an attachment needs. */
export interface NetworkWish extends NetworkSettings {
  readonly facts: NearFacts
  readonly name: string
  readonly nic: Link
}
