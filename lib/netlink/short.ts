/**
 * The short form: each verb of a plan as a call of its own, `await host.link.set('eth0', …)`.
 * A call makes a plan of that one verb, runs it, and answers with what the verb's reference
 * stands for. One mechanism serves all verbs; nothing is written twice.
 */
import { ArgumentError } from '../argument-error.js'
import { takeSignal, type ShortArguments } from './call.js'
import type { Done, Plan, PlanScope } from './plan.js'
import { StepRef } from './base/steps.js'
import type { RulesetCalls, RulesetCallsSync } from './ruleset.js'

/** What a verb answers with once it has run: the value behind a reference. */
export type Settled<T> =
  T extends StepRef<infer R>
    ? R
    : T extends readonly [StepRef<unknown>, ...StepRef<unknown>[]]
      ? { -readonly [K in keyof T]: Settled<T[K]> }
      : T

/** A group of verbs in its short form; `Answer` is `promise` or `value`. */
export type ShortVerbs<V, Answer extends 'promise' | 'value' = 'promise'> = {
  readonly [K in keyof V]: ShortVerb<V[K], Answer>
}

/** One verb in its short form; one that is told in two ways keeps both. */
export type ShortVerb<F, Answer extends 'promise' | 'value'> = F extends {
  (...args: infer A): infer R
  (...args: infer B): infer S
}
  ? // Of a function with one signature the other is not known.
    unknown extends R
    ? ShortCall<B, S, Answer>
    : ShortCall<A, R, Answer> & ShortCall<B, S, Answer>
  : never

/** A call with the arguments of a verb, which answers with what its reference stands for. */
export type ShortCall<
  A extends readonly unknown[],
  R,
  Answer extends 'promise' | 'value',
> = Answer extends 'promise'
  ? (...args: ShortArguments<A>) => Promise<Settled<R>>
  : (...args: A) => Settled<R>

/** The groups of verbs that a plan has. */
export type VerbGroups = Pick<
  PlanScope,
  {
    [K in keyof PlanScope]: PlanScope[K] extends (...args: never[]) => unknown ? never : K
  }[keyof PlanScope]
>

/** The nftables group of a handle: its short forms, and what takes several plans. */
export type NftShortVerbs = Omit<ShortVerbs<VerbGroups['nftables']>, 'commit'> &
  RulesetCalls

/** All groups in their synchronous short form. */
export type SyncForm = {
  readonly [K in Exclude<keyof VerbGroups, 'nftables'>]: ShortVerbs<
    VerbGroups[K],
    'value'
  >
} & {
  /** The ruleset of nftables. */
  readonly nftables: Omit<ShortVerbs<VerbGroups['nftables'], 'value'>, 'commit'> &
    RulesetCallsSync
}

type Verb = (...args: unknown[]) => unknown

/**
 * Throws an ArgumentError for arguments beyond those that a verb takes: a misspelt `signal` would be
 * passed over otherwise. Verbs have no defaults, so that their length counts them all.
 *
 * @internal
 */
export function checkCount(verb: Verb, what: string, args: readonly unknown[]): void {
  const surplus = args.slice(verb.length).find((one) => one !== undefined)
  if (surplus === undefined) return
  const [name] = typeof surplus === 'object' ? Object.keys(surplus ?? {}) : []
  if (name !== undefined) {
    throw new ArgumentError(
      `${name}: no option of ${what}; there are signal, for calls with a promise, and what its arguments have`,
    )
  }
  throw new ArgumentError(
    `${what}: takes ${verb.length} arguments, not ${args.length}; leave out ${String(surplus)}`,
  )
}

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
      const verb = prototype[name] as Verb
      checkCount(verb, `${group}.${name}`, args)
      const one = plan()
      return [one, verb.apply(one[group], args)]
    })
  }
  return verbs
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
