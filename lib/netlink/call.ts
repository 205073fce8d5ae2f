/**
 * What calls take beside the arguments of their verbs.
 */

/** What any asynchronous call takes. */
export interface CallOptions {
  /**
   * Ends the call: it rejects with the signal's reason. Aborted before it starts, nothing is done.
   * While it runs, the signal is looked at between steps and between the datagrams of a dump, never
   * within a request or an nft transaction; what was done is then taken back as after a step that
   * failed. Where that fails too, the error is an AggregateError of the reason and what the kernel
   * answered. A call that is done is not affected.
   */
  readonly signal?: AbortSignal
}

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

/**
 * Parts the arguments of a call into those of the verb and what the call takes. No verb has an
 * argument with a member `signal` of its own; one that stands beside a verb's own options is meant
 * for the call as well.
 *
 * @internal
 */
export function takeSignal(args: unknown[]): [unknown[], CallOptions] {
  const last = args.at(-1)
  if (typeof last !== 'object' || last === null || !Object.hasOwn(last, 'signal')) {
    return [args, {}]
  }
  const { signal, ...rest } = last as CallOptions
  const own = Object.keys(rest).length > 0 ? [rest] : []
  return [[...args.slice(0, -1), ...own], { signal }]
}
