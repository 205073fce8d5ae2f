/**
 * Reading the ruleset, and committing to it.
 */
import type { Wire } from '../binding.js'
import { NetlinkError } from '../errors.js'
import { ERRNO } from '../netlink/constants.js'
import type { NetNs } from '../netlink/netns.js'
import type { Done, Plan } from '../netlink/plan.js'
import { StepRef, type StepSink } from '../netlink/steps.js'
import { chainFromWire, ruleFromWire, tableFromWire } from './defs.js'
import type { ChainInfo, RuleDef, RuleInfo, TableInfo } from './defs.js'
import { elementsFromWire, type ElementInfo } from './element.js'
import { nftFamilies, type NftFamily } from './families.js'
import { objectFromWire, type ObjectInfo } from './object.js'
import { setFromWire, type SetDef, type SetInfo } from './set.js'
import { Transaction } from './transaction.js'

/** What to read; all when absent. */
export interface RulesetFilter {
  readonly family?: NftFamily
  /** Needs the family. */
  readonly table?: string
}

/** How a transaction is committed. */
export interface CommitOptions {
  /** Errno numbers that count as done. */
  readonly accept?: readonly number[]
  /** Committed when a later step of the plan fails. */
  readonly undo?: Transaction
  /** Have the kernel tell what it made: its handles, and the new generation. */
  readonly echo?: boolean
}

/** Something that a transaction made or changed, as the kernel told it. */
export interface Made {
  /** Position of the message in the transaction. */
  readonly message: number
  /** `nft.rule.new`, `nft.set.new` … */
  readonly op: string
  /** Its handle; elements have none. */
  readonly handle?: number
  /** All that was told, in the addon's form. */
  readonly value: { readonly [key: string]: unknown }
}

/** What came of a commit; empty unless it was made with `echo`. */
export interface CommitResult {
  /** The ruleset's generation after it. */
  readonly generation?: number
  readonly made: readonly Made[]
  /** Handles of the rules, in the order that the transaction adds them. */
  readonly ruleHandles: readonly number[]
}

/** The ruleset of a namespace. */
export interface Ruleset {
  /** Changes with every commit. */
  readonly generation: number
  readonly tables: readonly TableInfo[]
  readonly chains: readonly ChainInfo[]
  readonly sets: readonly (SetInfo & { readonly elements: readonly ElementInfo[] })[]
  readonly rules: readonly RuleInfo[]
  readonly objects: readonly ObjectInfo[]
}

function resultFromWire(wire: unknown): CommitResult {
  const echoes = (wire ?? []) as Made[]
  const isGeneration = (echo: Made) => echo.op === 'nft.generation.new'
  const generation = echoes.find(isGeneration)?.value['id'] as number | undefined
  const made = echoes
    .filter((echo) => echo.op.endsWith('.new') && !isGeneration(echo))
    .map((echo) => ({ ...echo, ...handleOf(echo) }))
  const rules = made.filter((echo) => echo.op === 'nft.rule.new')
  return {
    ...(generation !== undefined && { generation }),
    made,
    ruleHandles: rules
      .sort((a, b) => a.message - b.message)
      .map((echo) => echo.handle ?? 0),
  }
}

function handleOf(echo: Made) {
  const handle = echo.value['handle'] as number | undefined
  return handle === undefined ? {} : { handle }
}

/** The verbs for the nftables ruleset of one namespace in a plan. */
export class NftVerbs {
  constructor(private readonly sink: StepSink) {}

  /**
   * Commits a transaction: all of it or nothing. NetlinkError names what was refused: ENOENT,
   * EEXIST, EBUSY as the transaction's methods say; ERESTART when its generation is not the
   * ruleset's; EPERM without CAP_NET_ADMIN.
   */
  commit(transaction: Transaction, options: CommitOptions = {}): StepRef<CommitResult> {
    const { accept = [], undo, echo } = options
    const step = this.sink.add('nft.batch', transaction.toWire({ echo: echo === true }), {
      accept,
      describe: (failure) => transaction.describe(failure),
      ...(undo && { undo: [{ op: 'nft.batch', args: undo.toWire() }] }),
    })
    return new StepRef(step, resultFromWire)
  }

  /** Appends one rule, in a transaction of its own; the result is its handle. */
  addRule(rule: RuleDef): StepRef<number> {
    return this.#handle(new Transaction().addRule(rule))
  }

