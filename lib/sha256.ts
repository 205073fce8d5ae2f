/**
 * SHA-256 (FIPS 180-4) of short texts. Written here because node:crypto takes 4 to 10 ms to
 * load, which is long in the life of a plug-in. Nothing here is secret: hashes only make names.
 */

const primes = firstPrimes(64)
// FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractions of roots of primes.
const K = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const H = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

function firstPrimes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) {
    if (found.every((prime) => n % prime !== 0)) found.push(n)
  }
  return found
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 2 ** 32) | 0
}

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by))

/** The hash of a text's UTF-8 bytes, as 64 hex digits. */
export function sha256Hex(text: string): string {
  const bytes = Buffer.from(text)
  const padded = Buffer.alloc((bytes.length + 72) & ~63)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  padded.writeUInt32BE(bytes.length * 8, padded.length - 4)
  const hash = Int32Array.from(H)
  for (let at = 0; at < padded.length; at += 64) addBlock(hash, padded, at)
  return Array.from(hash, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function addBlock(hash: Int32Array, bytes: Buffer, at: number): void {
  const words = schedule(bytes, at)
  // a to h of the standard, moved along by one in each round.
  const s = Int32Array.from(hash)
  for (let i = 0; i < 64; i++) {
    const [a, b, c, , e, f, g, h] = s as unknown as Eight
    const choice = (e & f) ^ (~e & g)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + K[i]!
    const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority
    const both = one + words[i]!
    s.copyWithin(1, 0, 7)
    s[4]! += both
    s[0] = both + two
  }
  s.forEach((value, i) => (hash[i]! += value))
}

type Eight = [number, number, number, number, number, number, number, number]

function schedule(bytes: Buffer, at: number): Int32Array {
  const w = new Int32Array(64)
  for (let i = 0; i < 16; i++) w[i] = bytes.readInt32BE(at + i * 4)
  for (let i = 16; i < 64; i++) {
    const near = w[i - 2]!
    const far = w[i - 15]!
    const sigma1 = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10)
    const sigma0 = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3)
    w[i] = sigma1 + w[i - 7]! + sigma0 + w[i - 16]!
  }
  return w
}
