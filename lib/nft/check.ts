/**
 * What the nft calls take: a misspelt member would be ignored otherwise, and a set with `intervals`
 * hold no ranges. Members that are only told are taken too, so that what was read can be given back.
 */
import { checkOptions } from '../netlink/base/options.js'
import {
  checkCounter,
  checkExpressions,
  checkLimit,
  checkQuota,
  members,
} from './check-parts.js'
import type { ChainInfo, RuleCompat, RuleInfo, TableInfo } from './defs.js'
import type { ElementInfo } from './element.js'
import type { ObjectData, ObjectDef, ObjectInfo } from './object.js'

const TABLE = members<TableInfo>(
  ['family', 'name', 'comment', 'handle', 'use'],
  ['dormant'],
)
const CHAIN = members<ChainInfo>(
  [
    ...(['family', 'table', 'name', 'hook', 'type', 'priority', 'policy'] as const),
    ...(['device', 'devices', 'comment', 'handle', 'use', 'counter'] as const),
  ],
  ['binding'],
)
const RULE = members<RuleInfo>([
  ...(['family', 'table', 'chain', 'expressions', 'comment'] as const),
  ...(['userdata', 'compat', 'handle'] as const),
])
const COMPAT = members<RuleCompat>(['protocol', 'flags'])
const ELEMENT = members<ElementInfo>(
  [
    ...(['key', 'keyEnd', 'data', 'dataEnd', 'verdict', 'object', 'timeout'] as const),
    ...(['expires', 'counter', 'expressions', 'comment'] as const),
    ...(['keyBytes', 'keyEndBytes', 'dataBytes'] as const),
  ],
  ['catchAll'],
)
const OBJECT = members<ObjectInfo & ObjectDef>([
  ...(['family', 'table', 'type', 'name', 'counter', 'quota', 'limit'] as const),
  ...(['data', 'comment', 'handle', 'use'] as const),
])
const DATA = members<ObjectData>(['ctHelper', 'raw'])
/** Throws an ArgumentError for members that no table has. */
export function checkTable(table: unknown): void {
  checkOptions(table, 'a table', TABLE)
}

/** The same for a chain. */
export function checkChain(chain: unknown): void {
  checkOptions(chain, 'a chain', CHAIN)
  const { counter } = chain as ChainInfo
  if (counter !== undefined) checkCounter(counter, 'counter.')
}

/** The same for a rule. */
export function checkRule(rule: unknown): void {
  checkOptions(rule, 'a rule', RULE)
  const { compat, expressions } = rule as RuleInfo
  if (compat !== undefined) checkOptions(compat, 'compat', COMPAT, 'compat.')
  if (expressions !== undefined) checkExpressions(expressions, 'expressions')
}

/** The same for what names a rule. */
export function checkRuleRef(rule: unknown): void {
  checkOptions(rule, 'a rule', RULE)
}

/** The same for an element. */
export function checkElement(element: unknown): void {
  checkOptions(element, 'an element', ELEMENT)
  const { counter, expressions } = element as ElementInfo
  if (counter !== undefined) checkCounter(counter, 'counter.')
  if (expressions !== undefined) checkExpressions(expressions, 'expressions')
}

/** The same for a named object. */
export function checkObject(object: unknown): void {
  checkOptions(object, 'an object', OBJECT)
  const { counter, quota, limit, data } = object as ObjectDef
  if (counter !== undefined) checkCounter(counter, 'counter.')
  if (quota !== undefined) checkQuota(quota, 'quota.')
  if (limit !== undefined) checkLimit(limit, 'limit.')
  if (data !== undefined) checkOptions(data, 'data', DATA, 'data.')
}
