/**
 * The attributes of the expressions that the addon knows by name, as rules that are read have
 * them. Registers (`dreg`, `sreg` …) are the kernel's numbers: 0 the verdict, 1 to 4 the wide
 * ones, 8 and up those of 32 bits. All attributes may be absent: the kernel leaves out zeros.
 */
import type { WireVerdict } from '../verdict.js'
import type { Expr } from './core.js'

/** Bytes or a verdict (NFTA_DATA_VALUE, NFTA_DATA_VERDICT). */
export interface DataShape {
  /** The bytes, in the order that the register has them. */
  readonly value?: Uint8Array
  /** The verdict, where the register is that of verdicts. */
  readonly verdict?: WireVerdict
}

/** Attributes of those names, each of which may be absent. */
export type Attributes<T extends string, V = number> = { readonly [K in T]?: V }

/** Attributes by expression (NFTA_*_ of linux/netfilter/nf_tables.h). */
export interface ExprShapes {
  /** Loads or writes a part of the packet (NFTA_PAYLOAD_*). */
  payload: Attributes<
    | 'dreg'
    | 'sreg'
    | 'base'
    | 'offset'
    | 'length'
    | 'checksumType'
    | 'checksumOffset'
    | 'checksumFlags'
  >
  /** Loads or writes an IPv6 extension header, an IP or a TCP option (NFTA_EXTHDR_*). */
  exthdr: Attributes<'dreg' | 'sreg' | 'type' | 'offset' | 'length' | 'flags' | 'op'>
  /** Loads or writes metadata (NFTA_META_*). */
  meta: Attributes<'dreg' | 'sreg' | 'key'>
  /** Loads or writes what conntrack knows (NFTA_CT_*). */
  ct: Attributes<'dreg' | 'sreg' | 'key' | 'direction'>
  /** Looks into the routing tables (NFTA_FIB_*). */
  fib: Attributes<'dreg' | 'result' | 'flags'>
  /** Loads what is known of the route (NFTA_RT_*). */
  rt: Attributes<'dreg' | 'key'>
  /** Loads what is known of the local socket (NFTA_SOCKET_*). */
  socket: Attributes<'dreg' | 'key' | 'level'>
  /** Makes numbers (NFTA_NG_*). */
  numgen: Attributes<'dreg' | 'modulus' | 'type' | 'offset'>
  /** Hashes registers (NFTA_HASH_*). */
  hash: Attributes<'dreg' | 'sreg' | 'length' | 'modulus' | 'seed' | 'offset' | 'type'>
  /** Puts bytes or a verdict into a register (NFTA_IMMEDIATE_*). */
  immediate: Attributes<'dreg'> & Attributes<'data', DataShape>
  /** Compares a register (NFTA_CMP_*). */
  cmp: Attributes<'sreg' | 'op'> & Attributes<'data', DataShape>
  /** Compares a register with a range (NFTA_RANGE_*). */
  range: Attributes<'sreg' | 'op'> & Attributes<'from' | 'to', DataShape>
  /** Masks, flips or shifts the bits of a register (NFTA_BITWISE_*). */
  bitwise: Attributes<'sreg' | 'dreg' | 'length' | 'op'> &
    Attributes<'mask' | 'xor' | 'data', DataShape>
  /** Turns the bytes of a register (NFTA_BYTEORDER_*). */
  byteorder: Attributes<'sreg' | 'dreg' | 'op' | 'length' | 'size'>
  /** Looks a register up in a set or map (NFTA_LOOKUP_*). */
  lookup: Attributes<'sreg' | 'dreg' | 'setId' | 'flags'> & Attributes<'set', string>
  /** Changes a set (NFTA_DYNSET_*). */
  dynset: Attributes<'op' | 'keySreg' | 'dataSreg' | 'timeout' | 'setId' | 'flags'> &
    Attributes<'set', string> &
    Attributes<'expr', Expr> &
    Attributes<'expressions', readonly Expr[]>
  /** Source or destination NAT (NFTA_NAT_*). */
  nat: Attributes<
    'type' | 'family' | 'addressMin' | 'addressMax' | 'portMin' | 'portMax' | 'flags'
  >
  /** Masquerades (NFTA_MASQ_*). */
  masq: Attributes<'portMin' | 'portMax' | 'flags'>
  /** Destination NAT to this host (NFTA_REDIR_*). */
  redir: Attributes<'portMin' | 'portMax' | 'flags'>
  /** Hands the packet to a transparent socket (NFTA_TPROXY_*). */
  tproxy: Attributes<'family' | 'address' | 'port'>
  /** Drops the packet and tells its sender (NFTA_REJECT_*). */
  reject: Attributes<'type' | 'code'>
  /** Logs the packet (NFTA_LOG_*). */
  log: Attributes<'group' | 'snaplen' | 'queueThreshold' | 'level' | 'flags'> &
    Attributes<'prefix', string>
  /** Hands the packet to a program (NFTA_QUEUE_*). */
  queue: Attributes<'number' | 'total' | 'flags' | 'sreg'>
  /** Sends a copy of the packet (NFTA_DUP_*). */
  dup: Attributes<'address' | 'device'>
  /** Sends the packet out by another interface (NFTA_FWD_*). */
  fwd: Attributes<'address' | 'device' | 'family'>
  /** Counts packets and bytes (NFTA_COUNTER_*). */
  counter: Attributes<'bytes' | 'packets'>
  /** Matches up to a rate, or beyond it (NFTA_LIMIT_*). */
  limit: Attributes<'rate' | 'unit' | 'burst' | 'type' | 'flags'>
  /** Matches up to an amount, or beyond it (NFTA_QUOTA_*). */
  quota: Attributes<'bytes' | 'flags' | 'consumed'>
  /** Matches up to a number of flows, or beyond it (NFTA_CONNLIMIT_*). */
  connlimit: Attributes<'count' | 'flags'>
  /** Remembers when a packet came by last (NFTA_LAST_*). */
  last: Attributes<'set' | 'milliseconds'>
  /** Has a named object work on the packet (NFTA_OBJREF_*). */
  objref: Attributes<'type' | 'sreg' | 'setId'> & Attributes<'name' | 'set', string>
  /** Has conntrack pass the packet over; no attributes. */
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
