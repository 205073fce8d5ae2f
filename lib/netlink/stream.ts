/**
 * Dumps that are read a little at a time: `for await (const route of host.route.stream())`.
 */
import { kernel, type Backend, type WireStep } from '../binding.js'
import { takeSignal, type ShortArguments } from './call.js'
import type { StepRef } from './base/steps.js'
import type { Plan } from './plan.js'
import { checkCount, type VerbGroups } from './short.js'

/** An entry of what a dump answers with. */
export type StreamItem<R> =
  R extends ReadonlyMap<infer K, infer V>
    ? [K, V]
    : R extends readonly (infer T)[]
      ? T
      : never

/** The arguments of the verb by which a table is read whole (`dump`, of flows `list`), and its answer. */
export type Whole<V> = V extends {
  /** Reads it. */
  dump: (...args: infer A) => StepRef<infer R>
}
  ? [A, R]
  : V extends {
        /** Reads it. */
        list: (...args: infer A) => StepRef<infer R>
      }
    ? [A, R]
    : never

/** What a group has whose table can be read a little at a time. */
export interface StreamForm<V> {
  /**
   * Reads what `dump` reads (of flows, `list`), with the same arguments, a little at a time:
   * memory stays bounded however large the table is, and the event loop turns between the parts.
   * The next part is read when the entries of the one before have been taken.
   *
   * A stream that ends without an error has told every entry that stayed, once. When the table
   * changed so that this cannot be said, it ends with NetlinkError EINTR after its entries: throw
   * away what came of them, or take it for what it is. What is read in several datagrams and not
   * guarded by the kernel (as `dump` tells) is read a second time at the end, to compare. Of flows
   * it is promised that those which stay are told at least once.
   *
   * It has a socket of its own until it ends: by its end or an error, by leaving the loop
   * (`break`, `return()`), by the signal, or with the handle on the namespace. Whoever calls
   * `next()` by hand and stops before the end must call `return()`.
   *
   * @throws NetlinkError as `dump`, and at its end EINTR as above
   */
  stream(
    ...args: ShortArguments<Whole<V>[0]>
  ): AsyncGenerator<StreamItem<Whole<V>[1]>, void>
}

/** @internal The groups that have a stream. */
export type StreamGroup =
  | 'link'
  | 'address'
  | 'route'
  | 'rule'
  | 'neighbour'
  | 'fdb'
  | 'bridgePort'
  | 'nsid'
  | 'nextHop'
  | 'conntrack'

const GROUPS: readonly string[] = [
  'link',
  'address',
  'route',
  'rule',
  'neighbour',
  'fdb',
  'bridgePort',
  'nsid',
  'nextHop',
  'conntrack',
] satisfies StreamGroup[]

/** @internal Whether a group has a stream. */
export function hasStream(group: keyof VerbGroups): group is StreamGroup {
  return GROUPS.includes(group)
}

/** A handle on a namespace, as far as a stream needs it. */
interface Home {
  plan(): Plan
  readonly backend: Backend
}

interface Part {
  readonly entries: unknown[]
  readonly done: boolean
}

type Dump = (...args: unknown[]) => StepRef<Iterable<unknown>>

/** The plan that begins a stream: that of a dump, whose last step only begins. */
function beginning(ns: Home, group: StreamGroup, args: readonly unknown[]) {
  const plan = ns.plan()
  const verbs = plan[group] as unknown as { dump?: Dump; list?: Dump }
  const verb = (verbs.dump ?? verbs.list) as Dump
  checkCount(verb, `${group}.stream`, args)
  const whole = verb.apply(verbs, args as unknown[])
  const last = plan.steps[whole.step] as WireStep
  const begin = ns.plan()
  for (const { op, args: own, flags, accept } of plan.steps.slice(0, whole.step)) {
    begin.raw(op, own, { flags: flags ?? 0, accept: accept ?? [] })
  }
  const op = last.op.replace(/\.(dump|list)$/, '.stream')
  return {
    plan,
    begin,
    whole,
    id: begin.raw<number>(op, last.args, last.only && { only: last.only }),
    accept: last.accept ?? [],
  }
}

async function* read(
  ns: Home,
  group: StreamGroup,
  all: unknown[],
): AsyncGenerator<unknown, void> {
  const [args, options] = takeSignal(all)
  const { plan, begin, whole, id: ref, accept } = beginning(ns, group, args)
  // A model of the kernel has all in memory anyway.
  if (ns.backend !== kernel) return yield* (await plan.run(options)).of(whole)
  const id = (await begin.run(options)).of(ref)
  const step = (of: Plan, verb: string) =>
    of.raw<Part | undefined>(`stream.${verb}`, { id }, { accept })
  try {
    for (let done = false; !done;) {
      const reading = ns.plan()
      const at = step(reading, 'read')
      const part = (await reading.run(options)).of(at)
      yield* whole.decode(part?.entries ?? [])
      done = part?.done ?? true
    }
  } finally {
    const closing = ns.plan()
    step(closing, 'close')
    closing.runSync()
  }
}

/** @internal Makes the stream of a group. */
export function streamVerb(ns: Home, group: StreamGroup) {
  return (...args: unknown[]) => read(ns, group, args)
}
