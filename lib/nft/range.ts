/**
 * Ranges of keys: prefixes, and the first and last value of an element.
 */
import { ArgumentError } from '../argument-error.js'
import { addressBytes, compareBytes, parseCidr, rangeOf } from '../ip/index.js'
import {
  encodeOrdered,
  nameOrPrefix,
  partLengths,
  type DataTypeName,
  type DataValue,
} from './types.js'

/** Bytes of a key, and of the last key of its range when it is one. */
export interface KeyRange {
  readonly first: Uint8Array
  readonly last: Uint8Array
}

const ADDRESS: ReadonlySet<DataTypeName> = new Set(['ipv4_addr', 'ipv6_addr'])

// 10.0.0.0/8 -> its first and last address.
function prefixRange(type: DataTypeName, text: string): KeyRange {
  const family = type === 'ipv4_addr' ? 'ipv4' : 'ipv6'
  const cidr = parseCidr(text)
  if (cidr?.family !== family) {
    const [name, width] = family === 'ipv4' ? ['IPv4', 32] : ['IPv6', 128]
    throw new ArgumentError(
      `${text} is no prefix: give an ${name} address and a length up to ${width}`,
    )
  }
  const range = rangeOf(text)
  if (compareBytes(range.first, addressBytes(cidr.address)) !== 0) {
    throw new ArgumentError(`${text} has bits set beyond its prefix length`)
  }
  return range
}

// eth* -> the first and last of the names that begin so.
function nameRange(text: string): KeyRange {
  const beginning = nameOrPrefix(text).text
  const [first, last] = [new Uint8Array(16), new Uint8Array(16).fill(255)]
  first.set(beginning)
  last.set(beginning)
  return { first, last }
}

/** The range that one value stands for by itself, or undefined for a single one. */
function rangeIn(type: DataTypeName, value: DataValue | undefined): KeyRange | undefined {
  if (typeof value !== 'string') return undefined
  if (ADDRESS.has(type) && value.includes('/')) return prefixRange(type, value)
  const prefix = type === 'ifname' && nameOrPrefix(value).prefix
  return prefix ? nameRange(value) : undefined
}

/**
 * The beginning that all names of a range have, with an asterisk; undefined for another range. The
 * bytes are those of the first and last name.
 */
export function namePrefix(first: Uint8Array, last: Uint8Array): string | undefined {
  const end = first.indexOf(0)
  if (end < 1) return undefined
  const text = new TextDecoder().decode(first.subarray(0, end))
  const whole = nameRange(`${text}*`)
  const same = (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) === 0
  return same(whole.first, first) && same(whole.last, last) ? `${text}*` : undefined
}

/** A part that is a range by itself ends where that ends, if it is said at all. */
function checkEnd(
  type: DataTypeName,
  { last }: KeyRange,
  part: DataValue | undefined,
  end: DataValue | undefined,
): void {
  if (end === part) return
  if (end !== undefined && compareBytes(encodeOrdered(type, [end]), last) === 0) return
  throw new ArgumentError(
    `keyEnd: ${String(part)} is a range that ends elsewhere than at ${String(end)}`,
  )
}

/**
 * The range of an element's key: from `key` to `end` (itself when absent), where a part may be a
 * prefix of addresses or the beginning of interface names. Throws an ArgumentError when a part ends
 * before it begins.
 */
export function keyRange(
  types: readonly DataTypeName[],
  key: readonly DataValue[],
  end?: readonly DataValue[],
): KeyRange {
  const parts = types.map((type, i): KeyRange => {
    const range = rangeIn(type, key[i])
    if (range && end) checkEnd(type, range, key[i], end[i])
    if (range) return range
    const first = encodeOrdered(type, key.slice(i, i + 1))
    return { first, last: end ? encodeOrdered(type, end.slice(i, i + 1)) : first }
  })
  if (key.length !== types.length || (end && end.length !== types.length)) {
    throw new ArgumentError(`expected ${types.length} value(s) (${types.join(' . ')})`)
  }
  parts.forEach(({ first, last }, i) => {
    if (Buffer.compare(first, last) <= 0) return
    throw new ArgumentError(`keyEnd: ${String(end?.[i])} is below ${String(key[i])}`)
  })
  return { first: join(types, parts, 'first'), last: join(types, parts, 'last') }
}

function join(
  types: readonly DataTypeName[],
  parts: readonly KeyRange[],
  end: keyof KeyRange,
) {
  const [only] = parts
  if (parts.length === 1 && only) return only[end]
  const lengths = partLengths(types).map((n) => (n + 3) & ~3)
  const bytes = new Uint8Array(lengths.reduce((sum, n) => sum + n, 0))
  let at = 0
  parts.forEach((part, i) => {
    bytes.set(part[end], at)
    at += lengths[i] ?? 0
  })
  return bytes
}
