/**
 * The attributes of the expressions that the addon knows by name, as rules that are read have
 * them. Registers (`dreg`, `sreg` …) are the kernel's numbers: 0 the verdict, 1 to 4 the wide
 * ones, 8 and up those of 32 bits. All attributes may be absent: the kernel leaves out zeros.
 */
import type { WireVerdict } from '../verdict.js'
import type { Expr } from './core.js'

/** Bytes or a verdict (NFTA_DATA_VALUE, NFTA_DATA_VERDICT). */
export interface DataShape {
  readonly value?: Uint8Array
  readonly verdict?: WireVerdict
}

type Numbers<T extends string> = { readonly [K in T]?: number }

/** Attributes by expression (NFTA_*_ of linux/netfilter/nf_tables.h). */
export interface ExprShapes {
  payload: Numbers<
    | 'dreg'
    | 'sreg'
    | 'base'
    | 'offset'
    | 'length'
    | 'checksumType'
    | 'checksumOffset'
    | 'checksumFlags'
  >
  exthdr: Numbers<'dreg' | 'sreg' | 'type' | 'offset' | 'length' | 'flags' | 'op'>
  meta: Numbers<'dreg' | 'sreg' | 'key'>
  ct: Numbers<'dreg' | 'sreg' | 'key' | 'direction'>
  fib: Numbers<'dreg' | 'result' | 'flags'>
  rt: Numbers<'dreg' | 'key'>
  socket: Numbers<'dreg' | 'key' | 'level'>
  numgen: Numbers<'dreg' | 'modulus' | 'type' | 'offset'>
  hash: Numbers<'dreg' | 'sreg' | 'length' | 'modulus' | 'seed' | 'offset' | 'type'>
  immediate: Numbers<'dreg'> & { readonly data?: DataShape }
  cmp: Numbers<'sreg' | 'op'> & { readonly data?: DataShape }
  range: Numbers<'sreg' | 'op'> & { readonly from?: DataShape; readonly to?: DataShape }
  bitwise: Numbers<'sreg' | 'dreg' | 'length' | 'op'> & {
    readonly mask?: DataShape
    readonly xor?: DataShape
    readonly data?: DataShape
  }
  byteorder: Numbers<'sreg' | 'dreg' | 'op' | 'length' | 'size'>
  lookup: Numbers<'sreg' | 'dreg' | 'setId' | 'flags'> & { readonly set?: string }
  dynset: Numbers<'op' | 'keySreg' | 'dataSreg' | 'timeout' | 'setId' | 'flags'> & {
    readonly set?: string
    readonly expr?: Expr
    readonly expressions?: readonly Expr[]
  }
  nat: Numbers<
    'type' | 'family' | 'addressMin' | 'addressMax' | 'portMin' | 'portMax' | 'flags'
  >
  masq: Numbers<'portMin' | 'portMax' | 'flags'>
  redir: Numbers<'portMin' | 'portMax' | 'flags'>
  tproxy: Numbers<'family' | 'address' | 'port'>
  reject: Numbers<'type' | 'code'>
  log: Numbers<'group' | 'snaplen' | 'queueThreshold' | 'level' | 'flags'> & {
    readonly prefix?: string
  }
  queue: Numbers<'number' | 'total' | 'flags' | 'sreg'>
  dup: Numbers<'address' | 'device'>
  fwd: Numbers<'address' | 'device' | 'family'>
  counter: Numbers<'bytes' | 'packets'>
  limit: Numbers<'rate' | 'unit' | 'burst' | 'type' | 'flags'>
  quota: Numbers<'bytes' | 'flags' | 'consumed'>
  connlimit: Numbers<'count' | 'flags'>
  last: Numbers<'set' | 'milliseconds'>
  objref: Numbers<'type' | 'sreg' | 'setId'> & {
    readonly name?: string
    readonly set?: string
  }
  notrack: { readonly [key: string]: never }
}

/** The attributes of an expression of that name, or undefined when it is another. */
export function exprData<K extends keyof ExprShapes>(
  expression: Expr,
  name: K,
): ExprShapes[K] | undefined {
  if (expression.expr !== name) return undefined
  return (expression.data ?? {}) as ExprShapes[K]
}
