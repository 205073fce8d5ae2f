/**
 * Arithmetic on registers, and fields that are computed.
 */
import { checkOptions, oneOf } from '../../netlink/base/options.js'
import { loadKey, REG32, WIDE, type Expr, type FieldDef } from './core.js'

/** Shifts the first `length` bytes of register 0 by so many bits. */
export function shift(direction: 'left' | 'right', by: number, length: number): Expr {
  // NFT_BITWISE_LSHIFT, NFT_BITWISE_RSHIFT
  const op = oneOf({ left: 1, right: 2 }, direction, 'direction')
  return {
    expr: 'bitwise',
    data: {
      sreg: REG32,
      dreg: REG32,
      length,
      op,
      data: { value: new Uint8Array(Uint32Array.of(by).buffer) },
    },
  }
}

/**
 * Turns register 0 from network order to this machine's or back, `size` (2, 4 or 8) bytes at a
 * time: needed to compare what is in host order by size.
 */
export function byteorder(to: 'host' | 'network', length: number, size: 2 | 4 | 8): Expr {
  // NFT_BYTEORDER_NTOH, NFT_BYTEORDER_HTON
  const op = oneOf({ host: 0, network: 1 }, to, 'to')
  return {
    expr: 'byteorder',
    data: { sreg: REG32, dreg: REG32, op, length, size },
  }
}

/** A number from `offset` below `offset + modulus`: each packet the next, or by chance. */
export function numgen(
  how: 'incremental' | 'random',
  modulus: number,
  offset = 0,
): FieldDef {
  // NFT_NG_INCREMENTAL, NFT_NG_RANDOM
  const type = oneOf({ incremental: 0, random: 1 }, how, 'how')
  return {
    length: 4,
    load: (register) => ({
      expr: 'numgen',
      data: {
        dreg: REG32 + register,
        modulus,
        type,
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
  checkOptions(options, 'hash', { seed: 'value', offset: 'value' })
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
