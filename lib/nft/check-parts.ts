/**
 * What the parts take that both rules and the objects of the ruleset have; see check.ts.
 */
import { ArgumentError } from '../argument-error.js'
import { checkOptions, type Options } from '../netlink/base/options.js'
import type { Expr } from './expr/core.js'
import type { CounterState, LimitDef, QuotaDef } from './object.js'
import type { SetDef } from './set-def.js'
import type { SetInfo } from './set.js'

/** All members are values, but for the switches. */
export function members<T>(
  values: readonly (keyof T & string)[],
  switches: readonly (keyof T & string)[] = [],
): Options<T> {
  return Object.fromEntries([
    ...values.map((name) => [name, 'value']),
    ...switches.map((name) => [name, 'switch']),
  ]) as Options<T>
}

const SET = members<SetInfo & { elements: unknown }>(
  [
    ...(['family', 'table', 'name', 'key', 'data', 'objects', 'timeout'] as const),
    ...(['gcInterval', 'size', 'policy', 'expressions', 'comment', 'userdata'] as const),
    ...(['keyType', 'keyLength', 'keyParts', 'dataType', 'dataLength'] as const),
    ...(['handle', 'elements'] as const),
  ],
  [
    ...(['dataInterval', 'verdicts', 'interval', 'dynamic', 'timeouts'] as const),
    ...(['constant', 'anonymous', 'counters', 'known'] as const),
  ],
)
const COUNTER = members<CounterState>(['packets', 'bytes'])
const QUOTA = members<QuotaDef>(['bytes', 'consumed'], ['over'])
const LIMIT = members<LimitDef>(['rate', 'per', 'of', 'burst'], ['over'])
const EXPR = members<Pick<Expr, 'expr' | 'data' | 'raw' | 'needs'>>([
  ...(['expr', 'data', 'raw', 'needs'] as const),
])

/** Throws an ArgumentError for members that no expression has in a list; what each of them has is the addon's to check. */
export function checkExpressions(list: unknown, field: string): void {
  if (!Array.isArray(list)) {
    throw new ArgumentError(`${field}: give a list of expressions`)
  }
  list.forEach((one: unknown, i) => {
    if (typeof one === 'object' && one !== null && !Array.isArray(one)) {
      return checkOptions(one, 'an expression', EXPR, `${field}.${i}.`)
    }
    throw new ArgumentError(
      `${field}.${i}: give an expression; spread what gives a list of them`,
    )
  })
}

/** The same for a set or map. */
export function checkSet(set: unknown): void {
  checkOptions(set, 'a set', SET)
  const { key, expressions } = set as SetDef
  if (key !== undefined && !Array.isArray(key)) {
    throw new ArgumentError('key: give a list of types')
  }
  if (expressions !== undefined) checkExpressions(expressions, 'expressions')
}

/** The same for a count. */
export function checkCounter(counter: unknown, path = ''): void {
  checkOptions(counter, 'a counter', COUNTER, path)
}

/** The same for a quota. */
export function checkQuota(quota: unknown, path = ''): void {
  checkOptions(quota, 'a quota', QUOTA, path)
}

/** The same for a limit. */
export function checkLimit(limit: unknown, path = ''): void {
  checkOptions(limit, 'a limit', LIMIT, path)
}
