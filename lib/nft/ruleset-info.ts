/**
 * A whole ruleset, as it is read and given back.
 */
import type { ChainInfo, RuleInfo, TableInfo } from './defs.js'
import type { ElementInfo } from './element.js'
import type { ObjectInfo } from './object.js'
import type { SetInfo } from './set.js'

/** A set or map with all that is in it. */
export interface SetContents extends SetInfo {
  /** Its elements; of interval sets, ranges in order. */
  readonly elements: readonly ElementInfo[]
}

/** The ruleset of a namespace. */
export interface Ruleset {
  /** Changes with every commit. */
  readonly generation: number
  /** The tables of all families. */
  readonly tables: readonly TableInfo[]
  /** The chains of those tables. */
  readonly chains: readonly ChainInfo[]
  /** The sets and maps, with their elements. */
  readonly sets: readonly SetContents[]
  /** The rules, chain by chain in order. */
  readonly rules: readonly RuleInfo[]
  /** The named counters, quotas and limits. */
  readonly objects: readonly ObjectInfo[]
}

/**
 * The rules in an order in which they can be added: a rule that jumps to a chain of its own
 * (`jump { … }`) comes after the rules of that chain, which is closed then.
 *
 * @internal
 */
export function inOrder(ruleset: Pick<Ruleset, 'chains' | 'rules'>): readonly RuleInfo[] {
  const key = (one: { family: string; table: string }, chain: string) =>
    `${one.family} ${one.table} ${chain}`
  const own = new Set(
    ruleset.chains
      .filter((chain) => chain.binding)
      .map((chain) => key(chain, chain.name)),
  )
  if (own.size === 0) return ruleset.rules
  const out = new Set<RuleInfo>()
  const add = (rule: RuleInfo) => {
    for (const to of jumps(rule)) {
      const chain = key(rule, to)
      if (!own.delete(chain)) continue
      ruleset.rules.filter((other) => key(other, other.chain) === chain).forEach(add)
    }
    out.add(rule)
  }
  ruleset.rules.filter((rule) => !own.has(key(rule, rule.chain))).forEach(add)
  return [...out]
}

function jumps(rule: RuleInfo): string[] {
  return rule.expressions.flatMap(({ data }) => {
    const to = data?.['data'] as { verdict?: { chain?: string } } | undefined
    return to?.verdict?.chain === undefined ? [] : [to.verdict.chain]
  })
}
