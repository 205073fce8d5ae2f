/**
 * What keeps host ports in the kernel. Whoever attaches containers knows this interface alone;
 * which firewall serves it is chosen here, in one place.
 */
import type { NetNs } from '../netlink/netns.js'
import type { Done, Plan } from '../netlink/plan.js'
import { flag, list, number, object, oneOf, optional, text } from '../state/schema.js'
import type { Shape } from '../state/schema.js'
import type { Mapping } from './mapping.js'
import type { ServedPort } from './sockets.js'

/** The host ports of one attachment, as its record keeps them: plain JSON. */
export interface PortsRecord {
  /** IPv4 address of the container, without prefix length. */
  readonly pod: string
  /** The ports that lead to it. */
  readonly mappings: readonly Mapping[]
  /** Whether the container and 127.0.0.1 of the host reach the container by its host ports. */
  readonly snat: boolean
  /** Ports of 127.0.0.1 that stay with programs of the host. */
  readonly served?: readonly ServedPort[] | undefined
}

/** What a record of ports must look like when it is read from disk. */
export const portsShape: Shape<PortsRecord> = object({
  pod: text,
  mappings: list(
    object({
      protocol: oneOf('tcp', 'udp'),
      hostPort: number,
      containerPort: number,
      hostAddress: optional(text),
    }),
  ),
  snat: flag,
  served: optional(list(object({ protocol: oneOf('tcp', 'udp'), hostPort: number }))),
})

/** The host ports of one owner. */
export interface OwnedPorts {
  /** The owner: `ownerTag` of the attachment. */
  readonly tag: string
  /** What it has on record. */
  readonly ports: PortsRecord
}

/** A recorded port that another owner has taken in the meantime. */
export interface LostPort {
  /** Whose port it was. */
  readonly tag: string
  /** The port. */
  readonly mapping: Mapping
  /** Tag of the owner that has it now. */
  readonly holder: string
}

/** What came of putting ports back. */
export interface Restored {
  /** Owners of whom something was missing and is there again. */
  readonly tags: readonly string[]
  /** What could not be put back. */
  readonly lost: readonly LostPort[]
}

/**
 * Keeps host ports in the kernel of one namespace. The kernel has them by owner, so that removal
 * needs no record. All methods reject with NetlinkError or SyscallError when the kernel refuses.
 */
export interface PortBackend {
  /**
   * Takes the ports and makes them lead to the container; what the same owner had before goes. A
   * port that another interface of the same container has stays there: see `restore`.
   *
   * @throws CniError HostPortTaken that names the holder. After any error nothing is left.
   */
  add(host: NetNs, tag: string, ports: PortsRecord): Promise<void>
  /** Gives all of an owner's ports back. Repeats safely. */
  remove(host: NetNs, tag: string): Promise<void>
  /** Tags of the owners of all ports, each once. */
  holders(host: NetNs): Promise<string[]>
  /**
   * Asks in a plan, by one small request whatever the number of ports, whether there is anything of
   * it in the kernel; answers with how to get at the answer.
   */
  planIsThere(plan: Plan): (done: Done) => boolean
  /** Where the kernel differs from a record, in words; empty when it does not. */
  check(host: NetNs, tag: string, ports: PortsRecord): Promise<string[]>
  /**
   * Puts back what is missing of recorded owners, all at once: a firewall's reload takes
   * everything, and a container's interface that goes leaves ports to the others. Where nothing is missing it only reads. Ports that are there stay as they are.
   */
  restore(host: NetNs, owners: readonly OwnedPorts[]): Promise<Restored>
}

const BACKENDS = {
  nftables: async (): Promise<PortBackend> => (await import('./nft/index.js')).nftPorts,
}

/** Name of a back-end, as portmap's `backend` has it. */
export type PortBackendName = keyof typeof BACKENDS

/** The names of all back-ends. */
export const PORT_BACKENDS = Object.keys(BACKENDS) as PortBackendName[]

/** The back-end of a name. Its code is loaded by the first call. */
export function portBackend(name: PortBackendName = 'nftables'): Promise<PortBackend> {
  return BACKENDS[name]()
}
