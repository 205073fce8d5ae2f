/**
 * Arithmetic on registers, and fields that are computed.
 */
import { loadKey, REG32, WIDE, type Expr, type FieldDef } from './core.js'

/** Shifts the first `length` bytes of register 0 by so many bits. */
export function shift(direction: 'left' | 'right', by: number, length: number): Expr {
  return {
    expr: 'bitwise',
    data: {
      sreg: REG32,
      dreg: REG32,
      length,
      op: direction === 'left' ? 1 : 2, // NFT_BITWISE_LSHIFT, NFT_BITWISE_RSHIFT
      data: { value: new Uint8Array(Uint32Array.of(by).buffer) },
    },
  }
}

/**
 * Turns register 0 from network order to this machine's or back, `size` (2, 4 or 8) bytes at a
 * time: needed to compare what is in host order by size.
 */
export function byteorder(to: 'host' | 'network', length: number, size: 2 | 4 | 8): Expr {
  return {
    expr: 'byteorder',
    data: { sreg: REG32, dreg: REG32, op: to === 'host' ? 0 : 1, length, size },
  }
}

/** A number from `offset` below `offset + modulus`: each packet the next, or by chance. */
export function numgen(
  how: 'incremental' | 'random',
  modulus: number,
  offset = 0,
): FieldDef {
  return {
    length: 4,
    load: (register) => ({
      expr: 'numgen',
      data: {
        dreg: REG32 + register,
        modulus,
        type: how === 'incremental' ? 0 : 1,
        offset,
      },
    }),
  }
}

/**
 * Brings a number from `offset` below `offset + modulus` into register 0 that is equal for equal
 * fields (jhash of nft). Without a seed the kernel takes one by chance.
 */
export function hash(
  fields: readonly FieldDef[],
  modulus: number,
  options: { seed?: number; offset?: number } = {},
): Expr[] {
  const length = fields.reduce((sum, f) => sum + Math.ceil(f.length / 4) * 4, 0)
  const only = fields.length === 1 ? fields[0]?.length : undefined
  const { seed, offset = 0 } = options
  const data = {
    sreg: REG32 + WIDE,
    dreg: REG32,
    length: only ?? length,
    modulus,
    type: 0,
    offset,
    ...(seed !== undefined && { seed }),
  }
  return [...loadKey(fields, WIDE), { expr: 'hash', data }]
}