  /** Puts one rule at the start of its chain; the result is its handle. */
  insertRule(rule: RuleDef): StepRef<number> {
    return this.#handle(new Transaction().insertRule(rule))
  }

  /** Reads the generation of the ruleset. */
  generation(): StepRef<number> {
    const step = this.sink.add('nft.generation.get', {})
    return new StepRef(step, (wire) => (wire as { id: number }).id)
  }

  /** Reads the tables. */
  tables(filter: Pick<RulesetFilter, 'family'> = {}): StepRef<TableInfo[]> {
    return this.#dump('nft.table', filter, tableFromWire)
  }

  /** Reads the chains. */
  chains(filter: RulesetFilter = {}): StepRef<ChainInfo[]> {
    const { family, table } = filter
    // The kernel filters chains by family only.
    const byFamily = family ? { family } : {}
    const all = this.#dump('nft.chain', byFamily, chainFromWire)
    const fits = (chain: ChainInfo) => table === undefined || chain.table === table
    return new StepRef(all.step, (wire) => all.decode(wire).filter(fits))
  }

  /** Reads the rules, chain by chain in order. */
  rules(filter: RulesetFilter & { readonly chain?: string } = {}): StepRef<RuleInfo[]> {
    return this.#dump('nft.rule', filter, ruleFromWire)
  }

  /** Reads what sets and maps there are; see elements(). */
  sets(filter: RulesetFilter = {}): StepRef<SetInfo[]> {
    return this.#dump('nft.set', filter, setFromWire)
  }

  /** Reads the named objects. With `reset`, sets what they count to zero. */
  objects(
    filter: RulesetFilter = {},
    options: { reset?: boolean } = {},
  ): StepRef<ObjectInfo[]> {
    const verb = options.reset ? 'dumpReset' : 'dump'
    const all = this.#dump('nft.object', filter, objectFromWire, verb)
    return new StepRef(all.step, (wire) =>
      all.decode(wire).filter((object) => object !== undefined),
    )
  }

  /** Reads the elements of a set; empty when the set or its table is not there. */
  elements(set: SetDef): StepRef<ElementInfo[]> {
    const args = { family: nftFamilies[set.family], table: set.table, set: set.name }
    const step = this.sink.add('nft.elements.dump', args, { accept: [ERRNO.ENOENT] })
    return new StepRef(step, (wire) => elementsFromWire(set, wire))
  }

  #handle(transaction: Transaction): StepRef<number> {
    const { step } = this.commit(transaction, { echo: true })
    return new StepRef(step, (wire) => resultFromWire(wire).ruleHandles[0] ?? 0)
  }

  #dump<T>(
    object: string,
    filter: RulesetFilter & { readonly chain?: string },
    decode: (wire: unknown) => T,
    verb = 'dump',
  ): StepRef<T[]> {
    const { family, ...rest } = filter
    if (rest.table !== undefined && !family) {
      throw new TypeError('family: give the family of the table too')
    }
    const args = { family: family ? nftFamilies[family] : 0, ...rest }
    const step = this.sink.add(`${object}.${verb}`, args, { accept: [ERRNO.ENOENT] })
    return new StepRef(step, (wire) => ((wire ?? []) as unknown[]).map(decode))
  }
}

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

async function run<T>(plans: Plans<T>): Promise<T> {
  let next = plans.next()
  while (!next.done) {
    try {
      // One plan is worked out from what came of the one before.
      // oxlint-disable-next-line no-await-in-loop
      next = plans.next(await next.value.run())
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
 * again when a commit came between. Throws NetlinkError: EINTR when that never ends, EPERM
 * without CAP_NET_ADMIN.
 */
export function list(host: NetNs, filter: RulesetFilter = {}): Promise<Ruleset> {
  return run(readAll(host, filter))
}

/** As list(), on this thread. */
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
 * Commits a transaction; see NftVerbs.commit. On kernels before 6.3, which have no `destroy`, it
 * looks what there is and deletes that; `destroy: 'emulate'` does so on any kernel.
 */
export function commit(
  host: NetNs,
  transaction: Transaction,
  options: CommitOptions & { destroy?: 'emulate' } = {},
): Promise<CommitResult> {
  return run(commitPlans(host, transaction, options))
}

/** As commit(), on this thread. */
export function commitSync(
  host: NetNs,
  transaction: Transaction,
  options: CommitOptions & { destroy?: 'emulate' } = {},
): CommitResult {
  return runSync(commitPlans(host, transaction, options))
}
