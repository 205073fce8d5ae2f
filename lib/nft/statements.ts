/**
 * Where the statements of a rule begin: which expressions hand each other registers.
 */
import { REG32, WIDE, type Expr } from './expr/core.js'

// Attributes that name a register that is read (native/nft/expr).
const READS = [
  'sreg',
  'keySreg',
  'dataSreg',
  'addressMin',
  'addressMax',
  'portMin',
  'portMax',
  'address',
  'port',
  'device',
] as const

/** A register's place in words of 32 bits: NFT_REG_1 to NFT_REG_4 are four of them each. */
function place(register: unknown): number | undefined {
  if (typeof register !== 'number' || register === 0) return undefined
  return register < REG32 ? (register - 1) * WIDE : register - REG32
}

/**
 * For each expression the position at which its statement begins: from there on no expression reads
 * what one before it left in a register.
 */
export function startsOf(expressions: readonly Expr[]): number[] {
  const written = new Map<number, number>()
  const inside = expressions.map(() => false)
  expressions.forEach(({ expr, data = {} }, at) => {
    for (const name of READS) {
      const register = place(data[name])
      const from = register === undefined ? undefined : written.get(register)
      if (from !== undefined) inside.fill(true, from + 1, at + 1)
    }
    const register = place(data['dreg'])
    if (register === undefined) return
    written.set(register, at)
    // A datum of a map may fill several.
    if (expr !== 'lookup') return
    for (let next = register + 1; next < 4 * WIDE; next++) written.set(next, at)
  })
  const starts: number[] = []
  inside.forEach((within, at) => starts.push(within ? (starts[at - 1] ?? 0) : at))
  return starts
}
