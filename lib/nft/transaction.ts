/**
 * An nft transaction: all of it happens, or nothing.
 */
import { locate } from '../argument-error.js'
import type { Wire, WireFailure } from '../binding.js'
import { formatAddress } from '../ip/index.js'
import { NLM_F } from '../netlink/base/constants.js'
import { checkOptions, type Options } from '../netlink/base/options.js'
import { checkSet } from './check-parts.js'
import {
  checkChain,
  checkElement,
  checkObject,
  checkRule,
  checkRuleRef,
  checkTable,
} from './check.js'
import {
  chainToWire,
  ruleToWire,
  tableToWire,
  type ChainDef,
  type ChainRef,
  type RuleDef,
  type RuleRef,
  type TableDef,
  type TableRef,
} from './defs.js'
import {
  elementsToWire,
  intervalKey,
  intervalToWire,
  type SetElement,
} from './element.js'
import { nftFamilyNumber, type NftFamily } from './families.js'
import { ANONYMOUS_NAME, AnonymousSets } from './anonymous-sets.js'
import { MessageList, type TransactionMessage } from './message-list.js'
import { inMessages, isPackable, packedInMessages, type MessagePart } from './messages.js'
import { objectToWire, objectType, type ObjectDef, type ObjectRef } from './object.js'
import {
  subjectOf,
  elementSubject,
  setArgs,
  keysOnly,
  setKind,
  namedArgs,
  objectArgs,
  ruleArgs,
  ruleSubject,
  tableArgs,
  toElement,
  type ElementKey,
  type Subject,
} from './refs.js'
import { inOrder, type Ruleset } from './ruleset-info.js'
import { setToWire } from './set.js'
import { setName, type SetDef, type SetRef } from './set-def.js'

const RULESET: Options<Ruleset> = {
  generation: 'value',
  tables: 'value',
  chains: 'value',
  sets: 'value',
  rules: 'value',
  objects: 'value',
}

/**
 * A list of changes to the ruleset that are committed together, by `plan.nftables.commit` or
 * `host.nftables.commit`. The methods only collect: they throw a TypeError for what cannot be, and
 * what they say of a NetlinkError is what the commit ends with. Its message names the change.
 */
export class Transaction {
  #list = new MessageList()
  #nextId = 1
  readonly #anonymous = new AnonymousSets()

  /**
   * @param generation the ruleset's generation that the changes were worked out from: if another
   *   was committed since, the kernel refuses with ERESTART.
   */
  constructor(readonly generation?: number) {}

