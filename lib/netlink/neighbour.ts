/**
 * Neighbours: which MAC stands behind an address (linux/neighbour.h, RTM_NEWNEIGH).
 */
import { ERRNO, NLM_F, NUD } from './constants.js'
import { familyNumber, familyOf } from './prefix.js'
import { linkToWire, type LinkLike, type StepSink } from './steps.js'

/** A neighbour to set or delete. */
export interface NeighbourSpec {
  readonly link: LinkLike
  readonly address: string
}

/** The verbs for neighbours of one namespace in a plan. */
export class NeighbourVerbs {
  constructor(private readonly sink: StepSink) {}

  /** Sets a permanent entry, in the place of any other for the address. */
  replacePermanent(spec: NeighbourSpec & { readonly mac: string }): void {
    const where = this.#where(spec)
    this.sink.add(
      'neighbour.new',
      { ...where, state: NUD.permanent, mac: spec.mac },
      {
        flags: NLM_F.create | NLM_F.replace,
        undo: [
          { op: 'neighbour.del', args: where, accept: [ERRNO.ENOENT, ERRNO.ENODEV] },
        ],
      },
    )
  }

  /** Deletes an entry, if it is there. */
  delIfExists(spec: NeighbourSpec): void {
    this.sink.add('neighbour.del', this.#where(spec), {
      accept: [ERRNO.ENOENT, ERRNO.ENODEV],
    })
  }

  #where(spec: NeighbourSpec) {
    const family = familyOf(spec.address, 'address')
    return {
      family: familyNumber(family),
      link: linkToWire(spec.link),
      address: spec.address,
    }
  }
}
