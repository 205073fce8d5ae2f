/**
 * Rules that look into sets and maps, and that change them.
 */
import { loadKey, REG32, REG_VERDICT, type Expr, type FieldDef } from './core.js'

/** Goes on when the fields together are an element of the set (or are none, with `not`). */
export function inSet(fields: readonly FieldDef[], set: string, not = false): Expr[] {
  // NFT_LOOKUP_F_INV
  const flags = not ? 1 : undefined
  return [...loadKey(fields), { expr: 'lookup', data: { set, sreg: REG32, flags } }]
}

/** Looks the fields up in a map; the datum comes to the registers from 0. Ends the rule if absent. */
export function mapLookup(fields: readonly FieldDef[], map: string): Expr[] {
  return [
    ...loadKey(fields),
    { expr: 'lookup', data: { set: map, sreg: REG32, dreg: REG32 } },
  ]
}

/** Ends with the verdict that a verdict map has for the fields. Goes on with the next rule if none. */
export function verdictMap(fields: readonly FieldDef[], map: string): Expr[] {
  return [
    ...loadKey(fields),
    { expr: 'lookup', data: { set: map, sreg: REG32, dreg: REG_VERDICT } },
  ]
}

/** Lets the object that a map has for the fields count the packet. */
export function objectMap(fields: readonly FieldDef[], map: string): Expr[] {
  return [...loadKey(fields), { expr: 'objref', data: { set: map, sreg: REG32 } }]
}

/** How a rule changes a set. */
export interface DynamicOptions {
  /** Milliseconds that the element lives; the set's own when absent. */
  readonly timeout?: number
  /** Works on the element each time: counter(), limit(…), quota(…), connlimit(…). */
  readonly expressions?: readonly Expr[]
  /** Register that the datum of a map is in. */
  readonly dataRegister?: number
  /** Goes on when the element could not be added: the set is full, or the limit is reached. */
  readonly not?: boolean
}

// NFT_DYNSET_OP_*
const OPS = { add: 0, update: 1, delete: 2 } as const

/**
 * Adds the fields to a dynamic set: `add` leaves an element that is there, `update` renews its
 * time, `delete` takes it away.
 */
export function dynset(
  op: keyof typeof OPS,
  fields: readonly FieldDef[],
  set: string,
  options: DynamicOptions = {},
): Expr[] {
  const { timeout, expressions = [], dataRegister, not } = options
  const [only] = expressions
  // NFT_DYNSET_F_INV, NFT_DYNSET_F_EXPR
  const flags = (not ? 1 : 0) | (expressions.length > 1 ? 2 : 0)
  const data = {
    set,
    op: OPS[op],
    keySreg: REG32,
    ...(timeout !== undefined && { timeout }),
    ...(dataRegister !== undefined && { dataSreg: REG32 + dataRegister }),
    ...(expressions.length === 1 && only && { expr: only }),
    ...(expressions.length > 1 && { expressions }),
    ...(flags && { flags }),
  }
  return [...loadKey(fields), { expr: 'dynset', data }]
}