  /**
   * Makes a table; one of the same name is left as it is.
   *
   * @throws NetlinkError EEXIST with `exclusive`, when it is there
   */
  addTable(table: TableDef, options: { exclusive?: boolean } = {}): this {
    checkTable(table)
    checkOptions(options, 'Transaction.addTable', { exclusive: 'switch' })
    const flags = create(options.exclusive)
    return this.#push(
      'nft.table.new',
      tableToWire(table),
      flags,
      subjectOf('table', table),
    )
  }

  /**
   * Deletes a table with all that it holds.
   *
   * @throws NetlinkError ENOENT when there is none
   */
  deleteTable(table: TableRef): this {
    checkTable(table)
    return this.#push('nft.table.del', tableArgs(table), 0, subjectOf('table', table))
  }

  /** Deletes a table with all that it holds, if it is there. */
  destroyTable(table: TableRef): this {
    checkTable(table)
    return this.#push('nft.table.destroy', tableArgs(table), 0, subjectOf('table', table))
  }

  /**
   * Deletes all rules of all chains of a table; sets and their elements stay.
   *
   * @throws NetlinkError ENOENT when there is no such table
   */
  flushTable(table: TableRef): this {
    checkTable(table)
    const args = { family: nftFamilyNumber(table.family), table: table.name }
    return this.#push('nft.rule.del', args, 0, subjectOf('table', table))
  }

  /**
   * Makes a chain; one of the same name is left as it is, but for its policy.
   *
   * @throws NetlinkError EEXIST with `exclusive`, when it is there
   * @throws NetlinkError ENOENT when its table is not there, or the family has no chains
   *   of that type
   * @throws NetlinkError EOPNOTSUPP for a type that the hook does not have, a priority
   *   that the type does not take, or a chain that is there with another hook, type or
   *   priority
   */
  addChain(chain: ChainDef, options: { exclusive?: boolean } = {}): this {
    checkChain(chain)
    checkOptions(options, 'Transaction.addChain', { exclusive: 'switch' })
    const flags = create(options.exclusive)
    return this.#push(
      'nft.chain.new',
      chainToWire(chain),
      flags,
      subjectOf('chain', chain),
    )
  }

  /**
   * Deletes a chain with its rules.
   *
   * @throws NetlinkError ENOENT when there is none
   * @throws NetlinkError EBUSY when a rule or an element of a verdict map leads to it
   */
  deleteChain(chain: ChainRef): this {
    checkChain(chain)
    return this.#push('nft.chain.del', namedArgs(chain), 0, subjectOf('chain', chain))
  }

  /**
   * Deletes a chain with its rules, if it is there.
   *
   * @throws NetlinkError ENOENT when its table is not there
   * @throws NetlinkError EBUSY when a rule or an element of a verdict map leads to it
   */
  destroyChain(chain: ChainRef): this {
    checkChain(chain)
    return this.#push('nft.chain.destroy', namedArgs(chain), 0, subjectOf('chain', chain))
  }

  /**
   * Deletes all rules of a chain.
   *
   * @throws NetlinkError ENOENT when there is no such chain
   */
  flushChain(chain: ChainRef): this {
    checkChain(chain)
    const args = {
      family: nftFamilyNumber(chain.family),
      table: chain.table,
      chain: chain.name,
    }
    return this.#push('nft.rule.del', args, 0, subjectOf('chain', chain))
  }

  /**
   * Gives the chain of that handle another name.
   *
   * @throws NetlinkError EEXIST when that is taken
   * @throws NetlinkError ENOENT when there is no chain of that handle
   */
  renameChain(
    chain: { family: NftFamily; table: string; handle: number },
    name: string,
  ): this {
    checkChain(chain)
    const { family, table, handle } = chain
    const args = { family: nftFamilyNumber(family), table, handle, name }
    return this.#push('nft.chain.new', args, 0, () => `chain of handle ${handle}`)
  }

  /**
   * Makes a set or map; one of the same name is left as it is.
   *
   * @throws NetlinkError EEXIST when it is there and of another kind, or with `exclusive`
   *   of any
   * @throws NetlinkError ENOENT when its table is not there
   */
  addSet(set: SetDef, options: { exclusive?: boolean } = {}): this {
    checkSet(set)
    checkOptions(options, 'Transaction.addSet', { exclusive: 'switch' })
    const id = this.#nextId++
    const wire = setToWire(set, id)
    if (set.anonymous) this.#anonymous.add(set, id)
    return this.#push(
      'nft.set.new',
      { ...wire, ...(set.anonymous && { name: ANONYMOUS_NAME }) },
      create(options.exclusive),
      subjectOf(setKind(set), set),
    )
  }

  /**
   * Deletes a set with its elements.
   *
   * @throws NetlinkError ENOENT when there is none
   * @throws NetlinkError EBUSY when a rule uses it
   */
  deleteSet(set: SetRef): this {
    checkSet(set)
    return this.#push('nft.set.del', namedArgs(set), 0, subjectOf('set', set))
  }

  /**
   * Deletes a set with its elements, if it is there.
   *
   * @throws NetlinkError ENOENT when its table is not there
   * @throws NetlinkError EBUSY when a rule uses it
   */
  destroySet(set: SetRef): this {
    checkSet(set)
    return this.#push('nft.set.destroy', namedArgs(set), 0, subjectOf('set', set))
  }

  /**
   * Deletes all elements of a set.
   *
   * @throws NetlinkError ENOENT when there is no such set
   */
  flushSet(set: SetRef): this {
    checkSet(set)
    return this.#push('nft.elements.del', setArgs(set), 0, subjectOf('set', set))
  }

  /**
   * Adds elements; those that are there with the same datum stay as they are.
   *
   * @throws NetlinkError EEXIST when a key is there with another datum (with `exclusive`,
   *   whatever its datum), or a range overlaps another
   * @throws NetlinkError ENOENT when the set is not there, nor the chain or object that an
   *   element leads to
   * @throws NetlinkError ENFILE when the set is full
   */
  addElements(
    set: SetDef,
    elements: readonly SetElement[],
    options: { exclusive?: boolean } = {},
  ): this {
    checkSet(set)
    checkOptions(options, 'Transaction.addElements', { exclusive: 'switch' })
    elements.forEach((element, i) =>
      locate(`elements.${i}`, setName(set), () => checkElement(element)),
    )
    const flags = create(options.exclusive)
    if (!isPackable(set, elements)) {
      return this.#elements('nft.elements.new', set, elements, flags)
    }
    return this.#parts('nft.elements.new', set, packedInMessages(set, elements), flags)
  }

  /**
   * Adds ranges of addresses to an interval set: IPv4 addresses as numbers, or the bytes of
   * addresses of either family.
   *
   * @throws NetlinkError EEXIST when they overlap with each other or with those that are
   *   there
   * @throws NetlinkError ENOENT when the set is not there
   * @throws RangeError for a number that is no IPv4 address, TypeError for bytes that are none
   */
  addIntervals(
    set: SetDef,
    ranges: readonly { first: number | Uint8Array; last: number | Uint8Array }[],
  ): this {
    checkSet(set)
    ranges.forEach((range, i) =>
      checkOptions(range, 'a range', { first: 'value', last: 'value' }, `ranges.${i}.`),
    )
    const text = (address: number | Uint8Array) => formatAddress(intervalKey(address))
    const keyed = ranges.map(({ first, last }) => ({
      key: [text(first)],
      keyEnd: [text(last)],
    }))
    const wire = ranges.map(({ first, last }) => intervalToWire(first, last))
    return this.#parts('nft.elements.new', set, inMessages(keyed, wire), create())
  }

  /**
   * Deletes elements by key.
   *
   * @throws NetlinkError ENOENT when one of them, or the set, is not there
   */
  deleteElements(set: SetDef, keys: readonly ElementKey[]): this {
    checkSet(set)
    const elements = keys.map((key, i) => elementOf(set, key, i))
    return this.#elements('nft.elements.del', keysOnly(set), elements)
  }

  /**
   * Deletes elements by key, those that are there.
   *
   * @throws NetlinkError ENOENT when the set is not there
   */
  destroyElements(set: SetDef, keys: readonly ElementKey[]): this {
    checkSet(set)
    // One a message, so that a kernel without this request can be given those that are there.
    keys.forEach((key, i) => {
      const element = elementOf(set, key, i)
      this.#elements('nft.elements.destroy', keysOnly(set), [element])
    })
    return this
  }

  /**
   * Appends a rule to a chain; with `after`, behind the rule of that handle.
   *
   * @throws NetlinkError ENOENT when the chain is not there, nor the rule that it shall
   *   come after, nor a set, object or chain that it names; and for an expression that the
   *   kernel does not have
   * @throws NetlinkError EOPNOTSUPP for an expression that the chain's type or hook does
   *   not take, such as a masquerade in a filter chain
   */
  addRule(rule: RuleDef, options: { after?: number } = {}): this {
    checkOptions(options, 'Transaction.addRule', { after: 'value' })
    return this.#rule(rule, NLM_F.create | NLM_F.append, { position: options.after })
  }

  /**
   * Puts a rule at the start of a chain; with `before`, before the rule of that handle.
   *
   * @throws NetlinkError ENOENT as addRule
   * @throws NetlinkError EOPNOTSUPP as addRule
   */
  insertRule(rule: RuleDef, options: { before?: number } = {}): this {
    checkOptions(options, 'Transaction.insertRule', { before: 'value' })
    return this.#rule(rule, NLM_F.create, { position: options.before })
  }

  /**
   * Puts a rule in the place of the one of that handle.
   *
   * @throws NetlinkError ENOENT when there is none; what addRule throws as well
   */
  replaceRule(rule: RuleDef, handle: number): this {
    return this.#rule(rule, NLM_F.replace, { handle })
  }

  /**
   * Deletes the rule of a handle.
   *
   * @throws NetlinkError ENOENT when there is none
   */
  deleteRule(rule: RuleRef): this {
    checkRuleRef(rule)
    return this.#push('nft.rule.del', ruleArgs(rule), 0, ruleSubject(rule))
  }

  /**
   * Deletes the rule of a handle, if it is there.
   *
   * @throws NetlinkError ENOENT when its chain is not there
   */
  destroyRule(rule: RuleRef): this {
    checkRuleRef(rule)
    return this.#push('nft.rule.destroy', ruleArgs(rule), 0, ruleSubject(rule))
  }

  /**
   * Makes a named counter, quota or limit; one of the same name and type is left as it is,
   * but for the settings of a quota.
   *
   * @throws NetlinkError EEXIST with `exclusive`, when it is there
   * @throws NetlinkError ENOENT when its table is not there
   */
  addObject(object: ObjectDef, options: { exclusive?: boolean } = {}): this {
    checkObject(object)
    checkOptions(options, 'Transaction.addObject', { exclusive: 'switch' })
    const wire = objectToWire(object)
    const subject = subjectOf(objectType(object), object)
    return this.#push('nft.object.new', wire, create(options.exclusive), subject)
  }

  /**
   * Deletes a named object.
   *
   * @throws NetlinkError ENOENT when there is none
   * @throws NetlinkError EBUSY when a rule or element uses it
   */
  deleteObject(object: ObjectRef): this {
    checkObject(object)
    return this.#push(
      'nft.object.del',
      objectArgs(object),
      0,
      subjectOf(object.type, object),
    )
  }

  /**
   * Deletes a named object, if it is there.
   *
   * @throws NetlinkError ENOENT when its table is not there
   * @throws NetlinkError EBUSY when a rule or element uses it
   */
  destroyObject(object: ObjectRef): this {
    checkObject(object)
    return this.#push(
      'nft.object.destroy',
      objectArgs(object),
      0,
      subjectOf(object.type, object),
    )
  }

  /**
   * Makes all that a ruleset holds, as `list` read it: tables, chains, objects, sets with their elements,
   * and rules. What is there already is left, and its rules are added to. Handles are given anew.
   *
   * @throws NetlinkError as the methods for each
   */
  addRuleset(ruleset: Ruleset): this {
    checkOptions(ruleset, 'a ruleset', RULESET)
    const each = <T>(name: string, list: readonly T[], add: (one: T) => unknown) =>
      list.forEach((one, i) => locate(`${name}.${i}`, undefined, () => add(one)))
    each('tables', ruleset.tables, (table) => this.addTable(table))
    each('chains', ruleset.chains, (chain) => this.addChain(chain))
    each('objects', ruleset.objects, (object) => this.addObject(object))
    each('sets', ruleset.sets, (set) => this.addSet(set).addElements(set, set.elements))
    each('rules', ruleset.rules, checkRule)
    for (const rule of inOrder(ruleset)) this.addRule(rule)
    return this
  }

  /** Deletes everything, of all families. Makes sense as the first change only. */
  deleteEverything(): this {
    return this.#push('nft.table.del', { family: 0 }, 0, () => 'all tables')
  }

  /** @internal The changes in the addon's form. */
  get messages(): readonly TransactionMessage[] {
    return this.#list.all
  }

  /** How many of the kernel's messages it is. */
  get length(): number {
    return this.#list.all.length
  }

  /** @internal The transaction in the addon's form. With `echo` the kernel tells what it made. */
  toWire(options: { echo?: boolean } = {}): { [key: string]: Wire } {
    const { echo = false } = options
    const messages = echo ? this.#list.echoing() : this.#list.all
    return {
      messages: messages as unknown as Wire[],
      generation: this.generation,
      ...(echo && { echo }),
    }
  }

  /** @internal What a failure is about, for people; empty when it is about no message of these. */
  describe(failure: Pick<WireFailure, 'message' | 'attribute'>): string {
    return this.#list.describe(failure)
  }

  /** @internal The same for kernels before 6.3, which have no destroy. */
  withoutDestroy(exists: (message: number) => boolean, generation: number): Transaction {
    const out = new Transaction(generation)
    out.#list = this.#list.withoutDestroy(exists)
    return out
  }

  #rule(
    rule: RuleDef,
    flags: number,
    where: { position?: number | undefined; handle?: number },
  ): this {
    const subject = () => `rule of chain ${rule.family} ${rule.table} ${rule.chain}`
    checkRule(rule)
    const expressions = this.#anonymous.named(rule)
    const wire = ruleToWire({ ...rule, expressions })
    return this.#push('nft.rule.new', { ...wire, ...where }, flags, subject)
  }

  #elements(op: string, set: SetDef, elements: readonly SetElement[], flags = 0): this {
    const wire = elements.map((element, i) =>
      locate(`elements.${i}`, setName(set), () => elementsToWire(set, element)),
    )
    return this.#parts(op, set, inMessages(elements, wire), flags)
  }

  #parts(op: string, set: SetDef, parts: readonly MessagePart[], flags: number): this {
    for (const { members, about } of parts) {
      const args = { ...setArgs(set), ...this.#anonymous.args(set), ...members }
      this.#push(op, args, flags, elementSubject(set, about))
    }
    return this
  }

  #push(
    op: string,
    args: { readonly [key: string]: Wire },
    flags: number,
    subject: Subject,
  ): this {
    this.#list.push({ op, flags, args }, subject)
    return this
  }
}

function elementOf(set: SetDef, key: ElementKey, i: number): SetElement {
  return locate(`keys.${i}`, setName(set), () => toElement(key))
}

function create(exclusive = false): number {
  return NLM_F.create | (exclusive ? NLM_F.excl : 0)
}
