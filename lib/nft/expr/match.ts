/**
 * Matches: the rule goes on only when they hold.
 */
import { oneOf } from '../../netlink/base/options.js'
import { ArgumentError } from '../../argument-error.js'
import { maskBytes } from '../../ip/index.js'
import { REG32, type Expr, type FieldDef } from './core.js'

// NFT_CMP_*
const OPS = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const

function comparison(op: keyof typeof OPS, value: Uint8Array): Expr {
  return { expr: 'cmp', data: { sreg: REG32, op: oneOf(OPS, op, 'op'), data: { value } } }
}

/**
 * Goes on when the field compares so with the bytes, which count from the first: give numbers in
 * network order, and do not order what is in host order without byteorder().
 */
export function compare(f: FieldDef, op: keyof typeof OPS, value: Uint8Array): Expr[] {
  return [f.load(0), comparison(op, value)]
}

/** Goes on when the field equals the bytes. */
export function eq(f: FieldDef, value: Uint8Array): Expr[] {
  return compare(f, 'eq', value)
}

/** Goes on when the field differs from the bytes. */
export function neq(f: FieldDef, value: Uint8Array): Expr[] {
  return compare(f, 'neq', value)
}

/** Goes on when the field lies between the bytes, both included; outside of them with `not`. */
export function between(
  f: FieldDef,
  first: Uint8Array,
  last: Uint8Array,
  not = false,
): Expr[] {
  if (!not) return [f.load(0), comparison('gte', first), comparison('lte', last)]
  // NFT_RANGE_NEQ
  const range = { sreg: REG32, op: 1, from: { value: first }, to: { value: last } }
  return [f.load(0), { expr: 'range', data: range }]
}

/** Keeps the bits of the mask in register 0 and flips those of `xor`. */
export function mask(bytes: Uint8Array, xor = new Uint8Array(bytes.length)): Expr {
  return {
    expr: 'bitwise',
    data: {
      sreg: REG32,
      dreg: REG32,
      length: bytes.length,
      mask: { value: bytes },
      xor: { value: xor },
    },
  }
}

/** Goes on when some (`any`) or none of the bits of the mask are set in the field. */
export function bits(f: FieldDef, of: Uint8Array, want: 'any' | 'none'): Expr[] {
  const op = oneOf({ any: 'neq', none: 'eq' } as const, want, 'want')
  return [f.load(0), mask(of), comparison(op, new Uint8Array(f.length))]
}

/** Goes on when the field, of which only the bits of the mask count, equals the bytes. */
export function maskedEq(f: FieldDef, of: Uint8Array, value: Uint8Array): Expr[] {
  return [f.load(0), mask(of), comparison('eq', value)]
}

/** Goes on when the address in the field lies in the prefix of that many bits. */
export function inPrefix(f: FieldDef, address: Uint8Array, length: number): Expr[] {
  if (address.length !== f.length || length < 0 || length > f.length * 8) {
    throw new ArgumentError(
      `prefix: ${length} bits of ${address.length} bytes do not fit a field of ${f.length}`,
    )
  }
  const of = maskBytes(length, address.length)
  const value = address.map((byte, i) => byte & (of[i] ?? 0))
  return length === f.length * 8 ? eq(f, value) : maskedEq(f, of, value)
}
