/**
 * An nft transaction: all of it happens, or nothing.
 */
import type { Wire } from '../binding.js'
import { ERRNO, NLM_F } from '../netlink/constants.js'
import type { PlanScope } from '../netlink/plan.js'
import { StepRef } from '../netlink/steps.js'
import type { Expr } from './expr.js'
import {
  commentBytes,
  elementsFromWire,
  elementToWire,
  intervalToWire,
  setToWire,
  type SetDef,
  type SetElement,
} from './set.js'
import {
  hookNumber,
  nftFamilies,
  type DataValue,
  type NftFamily,
  type NftHook,
} from './types.js'

/** Names a table. */
export interface TableRef {
  readonly family: NftFamily
  readonly name: string
}

/** A chain. With `hook` packets enter it there, else rules jump to it. */
export interface ChainDef {
  readonly family: NftFamily
  readonly table: string
  readonly name: string
  readonly hook?: NftHook
  /** `filter` when absent; `nat` chains see the first packet of a flow. */
  readonly type?: 'filter' | 'nat' | 'route'
  /** Lower runs first. -100 is where destination NAT lies in the ip family, 100 source NAT. */
  readonly priority?: number
}

/** A rule for the end of a chain. */
export interface RuleDef {
  readonly family: NftFamily
  readonly table: string
  readonly chain: string
  readonly expressions: readonly Expr[]
  readonly comment?: string
}

// One message must stay below 64 KiB, the most that an attribute (the list) can hold.
const ELEMENTS_PER_MESSAGE = 256

/** A list of changes to the ruleset that are committed together. */
export class Transaction {
  readonly #messages: { [key: string]: Wire }[] = []
  #nextId = 1

  /**
   * @param generation the ruleset's generation that the changes were worked out from: if another
   *   was committed since, the kernel refuses with ERESTART.
   */
  constructor(private readonly generation?: number) {}

  /** Makes a table. With `exclusive` EEXIST when it is there, else it is left as it is. */
  addTable(table: TableRef, options: { exclusive?: boolean } = {}): this {
    return this.#push('nft.table.new', tableArgs(table), create(options.exclusive))
  }

  /** Deletes a table with all that it holds. ENOENT when there is none. */
  deleteTable(table: TableRef): this {
    return this.#push('nft.table.del', tableArgs(table))
  }

  /** Makes a chain; one of the same name is left as it is. */
  addChain(chain: ChainDef): this {
    const hook = chain.hook && {
      hook: { number: hookNumber(chain.hook), priority: chain.priority ?? 0 },
      type: chain.type ?? 'filter',
      policy: 1, // NF_ACCEPT
    }
    const { family, table, name } = chain
    const args = { family: nftFamilies[family], table, name, ...hook }
    return this.#push('nft.chain.new', args, create())
  }

  /** Makes a set or map; one of the same name is left as it is. */
  addSet(set: SetDef): this {
    return this.#push('nft.set.new', setToWire(set, this.#nextId++), create())
  }

  /** Adds elements. EEXIST when a key is there already (with `exclusive`, whatever its datum). */
  addElements(
    set: SetDef,
    elements: readonly SetElement[],
    options: { exclusive?: boolean } = {},
  ): this {
    const wire = elements.map((element) => elementToWire(set, element))
    return this.#elements('nft.elements.new', set, wire, create(options.exclusive))
  }

  /** Adds IPv4 ranges to an interval set; they must not overlap. */
  addIntervals(set: SetDef, ranges: readonly { first: number; last: number }[]): this {
    const wire = ranges.flatMap(({ first, last }) => intervalToWire(first, last))
    return this.#elements('nft.elements.new', set, wire, create())
  }

  /** Deletes elements by key. ENOENT when one is not there. */
  deleteElements(set: SetDef, keys: readonly (readonly DataValue[])[]): this {
    const plain: SetDef = { ...set, data: undefined }
    const wire = keys.map((key) => elementToWire(plain, { key }))
    return this.#elements('nft.elements.del', set, wire)
  }

  /** Appends a rule to a chain. */
  addRule(rule: RuleDef): this {
    const { family, table, chain, expressions, comment } = rule
    const args = {
      family: nftFamilies[family],
      table,
      chain,
      expressions,
      ...(comment && { userdata: commentBytes(comment) }),
    }
    return this.#push('nft.rule.new', args, create() | NLM_F.append)
  }

  /** The transaction in the addon's form. */
  toWire(): { [key: string]: Wire } {
    return { messages: this.#messages, generation: this.generation }
  }

  #elements(op: string, set: SetDef, elements: Wire[], flags = 0): this {
    for (let at = 0; at < elements.length; at += ELEMENTS_PER_MESSAGE) {
      const part = elements.slice(at, at + ELEMENTS_PER_MESSAGE)
      const args = {
        family: nftFamilies[set.family],
        table: set.table,
        set: set.name,
        elements: part,
      }
      this.#push(op, args, flags)
    }
    return this
  }

  #push(op: string, args: { [key: string]: Wire }, flags = 0): this {
    this.#messages.push({ op, flags, args })
    return this
  }
}

function create(exclusive = false): number {
  return NLM_F.create | (exclusive ? NLM_F.excl : 0)
}

function tableArgs(table: TableRef) {
  return { family: nftFamilies[table.family], name: table.name }
}

/** Reads the elements of a set in a plan; empty when the set or its table is not there. */
export function dumpElements(scope: PlanScope, set: SetDef): StepRef<SetElement[]> {
  const args = { family: nftFamilies[set.family], table: set.table, set: set.name }
  const { step } = scope.raw('nft.elements.dump', args, { accept: [ERRNO.ENOENT] })
  return new StepRef(step, (wire) => elementsFromWire(set, wire))
}

/** Reads the generation of the ruleset in a plan. */
export function readGeneration(scope: PlanScope): StepRef<number> {
  const { step } = scope.raw('nft.generation.get', {})
  return new StepRef(step, (wire) => (wire as { id: number }).id)
}

/** Looks whether a table exists. */
export function tableExists(scope: PlanScope, table: TableRef): StepRef<boolean> {
  const { step } = scope.raw('nft.table.get', tableArgs(table), {
    accept: [ERRNO.ENOENT],
  })
  return new StepRef(step, (wire) => wire !== undefined)
}
