/**
 * Ranges of keys: prefixes, and the first and last value of an element.
 */
import { ArgumentError } from '../argument-error.js'
import { addressBytes, compareBytes, parseCidr, rangeOf } from '../ip/index.js'
import { encodeValue, partLengths, type DataTypeName, type DataValue } from './types.js'

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

/**
 * The range of an element's key: from `key` to `end` (itself when absent), where a part may be a
 * prefix. Throws a TypeError when a part ends before it begins.
 */
export function keyRange(
  types: readonly DataTypeName[],
  key: readonly DataValue[],
  end?: readonly DataValue[],
): KeyRange {
  const isPrefix = (value: DataValue | undefined, i: number) =>
    typeof value === 'string' &&
    value.includes('/') &&
    ADDRESS.has(types[i] as DataTypeName)
  const parts = types.map((type, i): KeyRange => {
    if (isPrefix(key[i], i)) return prefixRange(type, String(key[i]))
    const first = encodeValue([type], key.slice(i, i + 1))
    return { first, last: end ? encodeValue([type], end.slice(i, i + 1)) : first }
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
