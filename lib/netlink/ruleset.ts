/**
 * Reading the whole ruleset and committing to it in one call.
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { NetlinkError } from '../errors.js'
import { ERRNO } from './base/constants.js'
import { checkOptions, type Options } from './base/options.js'
import { takeSignal, type CallOptions, type ShortArguments } from './call.js'
import type { Done, Plan } from './plan.js'
import type { CommitOptions, CommitResult, RulesetFilter } from '../nft/ruleset.js'
import type { Ruleset } from '../nft/ruleset-info.js'
import type { Transaction } from '../nft/transaction.js'

type NewPlan = () => Plan

/** What takes several plans, as a generator: it yields each and is given what came of it. */
type Plans<T> = Generator<Plan, T, Done>

function runSync<T>(plans: Plans<T>): T {
  let next = plans.next()
  while (!next.done) {
    try {
      next = plans.next(next.value.runSync())
    } catch (error) {
      next = plans.throw(error)
    }
  }
  return next.value
}

async function run<T>(plans: Plans<T>, options: CallOptions): Promise<T> {
  let next = plans.next()
  while (!next.done) {
    try {
      // One plan is worked out from what came of the one before.
      // oxlint-disable-next-line no-await-in-loop
      next = plans.next(await next.value.run(options))
    } catch (error) {
      next = plans.throw(error)
    }
  }
  return next.value
}

const TRIES = 20

function* readAll(newPlan: NewPlan, filter: RulesetFilter): Plans<Ruleset> {
  checkOptions(filter, 'nftables.list', { family: 'value', table: 'value' })
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = newPlan()
    const before = first.nftables.generation()
    const tables = first.nftables.tables(filter.family && { family: filter.family })
    const chains = first.nftables.chains(filter)
    const sets = first.nftables.sets(filter)
    const rules = first.nftables.rules(filter)
    const objects = first.nftables.objects(filter)
    const done = yield first
    const second = newPlan()
    const withElements = done
      .of(sets)
      .map((set) => ({ set, elements: second.nftables.elements(set) }))
    const after = second.nftables.generation()
    const more = yield second
    if (done.of(before) !== more.of(after)) continue
    return {
      generation: done.of(before),
      tables: done
        .of(tables)
        .filter(({ name }) => filter.table === undefined || name === filter.table),
      chains: done.of(chains),
      sets: withElements.map(({ set, elements }) => ({
        ...set,
        elements: more.of(elements),
      })),
      rules: done.of(rules),
      objects: done.of(objects),
    }
  }
  const errno = 4 // EINTR
  const extAck = `the ruleset changed during each of ${TRIES} readings`
  throw new NetlinkError({
    step: 0,
    op: 'nft.list',
    errno,
    syscall: '',
    extAck,
    attribute: '',
  })
}

// Which get asks for what a destroy would delete.
function probe(op: string, args: { readonly [key: string]: Wire }) {
  const get = op.replace(/destroy$/, 'get')
  if (op !== 'nft.elements.destroy') return { get, args }
  // A get of elements knows keys only.
  const elements = (args['elements'] as { [key: string]: Wire }[]).filter(
    (e) => (((e['flags'] as number | undefined) ?? 0) & 1) === 0,
  )
  return { get, args: { ...args, elements } }
}

function* emulateDestroy(
  newPlan: NewPlan,
  tx: Transaction,
  options: CommitOptions,
): Plans<CommitResult> {
  for (let attempt = 1; ; attempt++) {
    const look = newPlan()
    const generation = look.nftables.generation()
    const steps = tx.messages.map(({ op, args }) => {
      if (!op.endsWith('.destroy')) return undefined
      const { get, args: what } = probe(op, args)
      return look.raw<unknown>(get, what, { accept: [ERRNO.ENOENT, ERRNO.EINVAL] })
    })
    const seen = yield look
    const exists = (i: number) => {
      const step = steps[i]
      return step !== undefined && seen.of(step) !== undefined
    }
    const plan = newPlan()
    const base = tx.generation ?? seen.of(generation)
    const result = plan.nftables.commit(tx.withoutDestroy(exists, base), options)
    try {
      return (yield plan).of(result)
    } catch (error) {
      // Another commit came between looking and deleting.
      const again = error instanceof NetlinkError && error.code === 'ERESTART'
      if (!again || tx.generation !== undefined || attempt >= TRIES) throw error
    }
  }
}

