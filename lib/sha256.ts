/**
 * SHA-256 (FIPS 180-4) of short texts. Written here because node:crypto takes 4 to 10 ms to
 * load, which is long in the life of a plug-in. Nothing here is secret: hashes only make names.
 */

// FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractions of roots of primes.
// prettier-ignore
const K = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)
// prettier-ignore
const H = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
  0x1f83d9ab, 0x5be0cd19,
)

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

// In variables, because this is interpreted: an array of eight takes many times as long.
function addBlock(hash: Int32Array, bytes: Buffer, at: number): void {
  const words = schedule(bytes, at)
  let [a, b, c, d, e, f, g, h] = hash as unknown as Eight
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + K[i]!
    const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority
    const both = (one + words[i]!) | 0
    h = g
    g = f
    f = e
    e = (d + both) | 0
    d = c
    c = b
    b = a
    a = (both + two) | 0
  }
  const rounds = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) hash[i]! += rounds[i]!
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
