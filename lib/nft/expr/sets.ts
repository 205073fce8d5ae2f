/**
 * Rules that look into sets and maps, and that change them.
 */
import { checkOptions, type Options, oneOf } from '../../netlink/base/options.js'
import { checkExpressions, checkSet } from '../check-parts.js'
import type { SetDef } from '../set-def.js'
import { turnedParts } from '../types.js'
import { loadKey, REG32, REG_VERDICT, type Expr, type FieldDef } from './core.js'

/**
 * A set or map: its name, or its definition. An interval set whose key has marks, interface indexes or
 * other numbers in this machine's order is to be given by its definition, so that the rule brings them
 * to network order, as the elements have them.
 */
export type SetLike = string | SetDef

function nameOf(set: SetLike): string {
  if (typeof set === 'string') return set
  checkSet(set)
  return set.name
}

// As nft does: ranges have an order in bytes only where all of the key is in network order.
function loadFor(fields: readonly FieldDef[], set: SetLike): Expr[] {
  const loads = loadKey(fields)
  if (typeof set === 'string' || !set.interval) return loads
  const turned = turnedParts(set.key)
  let register = REG32
  return loads.flatMap((load, i) => {
    const at = register
    const size = turned[i] ?? 0
    register += Math.ceil((fields[i]?.length ?? 0) / 4)
    if (size === 0) return [load]
    const data = { sreg: at, dreg: at, op: 1, length: size, size: size === 2 ? 2 : 4 }
    return [load, { expr: 'byteorder', data }]
  })
}

/** Goes on when the fields together are an element of the set (or are none, with `not`). */
export function inSet(fields: readonly FieldDef[], set: SetLike, not = false): Expr[] {
  // NFT_LOOKUP_F_INV
  const flags = not ? 1 : undefined
  const data = { set: nameOf(set), sreg: REG32, flags }
  return [...loadFor(fields, set), { expr: 'lookup', data }]
}

/** Looks the fields up in a map; the datum comes to the registers from 0. Ends the rule if absent. */
export function mapLookup(fields: readonly FieldDef[], map: SetLike): Expr[] {
  return [
    ...loadFor(fields, map),
    { expr: 'lookup', data: { set: nameOf(map), sreg: REG32, dreg: REG32 } },
  ]
}

/** Ends with the verdict that a verdict map has for the fields. Goes on with the next rule if none. */
export function verdictMap(fields: readonly FieldDef[], map: SetLike): Expr[] {
  return [
    ...loadFor(fields, map),
    { expr: 'lookup', data: { set: nameOf(map), sreg: REG32, dreg: REG_VERDICT } },
  ]
}

/** Lets the object that a map has for the fields count the packet. */
export function objectMap(fields: readonly FieldDef[], map: SetLike): Expr[] {
  return [
    ...loadFor(fields, map),
    { expr: 'objref', data: { set: nameOf(map), sreg: REG32 } },
  ]
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

const OPTIONS: Options<DynamicOptions> = {
  timeout: 'value',
  expressions: 'value',
  dataRegister: 'value',
  not: 'switch',
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
  set: SetLike,
  options: DynamicOptions = {},
): Expr[] {
  checkOptions(options, 'dynset', OPTIONS)
  const { timeout, expressions = [], dataRegister, not } = options
  checkExpressions(expressions, 'expressions')
  const [only] = expressions
  // NFT_DYNSET_F_INV, NFT_DYNSET_F_EXPR
  const flags = (not ? 1 : 0) | (expressions.length > 1 ? 2 : 0)
  const data = {
    set: nameOf(set),
    op: oneOf(OPS, op, 'op'),
    keySreg: REG32,
    ...(timeout !== undefined && { timeout }),
    ...(dataRegister !== undefined && { dataSreg: REG32 + dataRegister }),
    ...(expressions.length === 1 && only && { expr: only }),
    ...(expressions.length > 1 && { expressions }),
    ...(flags && { flags }),
  }
  return [...loadFor(fields, set), { expr: 'dynset', data }]
}
