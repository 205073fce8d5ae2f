/**
 * Reading the ruleset, and committing to it.
 */
import { ArgumentError } from '../argument-error.js'
import { ERRNO } from '../netlink/base/constants.js'
import { checkOptions, type Options, orNone } from '../netlink/base/options.js'
import { StepRef, type StepSink } from '../netlink/base/steps.js'
import { checkSet } from './check-parts.js'
import { checkTable } from './check.js'
import { chainFromWire, ruleFromWire, tableFromWire } from './defs.js'
import type { ChainInfo, RuleDef, RuleInfo, TableInfo, TableRef } from './defs.js'
import type { ElementInfo } from './element.js'
import { elementsFromWire } from './element-read.js'
import { nftFamilyNumber, type NftFamily } from './families.js'
import { objectFromWire, type ObjectInfo } from './object.js'
import { setArgs, tableArgs } from './refs.js'
import { setFromWire, type SetInfo } from './set.js'
import type { SetDef } from './set-def.js'
import { Transaction } from './transaction.js'

/** What to read; all when absent. */
export interface RulesetFilter {
  /** One family of tables; all when absent. */
  readonly family?: NftFamily
  /** Needs the family. */
  readonly table?: string
}

/** How a transaction is committed. */
export interface CommitOptions {
  /** Errnos that count as success. */
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
  /** What it made or changed, in the order in which the kernel told it. */
  readonly made: readonly Made[]
  /** Handles of the rules, in the order that the transaction adds them. */
  readonly ruleHandles: readonly number[]
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

const FILTER: Options<RulesetFilter> = { family: 'value', table: 'value' }
const COMMIT: Options<CommitOptions> = {
  accept: 'value',
  undo: 'value',
  echo: 'switch',
}

function checkTransaction(value: unknown, field: string): void {
  if (value instanceof Transaction) return
  throw new ArgumentError(`${field}: give a Transaction, not ${String(value)}`)
}

/**
 * The verbs for the nftables ruleset of one namespace in a plan. All of them need CAP_NET_ADMIN in
 * the namespace (EPERM). What is not there reads as an empty list.
 */
export class NftVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Commits a transaction: all of it or nothing. The error names what was refused; see the
   * transaction's methods for what each may meet.
   *
   * @throws NetlinkError ERESTART when its generation is not the ruleset's
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  commit(transaction: Transaction, given?: CommitOptions): StepRef<CommitResult> {
    const options = orNone(given)
    checkTransaction(transaction, 'transaction')
    checkOptions(options, 'nftables.commit', COMMIT)
    const { accept = [], undo, echo } = options
    if (undo !== undefined) checkTransaction(undo, 'undo')
    const step = this.sink.add('nft.batch', transaction.toWire({ echo: echo === true }), {
      accept,
      describe: (failure) => transaction.describe(failure),
      ...(undo && { undo: [{ op: 'nft.batch', args: undo.toWire() }] }),
    })
    return new StepRef(step, resultFromWire)
  }

  /**
   * Appends one rule, in a transaction of its own; the result is its handle.
   *
   * @throws NetlinkError ENOENT as Transaction.addRule
   * @throws NetlinkError EOPNOTSUPP as Transaction.addRule
   */
  addRule(rule: RuleDef): StepRef<number> {
    return this.#handle(new Transaction().addRule(rule))
  }

  /**
   * Puts one rule at the start of its chain; the result is its handle.
   *
   * @throws NetlinkError ENOENT as Transaction.addRule
   * @throws NetlinkError EOPNOTSUPP as Transaction.addRule
   */
  insertRule(rule: RuleDef): StepRef<number> {
    return this.#handle(new Transaction().insertRule(rule))
  }

  /** Reads the generation of the ruleset. */
  generation(): StepRef<number> {
    const step = this.sink.add('nft.generation.get', {})
    return new StepRef(step, (wire) => (wire as { id: number }).id)
  }

  /** Reads the tables, in no promised order. */
  tables(given?: Pick<RulesetFilter, 'family'>): StepRef<TableInfo[]> {
    const filter = orNone(given)
    checkOptions(filter, 'nftables.tables', { family: 'value' })
    return this.#dump('nft.table', filter, tableFromWire)
  }

  /** Looks whether a table is there. */
  tableExists(table: TableRef): StepRef<boolean> {
    checkTable(table)
    const step = this.sink.add('nft.table.get', tableArgs(table), {
      accept: [ERRNO.ENOENT],
    })
    return new StepRef(step, (wire) => wire !== undefined)
  }

  /** Reads the chains. */
  chains(given?: RulesetFilter): StepRef<ChainInfo[]> {
    const filter = orNone(given)
    checkOptions(filter, 'nftables.chains', FILTER)
    const { family, table } = filter
    // The kernel filters chains by family only.
    const byFamily = family ? { family } : {}
    const all = this.#dump('nft.chain', byFamily, chainFromWire)
    const fits = (chain: ChainInfo) => table === undefined || chain.table === table
    return new StepRef(all.step, (wire) => all.decode(wire).filter(fits))
  }

  /** Reads the rules, chain by chain in order. */
  rules(filter?: RulesetFilter & { readonly chain?: string }): StepRef<RuleInfo[]> {
    return this.#dump('nft.rule', orNone(filter), ruleFromWire, 'dump', {
      chain: 'value',
    })
  }

  /** Reads what sets and maps there are; see elements(). */
  sets(filter?: RulesetFilter): StepRef<SetInfo[]> {
    return this.#dump('nft.set', orNone(filter), setFromWire)
  }

  /** Reads the named objects. With `reset`, sets what they count to zero. */
  objects(given?: RulesetFilter, how?: { reset?: boolean }): StepRef<ObjectInfo[]> {
    const filter = orNone(given)
    const options = orNone(how)
    checkOptions(options, 'nftables.objects', { reset: 'switch' })
    const verb = options.reset ? 'dumpReset' : 'dump'
    const all = this.#dump('nft.object', filter, objectFromWire, verb)
    return new StepRef(all.step, (wire) =>
      all.decode(wire).filter((object) => object !== undefined),
    )
  }

  /** Reads the elements of a set; empty when the set or its table is not there. */
  elements(set: SetDef): StepRef<ElementInfo[]> {
    checkSet(set)
    const step = this.sink.add('nft.elements.dump', setArgs(set), {
      accept: [ERRNO.ENOENT],
    })
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
    more: { readonly [name: string]: 'value' } = {},
  ): StepRef<T[]> {
    checkOptions(filter, `the filter of ${object}s`, { ...FILTER, ...more })
    const { family, ...rest } = filter
    if (rest.table !== undefined && !family) {
      throw new ArgumentError('family: give the family of the table too')
    }
    const args = { family: family ? nftFamilyNumber(family) : 0, ...rest }
    const step = this.sink.add(`${object}.${verb}`, args, { accept: [ERRNO.ENOENT] })
    return new StepRef(step, (wire) => ((wire ?? []) as unknown[]).map(decode))
  }
}
