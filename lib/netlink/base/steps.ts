/**
 * What plans are made of: references to the results of steps, and the sink that verbs add steps to.
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire, WireFailure, WireRef, WireStep } from '../../binding.js'
import { checkInteger, nameArgs } from './check.js'
import { ERRNO } from './constants.js'
import type { NamespaceHandle } from './namespace.js'

/** Stands for the result of a step before the plan has run. */
export class StepRef<T> {
  /** @internal */
  constructor(
    /** Position of the step in its plan. */
    readonly step: number,
    /** Turns the addon's answer into the result. */
    readonly decode: (wire: unknown) => T,
  ) {}
}

/** Stands for an interface that an earlier step of the same plan makes or finds. */
export class LinkRef extends StepRef<number> {
  /** @internal */
  constructor(
    step: number,
    /** `peerIndex` for the peer of the veth pair that the step makes, else `index`. */
    readonly field: 'index' | 'peerIndex' = 'index',
    /** The plan that the step is in. Without it the reference is not checked against the plan. */
    readonly owner?: object,
  ) {
    super(step, (wire) => (wire as Record<string, number>)[field] ?? 0)
  }

  /** @internal The reference in the addon's form. */
  toWire(): WireRef {
    return { ref: this.step, field: this.field }
  }
}

/**
 * An interface: its name or an alternative name, its index (greater than 0), or a reference into
 * the plan.
 */
export type LinkLike = LinkRef | number | string

/**
 * An interface in the addon's form. A name costs one step more, which looks it up in the
 * namespace of `sink`; with `optional`, later steps see ENODEV when there is none of that name.
 * Throws a TypeError for what is neither name, index nor reference.
 *
 * @internal
 */
export function linkToWire(
  link: LinkLike,
  sink?: StepSink,
  { field = 'link', optional = false } = {},
): number | WireRef {
  if (link instanceof LinkRef) {
    if (sink && link.owner && link.owner !== sink.owner) {
      throw new ArgumentError(
        `${field}: the reference is of another plan; run that one first and give the index`,
      )
    }
    return link.toWire()
  }
  if (typeof link === 'string' && sink) {
    const accept = optional ? [ERRNO.ENODEV] : []
    return { ref: sink.add('link.get', nameArgs(link, field), { accept }) }
  }
  if (typeof link === 'number') {
    return checkInteger(link, field, 0, 0x7fffffff, 'an interface index')
  }
  throw new ArgumentError(
    `${field}: ${String(link)} is no interface; give a name, an index or a reference from this plan`,
  )
}

/** A request that takes a step back, in the step's namespace. */
export type UndoStep = Omit<WireStep, 'ns' | 'undo'>

/** What a verb may say beside its arguments. */
export interface StepOptions {
  /** NLM_F_* bits beside REQUEST and ACK (linux/netlink.h). */
  readonly flags?: number
  /** Errnos that count as success. */
  readonly accept?: readonly number[]
  /**
   * The members that are told of each entry, by the addon's names, of a dump or a stream that has
   * no filter; all when absent. What the addon does not know comes as `unknown` in either case.
   */
  readonly only?: readonly string[]
  /** Requests that take the step back, in the order to run; may need the step's position. */
  readonly undo?: readonly UndoStep[] | ((at: number) => readonly UndoStep[])
  /** Says what a failure of this step is about, where its arguments' names do not. */
  readonly describe?: (failure: WireFailure) => string
}

/**
 * Where verbs put their steps: a plan, seen from one namespace.
 *
 * @internal
 */
export interface StepSink {
  /** The plan, to tell its references from those of others. */
  readonly owner: object
  /** Adds a step and answers with its position. */
  add(op: string, args: { readonly [key: string]: Wire }, options?: StepOptions): number
  /** The same plan, with steps for another namespace. */
  in(ns: NamespaceHandle): StepSink
  /** Position of a namespace in the plan; adds it when it is new. */
  namespace(ns: NamespaceHandle): number
}
