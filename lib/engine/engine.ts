/**
 * What the use cases work with, and what a door asks of them.
 */
import type { Owner } from '../cni/spec/owner.js'
import type { CniDns } from '../cni/spec/types.js'
import type { Host } from '../host/host.js'
import type { HostNic } from '../ipam/index.js'
import type { NetNs } from '../netlink/index.js'
import type { Store } from '../state/index.js'
import type { LeasedAddress, ModeName, ModeSettings, PodRoute } from '../vnet/index.js'
import type { NodeState, PodIdentity } from './records.js'
import { nodeStore } from './state.js'

/** Where the engine tells what deserves a line. No method throws. */
export interface EngineLog {
  debug(msg: string, fields?: Record<string, unknown>): void
  info(msg: string, fields?: Record<string, unknown>): void
  warn(msg: string, fields?: Record<string, unknown>): void
  error(msg: string, fields?: Record<string, unknown>): void
}

/** The tools of one call. */
export interface Engine {
  readonly host: Host
  /** The namespace of the host's network. */
  readonly kernel: NetNs
  readonly log: EngineLog
  readonly store: Store<NodeState>
}

/** The engine of a call. */
export function engineOf(host: Host, log: EngineLog): Engine {
  const store = nodeStore(host, (message) => log.warn(message))
  return { host, kernel: host.current(), log, store }
}

/** What was leased for an attachment. */
export interface Leased {
  /** At least one; the first is the one that the interface's MAC is made from. */
  readonly addresses: readonly LeasedAddress[]
  readonly dns: CniDns | undefined
  /** Whether more than half of a pool that they come from is leased. */
  readonly isScarce?: boolean | undefined
  /** Routes beside the default one, each with a gateway in the subnet of one of the addresses. */
  readonly routes?: readonly PodRoute[] | undefined
}

/** What the host says about the addresses that are to be leased. */
export interface LeaseWish {
  /** The host's NICs; read when they are first asked for. */
  readonly nics: () => readonly HostNic[]
  /** Addresses, without prefix length, that the kernel turned out to know already. */
  readonly exclude: readonly string[]
  /**
   * Addresses that others use on this host, each with the reason; read when they are asked for.
   *
   * @param leased what has a lease, in canonical form: that is no sign of others
   */
  readonly inUse: (leased: ReadonlySet<string>) => ReadonlyMap<string, string>
  /**
   * Addresses that are certain to be of no use, each with the reason: those of links of the host,
   * and those of pods on record. For who may know better about all others than the host does.
   */
  readonly occupied: () => ReadonlyMap<string, string>
}

/** Gives attachments their addresses and takes them back. */
export interface Leases {
  /** Name of the IPAM plug-in, for the record. */
  readonly name: string
  /** Whether it takes back the addresses of every network's attachments, not of this one's alone. */
  readonly ofAllNetworks?: boolean
  /** Whether pods may have addresses that are on the host's NIC, but for its primary one. */
  readonly takesHostAddresses?: boolean | undefined
  acquire(wish: LeaseWish): Promise<Leased>
  /** Takes the addresses of an owner back. Repeats safely. */
  release(owner: Owner): Promise<void>
}

/** What a door asks for: a container's interface in a network. */
export interface AttachRequest {
  readonly owner: Owner
  /** The container's namespace, and where it was opened. */
  readonly sandbox: NetNs
  readonly sandboxPath: string
  /** The pod, where the runtime tells. */
  readonly pod?: PodIdentity | undefined
  readonly mode: ModeName
  readonly settings: ModeSettings
  readonly leases: Leases
}

/** A container's interface, made. */
export interface Attached {
  /** The interfaces on the host, the outermost first. */
  readonly hostLinks: readonly { readonly name: string; readonly mac: string }[]
  /** MAC of the container's interface. */
  readonly mac: string
  readonly addresses: readonly LeasedAddress[]
  readonly dns: CniDns | undefined
  /** Routes of the container beside the default one. */
  readonly routes: readonly PodRoute[]
}
