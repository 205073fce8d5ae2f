/**
 * Arithmetic on big-endian bytes of any length: addresses, and keys made of them.
 */

/** Orders by length (so IPv4 comes before IPv6), then by number. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at < 0 ? 0 : a[at]! - b[at]!
}

/** The next greater bytes, or undefined after the greatest. */
export function successor(bytes: Uint8Array): Uint8Array | undefined {
  const next = Uint8Array.from(bytes)
  for (let i = next.length - 1; i >= 0; i--) {
    // An overflow leaves 0 and carries to the byte before.
    next[i] = next[i]! + 1
    if (next[i] !== 0) return next
  }
  return undefined
}

/** The next lower bytes, or undefined before the lowest. */
export function predecessor(bytes: Uint8Array): Uint8Array | undefined {
  const next = Uint8Array.from(bytes)
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = next[i]! - 1
    if (next[i] !== 255) return next
  }
  return undefined
}

/** Bytes whose first `length` bits are one and the others zero. */
export function maskBytes(length: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => {
    const ones = Math.min(8, Math.max(0, length - i * 8))
    return (0xff00 >> ones) & 0xff
  })
}

/** The number that the bytes write. */
export function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

/** The number in `size` bytes. Throws a RangeError when it does not fit. */
export function bytesOf(number: number | bigint, size: number): Uint8Array {
  let rest = BigInt(number)
  const bytes = new Uint8Array(size)
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  // Of a negative number -1 is left.
  if (rest !== 0n) throw new RangeError(`${number} does not fit into ${size} bytes`)
  return bytes
}
