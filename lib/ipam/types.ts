/**
 * The types of address management.
 */
import type { Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import { familyOf, hostPart, type Family } from '../ip/index.js'

export type { Family, Owner }

/** A network interface card of the host, as the caller found it. */
export interface HostNic {
  readonly name: string
  readonly index: number
  /** Link-layer address, any case, with or without separators. */
  readonly mac: string
  /** Its addresses in CIDR form; they tell which NIC carries a subnet. */
  readonly addresses?: readonly string[]
}

/** What a source says about one NIC of this virtual machine. */
export interface InterfaceInfo {
  /** `aa:bb:cc:dd:ee:ff`, or `*` for any NIC. */
  readonly mac: string
  /** True for the machine's primary NIC. */
  readonly primary: boolean
  readonly subnets: readonly SubnetInfo[]
}

/** A subnet of a NIC and the addresses that the NIC owns in it. */
export interface SubnetInfo {
  /** Canonical CIDR, host bits zero. */
  readonly prefix: string
  readonly addresses: readonly AddressInfo[]
}

/** One address of a NIC. */
export interface AddressInfo {
  /** Canonical, without prefix length. */
  readonly address: string
  /** True for the address of the host itself. */
  readonly primary: boolean
}

/** Knows the NICs and addresses of this machine. `fetch` rejects with SourceError. */
export interface Source {
  /** Short name for messages: `wireserver`. */
  readonly kind: string
  fetch(): Promise<InterfaceInfo[]>
}

/** What a source works with. */
export interface SourceContext {
  readonly host: Pick<Host, 'http'>
  /** Gets a sentence for the log, such as what of an answer was passed over. */
  readonly warn: (message: string) => void
}

/** Makes a source. */
export type SourceFactory = (context: SourceContext) => Source

/** The addresses of one subnet on one NIC that pods may have. */
export interface Pool {
  /** Canonical CIDR. */
  readonly prefix: string
  readonly family: Family
  /** First host address of the subnet. */
  readonly gateway: string
  /** Name of the host's NIC; empty when a `*` could not be tied to one. */
  readonly nic: string
  /** Canonical MAC of that NIC; empty with an empty `nic`. */
  readonly nicMac: string
  /** True for the machine's primary NIC. */
  readonly primary: boolean
  /** Secondary addresses only, ascending by number, without prefix length. */
  readonly addresses: readonly string[]
}

/** An address given to an owner; an owner may have one of each family. */
export interface Lease {
  /** With the subnet's prefix length: `10.0.0.5/24`. */
  readonly address: string
  readonly gateway: string
  /** Prefix of the pool it came from. */
  readonly pool: string
  /** Name of the host's NIC; empty when it could not be told. */
  readonly nic: string
  readonly owner: Owner
  /** When it was given, in milliseconds since the epoch. */
  readonly since: number
}

/** The address of a lease without its prefix length. */
export function leaseAddress(lease: Lease): string {
  return hostPart(lease.address)
}

/** The address family of a lease. */
export function leaseFamily(lease: Lease): Family {
  return familyOf(leaseAddress(lease))!
}
