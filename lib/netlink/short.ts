/**
 * The short form: each verb of a plan as a call of its own, `await host.link.set('eth0', …)`.
 * A call makes a plan of that one verb, runs it, and answers with what the verb's reference
 * stands for. One mechanism serves all verbs; nothing is written twice.
 */
import type { CallOptions, Done, Plan, PlanScope } from './plan.js'
import { StepRef } from './base/steps.js'

/** What a verb answers with once it has run: the value behind a reference. */
export type Settled<T> =
  T extends StepRef<infer R>
    ? R
    : T extends readonly [StepRef<unknown>, ...StepRef<unknown>[]]
      ? { -readonly [K in keyof T]: Settled<T[K]> }
      : T

/** The arguments of a list that cannot be left out. */
export type RequiredPart<A extends readonly unknown[]> = A extends readonly [
  infer First,
  ...infer Rest,
]
  ? [First, ...RequiredPart<Rest>]
  : []

/**
 * A verb's arguments, and last what the call itself takes: `dump({ signal })`,
 * `set('eth0', { mtu: 1400 }, { signal })`. Optional arguments before it can be left out.
 */
export type ShortArguments<A extends readonly unknown[]> =
  A | [...RequiredPart<A>, CallOptions] | [...Required<A>, CallOptions]

/** A group of verbs in its short form; `Answer` is `promise` or `value`. */
export type ShortVerbs<V, Answer extends 'promise' | 'value' = 'promise'> = {
  readonly [K in keyof V]: V[K] extends (...args: infer A) => infer R
    ? Answer extends 'promise'
      ? (...args: ShortArguments<A>) => Promise<Settled<R>>
      : (...args: A) => Settled<R>
    : never
}

/** The groups of verbs that a plan has. */
export type VerbGroups = Pick<
  PlanScope,
  {
    [K in keyof PlanScope]: PlanScope[K] extends (...args: never[]) => unknown ? never : K
  }[keyof PlanScope]
>

/** All groups in their synchronous short form. */
export type SyncForm = {
  readonly [K in keyof VerbGroups]: ShortVerbs<VerbGroups[K], 'value'>
}

type Verb = (...args: unknown[]) => unknown

function settle(done: Done, made: unknown): unknown {
  if (made instanceof StepRef) return done.of(made)
  return Array.isArray(made) ? made.map((one) => settle(done, one)) : made
}

function makeGroup<K extends keyof VerbGroups>(
  plan: () => Plan,
  group: K,
  wrap: (call: (args: unknown[]) => [Plan, unknown]) => Verb,
): Record<string, Verb> {
  const prototype = Object.getPrototypeOf(plan()[group]) as Record<string, Verb>
  const verbs: Record<string, Verb> = {}
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name === 'constructor') continue
    verbs[name] = wrap((args) => {
      const one = plan()
      const made = (one[group] as unknown as Record<string, Verb>)[name]?.(...args)
      return [one, made]
    })
  }
  return verbs
}

// No verb has an argument with a member `signal` of its own; one that stands beside a verb's own
// options is meant for the call as well.
function takeSignal(args: unknown[]): [unknown[], CallOptions] {
  const last = args.at(-1)
  if (typeof last !== 'object' || last === null || !Object.hasOwn(last, 'signal')) {
    return [args, {}]
  }
  const { signal, ...rest } = last as CallOptions
  const own = Object.keys(rest).length > 0 ? [rest] : []
  return [[...args.slice(0, -1), ...own], { signal }]
}

/**
 * Makes the asynchronous short form of a group of verbs.
 *
 * @internal
 */
export function shortVerbs<K extends keyof VerbGroups>(
  plan: () => Plan,
  group: K,
): ShortVerbs<VerbGroups[K]> {
  // Bad input rejects like a refusal of the kernel does: an async function never throws.
  return makeGroup(plan, group, (call) => async (...args) => {
    const [own, options] = takeSignal(args)
    const [one, made] = call(own)
    return settle(await one.run(options), made)
  }) as unknown as ShortVerbs<VerbGroups[K]>
}

/**
 * Makes the synchronous short form of a group of verbs.
 *
 * @internal
 */
export function shortVerbsSync<K extends keyof VerbGroups>(
  plan: () => Plan,
  group: K,
): ShortVerbs<VerbGroups[K], 'value'> {
  return makeGroup(plan, group, (call) => (...args) => {
    const [one, made] = call(args)
    return settle(one.runSync(), made)
  }) as unknown as ShortVerbs<VerbGroups[K], 'value'>
}
