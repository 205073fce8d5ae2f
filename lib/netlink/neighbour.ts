/**
 * Neighbours: which MAC stands behind an address (linux/neighbour.h, RTM_NEWNEIGH).
 */
import type { Wire } from '../binding.js'
import { checkMac } from './check.js'
import {
  AF,
  ERRNO,
  neighbourStates,
  NLM_F,
  NTF,
  type Family,
  type NeighbourState,
} from './constants.js'
import { familyName, familyNumber, familyOf } from './prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

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
  /** `permanent` when absent. */
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

/** The verbs for neighbours of one namespace in a plan. */
export class NeighbourVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds an entry. EEXIST when the address has one, ENODEV when the link is gone, EINVAL for a
   * state that does not go with what is given, ENETDOWN when the link is down.
   */
  add(spec: NeighbourEntry): void {
    this.#put(spec, NLM_F.create | NLM_F.excl)
  }

  /** Sets an entry, in the place of any other for the address. ENODEV, EINVAL, ENETDOWN. */
  replace(spec: NeighbourEntry): void {
    this.#put(spec, NLM_F.create | NLM_F.replace)
  }

  /** Sets a permanent entry, in the place of any other for the address. */
  replacePermanent(spec: NeighbourSpec & { readonly mac: string }): void {
    this.#put({ ...spec, state: 'permanent' }, NLM_F.create | NLM_F.replace)
  }

  /** Deletes an entry. ENOENT when it is not there. */
  del(spec: NeighbourSpec): void {
    this.sink.add('neighbour.del', this.#where(spec))
  }

  /** Deletes an entry, if it is there. */
  delIfExists(spec: NeighbourSpec): void {
    this.sink.add('neighbour.del', this.#where(spec, true), {
      accept: [ERRNO.ENOENT, ERRNO.ENODEV],
    })
  }

  /** Reads one entry. ENOENT when there is none. */
  get(spec: NeighbourSpec): StepRef<Neighbour> {
    return new StepRef(
      this.sink.add('neighbour.get', this.#where(spec)),
      neighbourFromWire,
    )
  }

  /** Reads all entries, IPv4 and IPv6, or those that fit. */
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

  #filter({ family, link, proxy }: NeighbourFilter): { [key: string]: Wire } {
    return {
      family: family ? AF[family] : 0,
      flags: proxy ? NTF.proxy : undefined,
      outLink: link === undefined ? undefined : linkToWire(link, this.sink),
    }
  }

  #put(spec: NeighbourEntry, flags: number): void {
    const where = this.#where(spec)
    const bits =
      where.flags |
      (spec.router ? NTF.router : 0) |
      (spec.extLearned ? NTF.extLearned : 0)
    const mac = spec.mac === undefined ? undefined : checkMac(spec.mac)
    const state = spec.proxy ? 0 : neighbourStates.number(spec.state ?? 'permanent')
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
    const family = familyOf(spec.address, 'address')
    return {
      family: familyNumber(family),
      address: spec.address,
      flags: spec.proxy ? NTF.proxy : 0,
      link: linkToWire(spec.link, this.sink, { optional }),
    }
  }
}
