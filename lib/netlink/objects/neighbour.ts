/**
 * Neighbours: which MAC stands behind an address (linux/neighbour.h, RTM_NEWNEIGH).
 */
import type { Wire } from '../../binding.js'
import { checkMac } from '../base/check.js'
import {
  AF,
  ERRNO,
  neighbourStates,
  NLM_F,
  NTF,
  NUD,
  type Family,
  type NeighbourState,
} from '../base/constants.js'
import { checkOptions, type Options } from '../base/options.js'
import { familyFilter, familyName, familyNumber, familyOf } from '../base/prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

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
  mac?: string
}

/**
 * A neighbour from the addon's form (native/rtnl/neighbour.cc).
 *
 * @internal
 */
export function neighbourFromWire(wire: unknown): Neighbour {
  const w = wire as WireNeighbour
  return {
    link: w.link,
    family: familyName(w.family),
    address: w.address,
    ...(w.mac && { mac: w.mac }),
    state: neighbourStates.name(w.state),
    ...(w.flags & NTF.proxy && { proxy: true }),
    ...(w.flags & NTF.router && { router: true }),
    ...(w.flags & NTF.extLearned && { extLearned: true }),
  }
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

/** `family` comes with an entry that was read. */
const OPTIONS: Options<NeighbourEntry & Neighbour> = {
  link: 'value',
  address: 'value',
  family: 'value',
  mac: 'value',
  state: 'value',
  proxy: 'switch',
  router: 'switch',
  extLearned: 'switch',
}

/** What a filter of neighbours has. */
const FILTER: Options<NeighbourFilter> = {
  family: 'value',
  link: 'value',
  proxy: 'switch',
}

/** States that mean nothing without a MAC: NUD_VALID (net/neighbour.h). */
const NEEDS_MAC =
  NUD.permanent | NUD.noArp | NUD.reachable | NUD.probe | NUD.stale | NUD.delay

// The kernel makes the entry first, and leaves it (state none) when it then misses the MAC
// (net/core/neighbour.c, neigh_add).
function checkHasMac(spec: NeighbourEntry): void {
  const { state = 'permanent', mac, proxy } = spec
  if (proxy || mac !== undefined) return
  if (neighbourStates.number(state) & NEEDS_MAC) {
    throw new TypeError(
      `mac: an entry whose state is ${state} needs one; give the MAC, or another state`,
    )
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
   * Sets a permanent entry, in the place of any other for the address.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  replacePermanent(spec: NeighbourSpec & { readonly mac: string }): void {
    this.#put({ ...spec, state: 'permanent' }, NLM_F.create | NLM_F.replace)
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
  dump(filter: NeighbourFilter = {}): StepRef<Neighbour[]> {
    const at = this.sink.add('neighbour.dump', this.#filter(filter))
    return new StepRef(at, (wire) =>
      (wire as WireNeighbour[])
        .filter(({ family }) => family === AF.ipv4 || family === AF.ipv6)
        .map(neighbourFromWire),
    )
  }

  /** Deletes all entries of a link, permanent ones too; the result is how many. */
  flush(filter: NeighbourFilter & { readonly link: LinkLike }): StepRef<number> {
    return new StepRef(this.sink.add('neighbour.flush', this.#filter(filter)), Number)
  }

  #filter(filter: NeighbourFilter): { [key: string]: Wire } {
    checkOptions(filter, 'the filter of neighbours', FILTER)
    const { family, link, proxy } = filter
    return {
      family: familyFilter(family),
      flags: proxy ? NTF.proxy : undefined,
      outLink: link === undefined ? undefined : linkToWire(link, this.sink),
    }
  }

  #put(spec: NeighbourEntry, flags: number): void {
    const where = this.#where(spec)
    // What replaces another may keep its MAC.
    if (flags & NLM_F.excl) checkHasMac(spec)
    const bits =
      where.flags |
      (spec.router ? NTF.router : 0) |
      (spec.extLearned ? NTF.extLearned : 0)
    const mac = spec.mac === undefined ? undefined : checkMac(spec.mac)
    // Of a proxy only this much counts: one that is not permanent goes when the link loses its
    // carrier (net/core/neighbour.c, pneigh_ifdown_and_unlock).
    const state = neighbourStates.number(spec.state ?? 'permanent')
    this.sink.add(
      'neighbour.new',
      { ...where, flags: bits, state, mac },
      {
        flags,
        undo: [
          { op: 'neighbour.del', args: where, accept: [ERRNO.ENOENT, ERRNO.ENODEV] },
        ],
      },
    )
  }

  #where(spec: NeighbourSpec, optional = false) {
    checkOptions(spec, 'neighbour', OPTIONS)
    const family = familyOf(spec.address, 'address')
    return {
      family: familyNumber(family),
      address: spec.address,
      flags: spec.proxy ? NTF.proxy : 0,
      link: linkToWire(spec.link, this.sink, { optional }),
    }
  }
}
