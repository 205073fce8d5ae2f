/**
 * Expressions: what rules are made of. Each function answers with a list, so that a rule is
 * their concatenation: `[...eq(field.iifname, ifname('eth0')), verdict('drop')]`.
 *
 * Registers are 32 bits wide and numbered from 0 here; the kernel calls the first
 * NFT_REG32_00 (8), linux/netfilter/nf_tables.h.
 */
import type { Wire } from '../binding.js'

/** An expression in the addon's form. */
export interface Expr {
  readonly [key: string]: Wire
  readonly expr: string
  readonly data?: { readonly [key: string]: Wire }
}

const REG32 = 8
const REG_VERDICT = 0

/** Something that can be loaded into registers: a part of the packet, or what is known of it. */
export interface FieldDef {
  /** Bytes that it fills. */
  readonly length: number
  readonly load: (register: number) => Expr
  /** Writes the register into the packet or the metadata; absent where that cannot be. */
  readonly store?: (register: number) => Expr
}

// NFT_PAYLOAD_*_HEADER
const BASE = { link: 0, network: 1, transport: 2 } as const

function payload(base: keyof typeof BASE, offset: number, length: number): FieldDef {
  const where = { base: BASE[base], offset, length }
  return {
    length,
    load: (register) => ({ expr: 'payload', data: { dreg: REG32 + register, ...where } }),
    store: (register) => ({
      expr: 'payload',
      data: {
        sreg: REG32 + register,
        ...where,
        checksumType: 0,
        checksumOffset: 0,
        checksumFlags: 0,
      },
    }),
  }
}

function meta(key: number, length: number): FieldDef {
  return {
    length,
    load: (register) => ({ expr: 'meta', data: { dreg: REG32 + register, key } }),
    store: (register) => ({ expr: 'meta', data: { sreg: REG32 + register, key } }),
  }
}

/** Fields of packets and frames. */
export const field = {
  etherDestination: payload('link', 0, 6),
  etherSource: payload('link', 6, 6),
  /** In host order as the NIC wrote it: compare with bytes in network order. */
  etherType: payload('link', 12, 2),
  arpOperation: payload('network', 6, 2),
  arpSenderMac: payload('network', 8, 6),
  arpSenderIp: payload('network', 14, 4),
  arpTargetIp: payload('network', 24, 4),
  ipSource: payload('network', 12, 4),
  /** The first byte of the source: 127 for all of 127.0.0.0/8. */
  ipSourceFirstByte: payload('network', 12, 1),
  ipDestination: payload('network', 16, 4),
  sourcePort: payload('transport', 0, 2),
  destinationPort: payload('transport', 2, 2),
  tcpFlags: payload('transport', 13, 1),
  /** NFT_META_PROTOCOL: the ethertype, in network order. */
  protocol: meta(1, 2),
  /** NFT_META_IIFNAME, NFT_META_OIFNAME: 16 bytes, padded with NUL. */
  iifname: meta(6, 16),
  oifname: meta(7, 16),
  /** NFT_META_L4PROTO */
  l4proto: meta(16, 1),
  /** NFT_META_PKTTYPE: 0 is "for this host". */
  packetType: meta(19, 1),
  /** NFT_CT_STATUS: IPS_* bits, in host order. */
  ctStatus: {
    length: 4,
    load: (register) => ({ expr: 'ct', data: { dreg: REG32 + register, key: 2 } }),
  },
  /** NFT_FIB_RESULT_ADDRTYPE of the destination: an RTN_* number in host order. */
  destinationType: {
    length: 4,
    load: (register) => ({
      expr: 'fib',
      data: { dreg: REG32 + register, result: 3, flags: 2 },
    }),
  },
} satisfies Record<string, FieldDef>

/** An interface name as `iifname` holds it. Throws a TypeError when it is too long. */
export function ifname(name: string): Uint8Array {
  const text = new TextEncoder().encode(name)
  if (text.length < 1 || text.length > 15) {
    throw new TypeError(`interface name ${JSON.stringify(name)} must have 1 to 15 bytes`)
  }
  const bytes = new Uint8Array(16)
  bytes.set(text)
  return bytes
}

/** A 32-bit number in the order of this machine, as `ctStatus` and `destinationType` are. */
export function hostOrder(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer)
}

function compare(f: FieldDef, op: number, value: Uint8Array): Expr[] {
  return [f.load(0), { expr: 'cmp', data: { sreg: REG32, op, data: { value } } }]
}

/** Goes on when the field equals the bytes. */
export function eq(f: FieldDef, value: Uint8Array): Expr[] {
  return compare(f, 0, value)
}

/** Goes on when the field differs from the bytes. */
export function neq(f: FieldDef, value: Uint8Array): Expr[] {
  return compare(f, 1, value)
}

/** Goes on when some (`any`) or none of the bits of the mask are set in the field. */
export function bits(f: FieldDef, mask: Uint8Array, want: 'any' | 'none'): Expr[] {
  const zero = new Uint8Array(f.length)
  const and = {
    sreg: REG32,
    dreg: REG32,
    length: f.length,
    mask: { value: mask },
    xor: { value: zero },
  }
  const op = want === 'any' ? 1 : 0
  return [
    f.load(0),
    { expr: 'bitwise', data: and },
    { expr: 'cmp', data: { sreg: REG32, op, data: { value: zero } } },
  ]
}

/** Loads fields side by side, each at the next 32-bit register: the key of a concatenation. */
function loadKey(fields: readonly FieldDef[]): Expr[] {
  let register = 0
  return fields.map((f) => {
    const expr = f.load(register)
    register += Math.ceil(f.length / 4)
    return expr
  })
}

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

/** Adds the fields to a dynamic set, or renews the element's time. Milliseconds. */
export function updateSet(
  fields: readonly FieldDef[],
  set: string,
  timeout: number,
): Expr[] {
  // NFT_DYNSET_OP_UPDATE
  return [
    ...loadKey(fields),
    { expr: 'dynset', data: { set, op: 1, keySreg: REG32, timeout } },
  ]
}

/** Writes register 0 into the field. */
export function storeFrom(f: FieldDef): Expr {
  if (!f.store) throw new TypeError('this field cannot be written')
  return f.store(0)
}

/** Writes bytes into the field. */
export function store(f: FieldDef, value: Uint8Array): Expr[] {
  return [{ expr: 'immediate', data: { dreg: REG32, data: { value } } }, storeFrom(f)]
}

/** Verdict codes: NF_* (linux/netfilter.h) and NFT_* as two's complement. */
const VERDICTS = { drop: 0, accept: 1, return: 0xfffffffb } as const
const NFT_JUMP = 0xfffffffd

/** Ends with a verdict, or jumps to a chain. */
export function verdict(what: keyof typeof VERDICTS | { jump: string }): Expr {
  const value =
    typeof what === 'string'
      ? { code: VERDICTS[what] }
      : { code: NFT_JUMP, chain: what.jump }
  return { expr: 'immediate', data: { dreg: REG_VERDICT, data: { verdict: value } } }
}

/** Destination NAT to the IPv4 address in register 0 and the port in register 1. */
export function dnatFromMap(): Expr {
  // NFT_NAT_DNAT; NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED
  const data = {
    type: 1,
    family: 2,
    addressMin: REG32,
    addressMax: REG32,
    portMin: REG32 + 1,
    portMax: REG32 + 1,
    flags: 3,
  }
  return { expr: 'nat', data }
}

/** Source NAT to the address of the interface that the packet leaves by. */
export function masquerade(): Expr {
  return { expr: 'masq', data: {} }
}
