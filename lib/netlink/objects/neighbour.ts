/**
 * Neighbours: which MAC stands behind an address (linux/neighbour.h, RTM_NEWNEIGH).
 */
import { orNone } from '../base/options.js'
import { ArgumentError } from '../../argument-error.js'
import {
  ERRNO,
  neighbourStates,
  NLM_F,
  NTF,
  NUD,
  type Family,
  type NeighbourState,
} from '../base/constants.js'
import {
  decodeIp,
  addressMember,
  familyMember,
  flag,
  linkMember,
  macMember,
  MemberTable,
  named,
  own,
  unlessEmpty,
  written,
  type WireArgs,
} from '../base/members.js'
import { familyName, familyNumber, familyOf } from '../base/prefix.js'
import { StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** A neighbour to read or delete. */
export interface NeighbourSpec {
  /** The interface that the neighbour is behind. */
  readonly link: LinkLike
  /** IPv4 or IPv6 address of the neighbour. */
  readonly address: string
  /** Requests for the address are answered on the link (NTF_PROXY). */
  readonly proxy?: boolean
}

/** A neighbour to set. */
export interface NeighbourEntry extends NeighbourSpec {
  /** Not for proxies. */
  readonly mac?: string
  /** `permanent` when absent; a proxy of another state goes when its link loses the carrier. */
  readonly state?: NeighbourState | number
  /** The neighbour is an IPv6 router (NTF_ROUTER). */
  readonly router?: boolean
  /** Put there by a control plane; the kernel's clean-up leaves it. */
  readonly extLearned?: boolean
}

/** A neighbour as the kernel reports it. */
export interface Neighbour {
  /** Index of the interface. */
  readonly link: number
  /** Family of the address. */
  readonly family: Family
  /** Address of the neighbour (NDA_DST). */
  readonly address: string
  /** Absent while it is not known. */
  readonly mac?: string
  /** How much the kernel trusts the entry. */
  readonly state: NeighbourState | number
  /** Requests for the address are answered on the link (NTF_PROXY). */
  readonly proxy?: boolean
  /** It is an IPv6 router (NTF_ROUTER). */
  readonly router?: boolean
  /** Put there by a control plane (NTF_EXT_LEARNED). */
  readonly extLearned?: boolean
}

interface WireNeighbour {
  family: number
  link: number
  state: number
  flags: number
  address: string
}

/** A neighbour: native/rtnl/neighbour.cc has the attributes. */
const NEIGHBOUR = new MemberTable<NeighbourEntry & Pick<Neighbour, 'family'>>({
  family: own, // that of the address
  address: written(addressMember()),
  mac: unlessEmpty(macMember),
  state: written(named(neighbourStates)),
  proxy: flag(NTF.proxy),
  router: flag(NTF.router),
  extLearned: flag(NTF.extLearned),
  link: written(linkMember()),
})

/**
 * A neighbour from the addon's form.
 *
 * @internal
 */
export function neighbourFromWire(wire: unknown): Neighbour {
  const w = wire as WireNeighbour
  const neighbour: Partial<Neighbour> = {
    link: w.link,
    family: familyName(w.family),
    address: w.address,
    state: neighbourStates.name(w.state),
  }
  NEIGHBOUR.readBits(w.flags, neighbour)
  return NEIGHBOUR.read<Neighbour>(w, neighbour)
}

/** Which neighbours a dump or flush means; absent members fit all. */
export interface NeighbourFilter {
  /** Both families when absent. */
  readonly family?: Family
  /** The interface that the neighbours are behind; needed for a flush. */
  readonly link?: LinkLike
  /** The proxies instead of the entries. */
  readonly proxy?: boolean
}

/** What a filter of neighbours has. */
const FILTER = new MemberTable<NeighbourFilter>({
  family: familyMember,
  proxy: flag(NTF.proxy),
  link: linkMember('outLink'),
})

/** States that mean nothing without a MAC: NUD_VALID (net/neighbour.h). */
const NEEDS_MAC =
  NUD.permanent | NUD.noArp | NUD.reachable | NUD.probe | NUD.stale | NUD.delay

// The kernel makes the entry first, and leaves it (state none) when it then misses the MAC
// (net/core/neighbour.c, neigh_add).
function checkHasMac(spec: NeighbourEntry): void {
  const { state = 'permanent', mac, proxy } = spec
  if (proxy || mac !== undefined) return
  if (neighbourStates.number(state) & NEEDS_MAC) {
    throw new ArgumentError(
      `mac: an entry whose state is ${state} needs one; give the MAC, or another state`,
    )
  }
}

/**
 * The request behind `replace`, for the undo of another step: links go by index here.
 *
 * @internal
 */
export function replaceNeighbourStep(spec: NeighbourEntry) {
  const args = { state: NUD.permanent, ...neighbourToWire(spec, {}) }
  return { op: 'neighbour.new', args, flags: NLM_F.create | NLM_F.replace }
}

function neighbourToWire(
  spec: NeighbourEntry,
  context: { sink?: StepSink; optional?: boolean },
): WireArgs {
  NEIGHBOUR.check(spec, 'neighbour')
  return {
    family: familyNumber(familyOf(spec.address, 'address')),
    flags: NEIGHBOUR.bits(spec).flags,
    ...NEIGHBOUR.write(spec, context),
  }
}

/** The verbs for neighbours of one namespace in a plan. */
export class NeighbourVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds an entry.
   *
   * @throws NetlinkError EEXIST when the address has one; a proxy is set anew instead
   * @throws NetlinkError ENODEV when the link is gone
   * @throws TypeError for a state that needs a MAC, without one
   */
  add(spec: NeighbourEntry): void {
    this.#put(spec, NLM_F.create | NLM_F.excl)
  }

  /**
   * Sets an entry, in the place of any other for the address. Without a MAC that one's is kept.
   *
   * @throws NetlinkError ENODEV when the link is gone
   * @throws NetlinkError EINVAL for a state that needs a MAC, without one to keep; the kernel then
   *   leaves an entry of the state `none`, which packets do not use
   */
  replace(spec: NeighbourEntry): void {
    this.#put(spec, NLM_F.create | NLM_F.replace)
  }

  /**
   * Deletes an entry.
   *
   * @throws NetlinkError ENOENT when it is not there
   * @throws NetlinkError ENODEV when the link is gone
   */
  del(spec: NeighbourSpec): void {
    this.sink.add('neighbour.del', this.#where(spec))
  }

  /** Deletes an entry, if it is there. */
  delIfExists(spec: NeighbourSpec): void {
    this.sink.add('neighbour.del', this.#where(spec, true), {
      accept: [ERRNO.ENOENT, ERRNO.ENODEV],
    })
  }

  /**
   * Reads one entry.
   *
   * @throws NetlinkError ENOENT when there is none
   * @throws NetlinkError ENODEV when the link is gone
   */
  get(spec: NeighbourSpec): StepRef<Neighbour> {
    return new StepRef(
      this.sink.add('neighbour.get', this.#where(spec)),
      neighbourFromWire,
    )
  }

  /**
   * Reads all entries, IPv4 and IPv6, or those that fit; a link that is gone has none. More than
   * fit into one datagram are read until two readings agree, because the kernel keeps no count of
   * changes; NetlinkError EINTR when ten did not.
   */
  dump(filter?: NeighbourFilter): StepRef<Neighbour[]> {
    const at = this.sink.add('neighbour.dump', this.#filter(orNone(filter)))
    return new StepRef(at, (wire) => decodeIp(wire, neighbourFromWire))
  }

  /** Deletes all entries of a link, permanent ones too; the result is how many. */
  flush(filter: NeighbourFilter & { readonly link: LinkLike }): StepRef<number> {
    return new StepRef(this.sink.add('neighbour.flush', this.#filter(filter)), Number)
  }

  #filter(filter: NeighbourFilter): WireArgs {
    FILTER.check(filter, 'the filter of neighbours')
    return {
      family: 0,
      ...(filter.proxy && { flags: NTF.proxy }),
      ...FILTER.write(filter, { sink: this.sink }),
    }
  }

  #put(spec: NeighbourEntry, flags: number): void {
    // Of a proxy only this much of the state counts: one that is not permanent goes when the link
    // loses its carrier (net/core/neighbour.c, pneigh_ifdown_and_unlock).
    const args = { state: NUD.permanent, ...this.#args(spec) }
    // What replaces another may keep its MAC.
    if (flags & NLM_F.excl) checkHasMac(spec)
    const accept = [ERRNO.ENOENT, ERRNO.ENODEV]
    const undo = [{ op: 'neighbour.del', args: whereOf(args), accept }]
    this.sink.add('neighbour.new', args, { flags, undo })
  }

  #where(spec: NeighbourSpec, optional = false): WireArgs {
    return whereOf(this.#args(spec, optional))
  }

  #args(spec: NeighbourEntry, optional = false): WireArgs {
    return neighbourToWire(spec, { sink: this.sink, optional })
  }
}

// What tells an entry from the others of its namespace.
function whereOf({
  family: version,
  address: ip,
  link: index,
  flags,
}: WireArgs): WireArgs {
  return { family: version, address: ip, link: index, flags: Number(flags) & NTF.proxy }
}
