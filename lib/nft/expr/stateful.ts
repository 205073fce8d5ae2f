/**
 * Expressions that count: in a rule, or in the elements of a set.
 */
import { oneOf } from '../../netlink/base/options.js'
import { checkCounter, checkLimit, checkQuota } from '../check-parts.js'
import {
  limitToWire,
  objectTypes,
  quotaToWire,
  type CounterState,
  type LimitDef,
  type ObjectType,
  type QuotaDef,
} from '../object.js'
import type { Expr } from './core.js'

/** Counts packets and bytes, from zero or from what is given. */
export function counter(from: Partial<CounterState> = {}): Expr {
  checkCounter(from)
  const { packets = 0, bytes = 0 } = from
  return { expr: 'counter', data: { bytes, packets } }
}

/** Goes on while the rate is kept; with `over`, beyond it. */
export function limit(def: LimitDef): Expr {
  checkLimit(def)
  return { expr: 'limit', data: limitToWire(def) }
}

/** Goes on until the amount is used up; with `over`, from then on. */
export function quota(def: QuotaDef): Expr {
  checkQuota(def)
  return { expr: 'quota', data: quotaToWire(def) }
}

/** Goes on while no more flows than that are open; with `over`, beyond. */
export function connlimit(count: number, over = false): Expr {
  return { expr: 'connlimit', data: { count, flags: over ? 1 : 0 } }
}

/** Remembers when a packet came by last; nft shows it. Linux 5.14 and later. */
export function last(): Expr {
  return { expr: 'last', data: {} }
}

/** Lets a named object of the table count the packet. */
export function objectRef(type: ObjectType, name: string): Expr {
  return { expr: 'objref', data: { type: oneOf(objectTypes, type, 'type'), name } }
}
