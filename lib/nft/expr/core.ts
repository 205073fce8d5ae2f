/**
 * What all expressions share.
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'

/**
 * An expression in the addon's form. One that the addon has no table for (`match` and `target` of
 * xt, say) has its bytes as `raw` in the place of `data`.
 */
export interface Expr {
  readonly [key: string]: Wire
  /** The kernel's name: `meta`, `cmp`, `nat`. */
  readonly expr: string
  /** Its attributes; names and numbers of native/nft/expr, see ExprShapes. */
  readonly data?: { readonly [key: string]: Wire }
  /** The attributes as bytes. */
  readonly raw?: Uint8Array
  /**
   * The protocol whose packets alone have what is read or written. The rule gets a check for it, in
   * tables that see others as well, unless it makes one before.
   */
  readonly needs?: Protocol
}

/**
 * Protocols that fields can be of. `icmp` stands for ICMPv6 where the rule is about IPv6, `anyIp` for
 * IPv6 there and for IPv4 elsewhere.
 */
export type Protocol =
  'ether' | 'arp' | 'ip' | 'ip6' | 'anyIp' | 'icmp' | 'icmpv6' | 'tcp' | 'udp'

/**
 * NFT_REG32_00: the kernel's number of register 0.
 *
 * @internal
 */
export const REG32 = 8
/**
 * NFT_REG_VERDICT
 *
 * @internal
 */
export const REG_VERDICT = 0
/**
 * Registers of 16 bytes, as the nft program uses them, hold four of 32 bits.
 *
 * @internal
 */
export const WIDE = 4

/** Something that can be loaded into registers: a part of the packet, or what is known of it. */
export interface FieldDef {
  /** Bytes that it fills. */
  readonly length: number
  /** The expression that reads the field into registers, from that one on. */
  readonly load: (register: number) => Expr
  /** Writes the register into the packet or the metadata; absent where that cannot be. */
  readonly store?: (register: number) => Expr
  /** Writes bytes, where one expression cannot. */
  readonly put?: (value: Uint8Array) => Expr[]
}

/**
 * The field as one of that protocol: rules about it check for the protocol, as the nft program's do.
 * For what {@link payload} reads; the fields of {@link field} have theirs.
 */
export function ofProtocol<F extends FieldDef>(protocol: Protocol, f: F): F {
  const { load, store: write, put } = f
  const of = (expr: Expr) => ({ ...expr, needs: protocol })
  return {
    ...f,
    load: (register) => of(load(register)),
    ...(write && { store: (register) => of(write(register)) }),
    ...(put && { put: (value) => put(value).map(of) }),
  }
}

/** Puts bytes into a register. */
export function immediate(register: number, value: Uint8Array): Expr {
  return { expr: 'immediate', data: { dreg: REG32 + register, data: { value } } }
}

/** Writes register 0 into the field. Throws a TypeError for a field that cannot be written. */
export function storeFrom(f: FieldDef): Expr {
  if (!f.store) throw new ArgumentError('this field cannot be written')
  return f.store(0)
}

/** Writes bytes into the field. Throws a TypeError for a field that cannot be written. */
export function store(f: FieldDef, value: Uint8Array): Expr[] {
  return f.put?.(value) ?? [immediate(0, value), storeFrom(f)]
}

/** Loads fields side by side, each at the next 32-bit register: the key of a concatenation. */
export function loadKey(fields: readonly FieldDef[], first = 0): Expr[] {
  let register = first
  return fields.map((f) => {
    const expr = f.load(register)
    register += Math.ceil(f.length / 4)
    return expr
  })
}
