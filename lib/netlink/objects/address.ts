/**
 * Addresses of links (linux/if_addr.h, RTM_NEWADDR).
 */
import type { Wire } from '../../binding.js'
import {
  AF,
  ERRNO,
  IFA_F,
  NLM_F,
  scopes,
  type Family,
  type Scope,
} from '../base/constants.js'
import { checkInteger } from '../base/check.js'
import { checkOptions, type Options } from '../base/options.js'
import {
  familyFilter,
  familyName,
  familyNumber,
  familyOf,
  parsePrefix,
} from '../base/prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** Stands for ever in a lifetime (INFINITY_LIFE_TIME, net/addrconf.h). */
export const FOREVER = 0xffffffff

/** Seconds that an address stays valid and preferred; {@link FOREVER} is 4294967295. */
export interface Lifetime {
  /** Seconds in which new connections may use it (ifa_prefered, linux/if_addr.h). */
  readonly preferred: number
  /** Seconds until the kernel deletes it (ifa_valid, linux/if_addr.h). */
  readonly valid: number
}

/** An address to add or delete. */
export interface AddressSpec {
  /** The interface that has the address. */
  readonly link: LinkLike
  /** With prefix length: `10.0.0.5/24`. */
  readonly address: string
  /** The other end of a point-to-point link. */
  readonly peer?: string
  /** Broadcast address of the subnet, IPv4 only (IFA_BROADCAST). */
  readonly broadcast?: string
  /** How far the address reaches; `global` when absent. */
  readonly scope?: Scope | number
  /** Name shown for the address, IPv4 only; at most 15 bytes. */
  readonly label?: string
  /** IFA_F_* bits. */
  readonly flags?: number
  /** IPv6: usable at once, without asking whether another has it (IFA_F_NODAD). */
  readonly nodad?: boolean
  /** The kernel adds no route for the prefix (IFA_F_NOPREFIXROUTE). */
  readonly noPrefixRoute?: boolean
  /** Priority of the prefix route. */
  readonly metric?: number
  /** How long it stays; for ever when absent (IFA_CACHEINFO). */
  readonly lifetime?: Lifetime
  /** IFAPROT_*: who made it; 1 is loopback, 2 router advertisement, 3 link-local. */
  readonly protocol?: number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** An address as the kernel reports it; it can be given back to `add`. */
export interface Address extends AddressSpec {
  /** Index of the interface. */
  readonly link: number
  /** Family of the address. */
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

/**
 * An address from the addon's form.
 *
 * @internal
 */
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

function lifetimeToWire({ preferred, valid }: Lifetime): Lifetime {
  checkInteger(valid, 'lifetime.valid', 0, FOREVER)
  checkInteger(preferred, 'lifetime.preferred', 0, FOREVER)
  return { preferred, valid }
}

function flagsToWire(spec: AddressSpec): number {
  const flags =
    (spec.flags ?? 0) |
    (spec.nodad ? IFA_F.nodad : 0) |
    (spec.noPrefixRoute ? IFA_F.noprefixroute : 0)
  return flags & SETTABLE_FLAGS
}

function sameFamily(text: string, family: Family, field: string): string {
  if (familyOf(text, field) !== family) {
    throw new TypeError(
      `${field}: ${text} is not of the family of the address, ${family}`,
    )
  }
  return text
}

function labelToWire(label: string): string {
  if (Buffer.byteLength(label) > 15 || label.includes('\0')) {
    throw new TypeError(`label: ${label} is too long; give at most 15 bytes`)
  }
  return label
}

function toWire(
  spec: AddressSpec,
  sink: StepSink,
  optional = false,
): { [key: string]: Wire } {
  checkOptions(spec, 'address', OPTIONS)
  const { address, length, family } = parsePrefix(spec.address, 'address')
  const { peer, broadcast, lifetime, label } = spec
  return {
    family: familyNumber(family),
    prefixLength: length,
    scope: spec.scope === undefined ? 0 : scopes.number(spec.scope),
    local: address,
    address: peer === undefined ? address : sameFamily(peer, family, 'peer'),
    broadcast:
      broadcast === undefined ? undefined : sameFamily(broadcast, family, 'broadcast'),
    label: label === undefined ? undefined : labelToWire(label),
    flags: flagsToWire(spec),
    metric: spec.metric,
    protocol: spec.protocol,
    lifetime: lifetime && { ...lifetimeToWire(lifetime) },
    unknown: spec.unknown,
    index: linkToWire(spec.link, sink, { optional }),
  }
}

/** `family` comes with an address that was read. */
const OPTIONS: Options<Address> = {
  link: 'value',
  address: 'value',
  peer: 'value',
  broadcast: 'value',
  scope: 'value',
  label: 'value',
  flags: 'value',
  metric: 'value',
  lifetime: 'value',
  protocol: 'value',
  unknown: 'value',
  family: 'value',
  nodad: 'switch',
  noPrefixRoute: 'switch',
}

/** The verbs for addresses of one namespace in a plan. */
export class AddressVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds an address.
   *
   * @throws NetlinkError EEXIST when the link has it
   * @throws NetlinkError ENODEV when the link is gone
   * @throws NetlinkError EACCES for IPv6 where it is switched off on the link
   * @throws NetlinkError EADDRNOTAVAIL for an IPv6 address that no link can have: `::`, `::1`, one
   *   of a group
   * @throws NetlinkError EINVAL for a lifetime of 0 or one shorter than what is preferred, a scope
   *   that other addresses of the prefix do not have, IPv6 on a link with an MTU below 1280
   */
  add(spec: AddressSpec): void {
    this.#put(spec, [])
  }

