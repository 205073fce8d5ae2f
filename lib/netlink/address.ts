/**
 * Addresses of links (linux/if_addr.h, RTM_NEWADDR).
 */
import type { Wire } from '../binding.js'
import { AF, ERRNO, IFA_F, NLM_F, scopes, type Family, type Scope } from './constants.js'
import { familyName, familyNumber, parsePrefix } from './prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

/** Seconds that an address stays valid and preferred; 4294967295 means for ever. */
export interface Lifetime {
  readonly preferred: number
  readonly valid: number
}

/** An address to add or delete. */
export interface AddressSpec {
  readonly link: LinkLike
  /** With prefix length: `10.0.0.5/24`. */
  readonly address: string
  /** The other end of a point-to-point link. */
  readonly peer?: string
  readonly broadcast?: string
  readonly scope?: Scope | number
  /** Name shown for the address, IPv4 only; at most 15 bytes. */
  readonly label?: string
  /** IFA_F_* bits. */
  readonly flags?: number
  /** Priority of the prefix route. */
  readonly metric?: number
  readonly lifetime?: Lifetime
  /** IFAPROT_*: who made it; 1 is loopback, 2 router advertisement, 3 link-local. */
  readonly protocol?: number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** An address as the kernel reports it; it can be given back to `add`. */
export interface Address extends AddressSpec {
  readonly link: number
  readonly family: Family
}

/** What the addon's table for addresses calls the attributes (native/rtnl/address.cc). */
interface WireAddress {
  family: number
  prefixLength: number
  scope: number
  index: number
  address: string
  local?: string
  broadcast?: string
  label?: string
  flags?: number
  metric?: number
  protocol?: number
  lifetime?: Lifetime
  unknown?: Wire
}

/** An address from the addon's form. */
export function addressFromWire(wire: unknown): Address {
  const w = wire as WireAddress
  const local = w.local ?? w.address
  return {
    link: w.index,
    family: familyName(w.family),
    address: `${local}/${w.prefixLength}`,
    ...(w.address !== local && { peer: w.address }),
    ...(w.broadcast && { broadcast: w.broadcast }),
    scope: scopes.name(w.scope),
    ...(w.label && { label: w.label }),
    flags: w.flags ?? 0,
    ...(w.metric && { metric: w.metric }),
    ...(w.protocol && { protocol: w.protocol }),
    ...(w.lifetime && { lifetime: w.lifetime }),
    ...(w.unknown !== undefined && { unknown: w.unknown }),
  }
}

/** Flags that the kernel takes; the others (permanent, tentative, …) are its own to set. */
const SETTABLE_FLAGS =
  IFA_F.nodad |
  IFA_F.optimistic |
  IFA_F.homeAddress |
  IFA_F.manageTemporary |
  IFA_F.noprefixroute |
  IFA_F.mcAutoJoin

function toWire(spec: AddressSpec): { [key: string]: Wire } {
  const { address, length, family } = parsePrefix(spec.address, 'address')
  return {
    family: familyNumber(family),
    prefixLength: length,
    scope: spec.scope === undefined ? 0 : scopes.number(spec.scope),
    index: linkToWire(spec.link),
    local: address,
    address: spec.peer ?? address,
    broadcast: spec.broadcast,
    label: spec.label,
    flags: (spec.flags ?? 0) & SETTABLE_FLAGS,
    metric: spec.metric,
    protocol: spec.protocol,
    lifetime: spec.lifetime && { ...spec.lifetime },
    unknown: spec.unknown,
  }
}

/** The verbs for addresses of one namespace in a plan. */
export class AddressVerbs {
  constructor(private readonly sink: StepSink) {}

  /** Adds an address. EEXIST when the link has it. */
  add(spec: AddressSpec): void {
    this.#put(spec, [])
  }

  /** Adds an address, or leaves the one that is there. */
  ensure(spec: AddressSpec): void {
    this.#put(spec, [ERRNO.EEXIST])
  }

  /** Deletes an address; undo adds it again. EADDRNOTAVAIL when it is not there. */
  del(spec: AddressSpec): void {
    this.#remove(spec, [])
  }

  /** Deletes an address, if it is there. */
  delIfExists(spec: AddressSpec): void {
    this.#remove(spec, [ERRNO.EADDRNOTAVAIL, ERRNO.ENODEV])
  }

  /** Reads all addresses, IPv4 and IPv6. */
  dump(): StepRef<Address[]> {
    const at = this.sink.add('address.dump', { family: 0 })
    return new StepRef(at, (wire) =>
      (wire as unknown[]).filter(isIp).map(addressFromWire),
    )
  }

  #put(spec: AddressSpec, accept: number[]): void {
    const args = toWire(spec)
    this.sink.add('address.new', args, {
      flags: NLM_F.create | NLM_F.excl,
      accept,
      undo: [{ op: 'address.del', args, accept: [ERRNO.EADDRNOTAVAIL] }],
    })
  }

  #remove(spec: AddressSpec, accept: number[]): void {
    const args = toWire(spec)
    const undo = [
      {
        op: 'address.new',
        args,
        flags: NLM_F.create | NLM_F.excl,
        accept: [ERRNO.EEXIST],
      },
    ]
    this.sink.add('address.del', args, { accept, undo })
  }
}

function isIp(wire: unknown): boolean {
  const family = (wire as { family: number }).family
  return family === AF.ipv4 || family === AF.ipv6
}