const COMMIT: Options<CommitCallOptions> = {
  accept: 'value',
  undo: 'value',
  echo: 'switch',
  destroy: 'value',
}

function* commitPlans(
  newPlan: NewPlan,
  tx: Transaction,
  options: CommitCallOptions,
): Plans<CommitResult> {
  checkOptions(options, 'nftables.commit', COMMIT)
  const { destroy, ...rest } = options
  if (destroy !== undefined && destroy !== 'emulate') {
    throw new ArgumentError(`destroy: ${String(destroy)} is not emulate`)
  }
  const destroys = tx.messages.some(({ op }) => op.endsWith('.destroy'))
  if (destroys && destroy === 'emulate') return yield* emulateDestroy(newPlan, tx, rest)
  const plan = newPlan()
  const result = plan.nftables.commit(tx, rest)
  try {
    return (yield plan).of(result)
  } catch (error) {
    // A kernel before 6.3 does not know the request.
    const old =
      error instanceof NetlinkError && ['EINVAL', 'EOPNOTSUPP'].includes(error.code)
    if (!old || !destroys || !error.extAck.includes('.destroy)')) throw error
  }
  return yield* emulateDestroy(newPlan, tx, rest)
}

/** How a transaction is committed by a call of its own. */
export interface CommitCallOptions extends CommitOptions {
  /** `emulate` does without `destroy` on any kernel, as is done by itself on those before 6.3. */
  readonly destroy?: 'emulate'
}

/** What takes several plans; beside the short forms of the nftables group. */
export interface RulesetCalls {
  /**
   * Reads the whole ruleset of a namespace (or a family or table of it), consistent: it is read
   * again when a commit came between. When that never ends, it gives up after 20 readings with a
   * NetlinkError of code EINTR.
   *
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  list(...args: ShortArguments<[filter?: RulesetFilter]>): Promise<Ruleset>
  /**
   * Commits a transaction; see {@link NftVerbs.commit}. On kernels before 6.3, which have no
   * `destroy`, it looks what there is and deletes that.
   */
  commit(
    ...args: ShortArguments<[transaction: Transaction, options?: CommitCallOptions]>
  ): Promise<CommitResult>
}

/** {@link RulesetCalls} on this thread. */
export interface RulesetCallsSync {
  /** As {@link RulesetCalls.list}, without a promise. */
  list(filter?: RulesetFilter): Ruleset
  /** As {@link RulesetCalls.commit}, without a promise. */
  commit(transaction: Transaction, options?: CommitCallOptions): CommitResult
}

/**
 * The calls for a namespace, by what makes its plans.
 *
 * @internal
 */
export function rulesetCalls(newPlan: NewPlan): RulesetCalls {
  // Bad input rejects like a refusal of the kernel does: an async function never throws.
  return {
    list: async (...args) => {
      const [[filter = {}], call] = takeSignal(args)
      return run(readAll(newPlan, filter as RulesetFilter), call)
    },
    commit: async (...args) => {
      const [[transaction, options = {}], call] = takeSignal(args)
      return run(
        commitPlans(newPlan, transaction as Transaction, options as CommitCallOptions),
        call,
      )
    },
  }
}

/**
 * The calls for a namespace on this thread.
 *
 * @internal
 */
export function rulesetCallsSync(newPlan: NewPlan): RulesetCallsSync {
  return {
    list: (filter = {}) => runSync(readAll(newPlan, filter)),
    commit: (transaction, options = {}) =>
      runSync(commitPlans(newPlan, transaction, options)),
  }
}
