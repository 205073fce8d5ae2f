/**
 * Addresses of links (linux/if_addr.h, RTM_NEWADDR).
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import { checkInteger } from '../base/check.js'
import {
  ERRNO,
  IFA_F,
  NLM_F,
  scopes,
  type Family,
  type Scope,
} from '../base/constants.js'
import {
  decodeIp,
  checked,
  familyMember,
  flag,
  linkMember,
  MemberTable,
  named,
  own,
  plain,
  told,
  unlessEmpty,
  written,
  type WireArgs,
} from '../base/members.js'
import { checkOptions, orNone } from '../base/options.js'
import { familyName, familyNumber, familyOf, parsePrefix } from '../base/prefix.js'
import { StepRef, type LinkLike, type StepSink } from '../base/steps.js'

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

/** Which addresses a dump means; absent members fit all. */
export interface AddressFilter {
  /** Both families when absent. */
  readonly family?: Family
  /** The interface that has them. */
  readonly link?: LinkLike
}

/** Which addresses a flush means; absent members fit all. */
export interface AddressFlush extends AddressFilter {
  /** The interface that has them. */
  readonly link: LinkLike
  /** How far they reach. */
  readonly scope?: Scope | number
}

/** An address: native/rtnl/address.cc has the attributes. */
const ADDRESS = new MemberTable<AddressSpec & Pick<Address, 'family'>>({
  family: own, // that of the address
  address: own,
  peer: own,
  broadcast: own,
  scope: written(named(scopes)),
  label: unlessEmpty(checked(checkLabel)),
  flags: own,
  nodad: flag(IFA_F.nodad),
  noPrefixRoute: flag(IFA_F.noprefixroute),
  metric: unlessEmpty(plain),
  protocol: unlessEmpty(plain),
  lifetime: { ...told, write: lifetimeToWire },
  unknown: plain,
  link: written(linkMember('index')),
})

/**
 * An address from the addon's form.
 *
 * @internal
 */
export function addressFromWire(wire: unknown): Address {
  const w = wire as {
    family: number
    index: number
    scope: number
    prefixLength: number
    address: string
    local?: string
    broadcast?: string
    flags?: number
  }
  const local = w.local ?? w.address
  const address: { -readonly [K in keyof Address]?: Address[K] } = {
    link: w.index,
    family: familyName(w.family),
    address: `${local}/${w.prefixLength}`,
    scope: scopes.name(w.scope),
    flags: w.flags ?? 0,
  }
  if (w.address !== local) address.peer = w.address
  if (w.broadcast) address.broadcast = w.broadcast
  return ADDRESS.read<Address>(w, address)
}

/** Flags that the kernel takes; the others (permanent, tentative, …) are its own to set. */
const SETTABLE_FLAGS =
  IFA_F.nodad |
  IFA_F.optimistic |
  IFA_F.homeAddress |
  IFA_F.manageTemporary |
  IFA_F.noprefixroute |
  IFA_F.mcAutoJoin

function lifetimeToWire(lifetime: Lifetime): Wire {
  const known = { preferred: 'value', valid: 'value' } as const
  checkOptions(lifetime, 'lifetime', known, 'lifetime.')
  const { preferred, valid } = lifetime
  checkInteger(valid, 'lifetime.valid', 0, FOREVER)
  checkInteger(preferred, 'lifetime.preferred', 0, FOREVER)
  return { preferred, valid }
}

function sameFamily(text: string, wanted: Family, field: string): string {
  if (familyOf(text, field) === wanted) return text
  throw new ArgumentError(
    `${field}: ${text} is not of the family of the address, ${wanted}`,
  )
}

function checkLabel(label: string): string {
  if (Buffer.byteLength(label) <= 15 && !label.includes('\0')) return label
  throw new ArgumentError(`label: ${label} is too long; give at most 15 bytes`)
}

function toWire(spec: AddressSpec, sink: StepSink, optional = false): WireArgs {
  ADDRESS.check(spec, 'address')
  const { address, length, family: wanted } = parsePrefix(spec.address, 'address')
  const { peer, broadcast } = spec
  return {
    family: familyNumber(wanted),
    prefixLength: length,
    scope: 0,
    local: address,
    address: peer === undefined ? address : sameFamily(peer, wanted, 'peer'),
    ...(broadcast !== undefined && {
      broadcast: sameFamily(broadcast, wanted, 'broadcast'),
    }),
    flags: ((spec.flags ?? 0) | ADDRESS.bits(spec).flags) & SETTABLE_FLAGS,
    ...ADDRESS.write(spec, { sink, optional }),
  }
}

/** Which addresses a dump means. */
const DUMP = new MemberTable<AddressFilter>({
  family: familyMember,
  link: linkMember('index'),
})

/** Which addresses a flush means. */
const FLUSH = new MemberTable<AddressFlush>({
  family: familyMember,
  scope: named(scopes),
  link: linkMember('index'),
})

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
  flush(of: AddressFlush): StepRef<number> {
    FLUSH.check(of, 'address.flush')
    const args = { family: 0, ...FLUSH.write(of, { sink: this.sink }) }
    return new StepRef(this.sink.add('address.flush', args), Number)
  }

  /**
   * Reads all addresses, IPv4 and IPv6, or those of a family or link. More than fit into one
   * datagram are read until two readings agree, because the kernel does not tell of every change
   * in between; NetlinkError EINTR when ten did not.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  dump(given?: AddressFilter): StepRef<Address[]> {
    const filter = orNone(given)
    DUMP.check(filter, 'address.dump')
    const args = { family: 0, ...DUMP.write(filter, { sink: this.sink }) }
    const at = this.sink.add('address.dump', args)
    return new StepRef(at, (wire) => decodeIp(wire, addressFromWire))
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
