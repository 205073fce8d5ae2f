/**
 * Reading the whole ruleset and committing to it in one call.
 */
import type { Wire } from '../binding.js'
import { NetlinkError } from '../errors.js'
import { ERRNO } from './base/constants.js'
import type { NetNs } from './netns.js'
import type { CallOptions, Done, Plan } from './plan.js'
import type {
  CommitOptions,
  CommitResult,
  Ruleset,
  RulesetFilter,
} from '../nft/ruleset.js'
import type { Transaction } from '../nft/transaction.js'

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

function* readAll(host: NetNs, filter: RulesetFilter): Plans<Ruleset> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = host.plan()
    const before = first.nftables.generation()
    const tables = first.nftables.tables(filter.family && { family: filter.family })
    const chains = first.nftables.chains(filter)
    const sets = first.nftables.sets(filter)
    const rules = first.nftables.rules(filter)
    const objects = first.nftables.objects(filter)
    const done = yield first
    const second = host.plan()
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

/**
 * Reads the whole ruleset of a namespace (or a family or table of it), consistent: it is read
 * again when a commit came between. When that never ends, it gives up after 20 readings with a
 * NetlinkError of code EINTR.
 *
 * @throws NetlinkError EPERM without CAP_NET_ADMIN
 */
export function list(
  host: NetNs,
  filter: RulesetFilter = {},
  { signal }: CallOptions = {},
): Promise<Ruleset> {
  return run(readAll(host, filter), { signal })
}

/** As {@link list}, on this thread. */
export function listSync(host: NetNs, filter: RulesetFilter = {}): Ruleset {
  return runSync(readAll(host, filter))
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
  host: NetNs,
  tx: Transaction,
  options: CommitOptions,
): Plans<CommitResult> {
  for (let attempt = 1; ; attempt++) {
    const look = host.plan()
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
    const plan = host.plan()
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

function* commitPlans(
  host: NetNs,
  tx: Transaction,
  options: CommitOptions & { destroy?: 'emulate' },
): Plans<CommitResult> {
  const { destroy, ...rest } = options
  const destroys = tx.messages.some(({ op }) => op.endsWith('.destroy'))
  if (destroys && destroy === 'emulate') return yield* emulateDestroy(host, tx, rest)
  const plan = host.plan()
  const result = plan.nftables.commit(tx, rest)
  try {
    return (yield plan).of(result)
  } catch (error) {
    // A kernel before 6.3 does not know the request.
    const old =
      error instanceof NetlinkError && ['EINVAL', 'EOPNOTSUPP'].includes(error.code)
    if (!old || !destroys || !error.extAck.includes('.destroy)')) throw error
  }
  return yield* emulateDestroy(host, tx, rest)
}

/**
 * Commits a transaction; see {@link NftVerbs.commit}. On kernels before 6.3, which have no `destroy`, it
 * looks what there is and deletes that; `destroy: 'emulate'` does so on any kernel.
 */
export function commit(
  host: NetNs,
  transaction: Transaction,
  options: CommitOptions & CallOptions & { destroy?: 'emulate' } = {},
): Promise<CommitResult> {
  const { signal, ...rest } = options
  return run(commitPlans(host, transaction, rest), { signal })
}

/** As {@link commit}, on this thread. */
export function commitSync(
  host: NetNs,
  transaction: Transaction,
  options: CommitOptions & { destroy?: 'emulate' } = {},
): CommitResult {
  return runSync(commitPlans(host, transaction, options))
}