  /**
   * Adds an address, or leaves the one that is there.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: AddressSpec): void {
    this.#put(spec, [ERRNO.EEXIST])
  }

  /**
   * Adds an address, or gives the one that is there these lifetimes and flags.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  replace(spec: AddressSpec): void {
    const flags = NLM_F.create | NLM_F.replace
    this.sink.add('address.new', toWire(spec, this.sink), { flags })
  }

  /**
   * Deletes an address; undo adds it again.
   *
   * @throws NetlinkError EADDRNOTAVAIL when it is not there
   * @throws NetlinkError ENODEV when the link is gone
   */
  del(spec: AddressSpec): void {
    this.#remove(spec, [])
  }

  /** Deletes an address, if it is there. */
  delIfExists(spec: AddressSpec): void {
    this.#remove(spec, [ERRNO.EADDRNOTAVAIL, ERRNO.ENODEV])
  }

  /**
   * Deletes all addresses of a link, or those of a family or scope. The result is how many went;
   * those that went with another (secondary ones) count only where the kernel keeps them.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  flush(of: {
    link: LinkLike
    family?: Family
    scope?: Scope | number
  }): StepRef<number> {
    checkOptions(of, 'address.flush', { link: 'value', family: 'value', scope: 'value' })
    const scope = of.scope === undefined ? undefined : scopes.number(of.scope)
    const index = linkToWire(of.link, this.sink)
    const family = familyFilter(of.family)
    return new StepRef(this.sink.add('address.flush', { family, index, scope }), Number)
  }

  /**
   * Reads all addresses, IPv4 and IPv6, or those of a family or link. More than fit into one
   * datagram are read until two readings agree, because the kernel does not tell of every change
   * in between; NetlinkError EINTR when ten did not.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  dump(options: { family?: Family; link?: LinkLike } = {}): StepRef<Address[]> {
    checkOptions(options, 'address.dump', { family: 'value', link: 'value' })
    const family = familyFilter(options.family)
    const index =
      options.link === undefined ? undefined : linkToWire(options.link, this.sink)
    const at = this.sink.add('address.dump', { family, index })
    return new StepRef(at, (wire) =>
      (wire as unknown[]).filter(isIp).map(addressFromWire),
    )
  }

  #put(spec: AddressSpec, accept: number[]): void {
    const args = toWire(spec, this.sink)
    this.sink.add('address.new', args, {
      flags: NLM_F.create | NLM_F.excl,
      accept,
      undo: [{ op: 'address.del', args, accept: [ERRNO.EADDRNOTAVAIL] }],
    })
  }

  #remove(spec: AddressSpec, accept: number[]): void {
    const args = toWire(spec, this.sink, accept.length > 0)
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
