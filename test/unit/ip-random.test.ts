import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import {
  bytesOf,
  canonicalAddress,
  compareAddresses,
  formatAddress,
  mergeRanges,
  nextAddress,
  numberOf,
  parseAddress,
  parseCidr,
  parsePrefix,
  previousAddress,
  type Family,
} from '../../dist/esm/ip/index.js'
import { seeded } from '../helpers/seeded.js'

const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fffffff)
const random = seeded(seed)
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
const ROUNDS = 3000

/** Mostly zeros and ones, so that rows of zero groups, carries and ties come up. */
function randomBytes(family: Family): Uint8Array {
  const style = random(4)
  const byte = () => {
    if (style === 0) return random(256)
    return pick([0, 0, 0, 255, 1, random(256)])
  }
  const bytes = Uint8Array.from({ length: family === 'ipv4' ? 4 : 16 }, byte)
  if (family === 'ipv6' && random(8) === 0)
    bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255])
  if (family === 'ipv6' && random(3) === 0) {
    // Whole groups of zeros.
    for (let i = 0; i < 16; i += 2) if (random(2)) bytes.set([0, 0], i)
  }
  return bytes
}

/** One of the ways to write an address. */
function written(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  let groups = Array.from({ length: 8 }, (_, i) => {
    const hex = (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16)
    const text = hex.padStart(random(2) ? 4 : hex.length, '0')
    return random(2) ? text.toUpperCase() : text
  })
  if (random(4) === 0) groups = [...groups.slice(0, 6), bytes.slice(12).join('.')]
  const isZero = (group: string) => /^0+$/.test(group)
  const starts = groups.flatMap((group, i) => (isZero(group) ? [i] : []))
  if (starts.length === 0 || random(3) === 0) return groups.join(':')
  const start = pick(starts)
  let end = start + 1
  while (end < groups.length && isZero(groups[end]!) && random(4)) end += 1
  return `${groups.slice(0, start).join(':')}::${groups.slice(end).join(':')}`
}

/** What ipaddr.js writes, with dots where RFC 5952, section 5, wants them. */
function oracleText(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes])
  if (address instanceof ipaddr.IPv4) return address.toString()
  return address.range() === 'ipv4Mapped'
    ? `::ffff:${bytes.slice(12).join('.')}`
    : address.toRFC5952String()
}

/**
 * A text for ipaddr.js, which takes `::1.2.3.4` (RFC 4291, section 2.5.5.1) for an address of
 * ::ffff:0:0/96.
 */
function forOracle(text: string): string {
  return text.replace(/^::(\d+)\.(\d+)\.(\d+)\.(\d+)(?=$|\/)/, (_, ...four: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = four.slice(0, 4).map(Number)
    return `::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
}

const same = (a: Uint8Array | undefined, b: readonly number[]) =>
  a !== undefined && Buffer.compare(a, Uint8Array.from(b)) === 0

t.test(`text and bytes (SEED=${seed})`, async (t) => {
  t.comment(`SEED=${seed}`)
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = randomBytes(pick(['ipv4', 'ipv6']))
    const text = written(bytes)
    const oracle = ipaddr.parse(forOracle(text)).toByteArray()
    if (!same(parseAddress(text), oracle)) t.fail(`reading ${text}`)
    const canonical = oracleText(bytes)
    if (formatAddress(bytes) !== canonical) t.equal(formatAddress(bytes), canonical)
    if (canonicalAddress(text) !== canonical) t.equal(canonicalAddress(text), canonical)
    if (canonicalAddress(canonical) !== canonical) t.fail(`${canonical} is not stable`)
    if (!same(bytesOf(numberOf(bytes), bytes.length), [...bytes]))
      t.fail(`number ${text}`)
  }
  t.pass(`${ROUNDS} addresses`)
})

const LETTERS = [...'0123456789abcdefABCDEFg:.%/[]- x']

function mutated(text: string): string {
  const at = random(text.length + 1)
  const edits = [
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at) + pick(LETTERS) + text.slice(at),
    () => text.slice(0, at) + pick(LETTERS) + text.slice(at + 1),
    () =>
      text.slice(0, at) + pick(['::', '0', '00', ':0', '.0', '%eth0']) + text.slice(at),
    () => text.slice(at),
    () => text.slice(0, at) + text,
  ]
  return pick(edits)()
}

t.test(`what is accepted (SEED=${seed})`, async (t) => {
  let accepted = 0
  for (let i = 0; i < ROUNDS * 4; i++) {
    let text = written(randomBytes(pick(['ipv4', 'ipv6'])))
    for (let n = 1 + random(3); n > 0; n--) text = mutated(text)
    // inet_pton behind node:net is as strict as we are, but for zones.
    const valid = isIP(text) !== 0 && !text.includes('%')
    const bytes = parseAddress(text)
    if ((bytes !== undefined) !== valid)
      t.fail(`${JSON.stringify(text)}: valid is ${valid}`)
    if (!bytes) continue
    accepted += 1
    if (!same(bytes, ipaddr.parse(forOracle(text)).toByteArray()))
      t.fail(`reading ${text}`)
  }
  t.ok(accepted > 100, `${accepted} of ${ROUNDS * 4} are addresses`)
})

function lengthFor(family: Family): number {
  return family === 'ipv4'
    ? pick([0, 1, 8, 24, 30, 31, 32, random(33)])
    : pick([0, 1, 64, 65, 126, 127, 128, random(129)])
}

function oracleNetwork(cidr: string) {
  const kind = cidr.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4
  return {
    first: kind.networkAddressFromCIDR(forOracle(cidr)).toByteArray(),
    last: kind.broadcastAddressFromCIDR(forOracle(cidr)).toByteArray(),
  }
}

t.test(`prefixes (SEED=${seed})`, async (t) => {
  let inside = 0
  for (let i = 0; i < ROUNDS; i++) {
    const family = pick(['ipv4', 'ipv6'] as const)
    const bytes = randomBytes(family)
    const length = lengthFor(family)
    const cidr = `${written(bytes)}/${length}`
    const prefix = parsePrefix(cidr)
    const { first, last } = oracleNetwork(cidr)
    if (!prefix) {
      t.fail(`reading ${cidr}`)
      continue
    }
    const expected = {
      cidr: `${oracleText(Uint8Array.from(first))}/${length}`,
      family,
      length,
      first: oracleText(Uint8Array.from(first)),
      last: oracleText(Uint8Array.from(last)),
    }
    const { contains, firstHost, ...found } = prefix
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.strictSame(found, expected)
    const next = nextAddress(prefix.first)
    const host = prefix.first === prefix.last ? prefix.first : next
    if (firstHost !== host) t.equal(firstHost, host, `first host of ${cidr}`)
    if (parseCidr(cidr)?.address !== oracleText(bytes)) t.fail(`the address of ${cidr}`)
    const candidates = [
      ...[prefix.first, prefix.last, previousAddress(prefix.first)],
      ...[nextAddress(prefix.last), written(randomBytes(pick(['ipv4', 'ipv6'])))],
    ]
    for (const candidate of candidates.filter((text) => text !== undefined)) {
      const other = ipaddr.parse(forOracle(candidate))
      const network = ipaddr.fromByteArray(first)
      const isIn =
        other.kind() === network.kind() && other.match([network, length] as never)
      if (contains(candidate) !== isIn) t.fail(`${cidr} contains ${candidate}: ${isIn}`)
      inside += Number(isIn)
    }
  }
  t.ok(inside > ROUNDS, `${inside} addresses inside`)
})

t.test(`order and neighbours (SEED=${seed})`, async (t) => {
  for (let i = 0; i < ROUNDS; i++) {
    const [a, b] = [0, 1].map(() => randomBytes(pick(['ipv4', 'ipv6']))) as [
      Uint8Array,
      Uint8Array,
    ]
    const order =
      a.length - b.length ||
      Number(numberOf(a) > numberOf(b)) - Number(numberOf(a) < numberOf(b))
    const found = compareAddresses(formatAddress(a), formatAddress(b))
    if (Math.sign(found) !== Math.sign(order))
      t.fail(`${formatAddress(a)}, ${formatAddress(b)}`)
    const next = nextAddress(formatAddress(a))
    if (next === undefined) {
      if (a.some((byte) => byte !== 255)) t.fail(`nothing after ${formatAddress(a)}`)
    } else {
      if (numberOf(parseAddress(next)!) !== numberOf(a) + 1n)
        t.fail(`after ${formatAddress(a)}`)
      if (previousAddress(next) !== formatAddress(a)) t.fail(`before ${next}`)
    }
  }
  t.pass(`${ROUNDS} pairs`)
})

t.test(`ranges hold what their prefixes do, no more (SEED=${seed})`, async (t) => {
  for (let i = 0; i < 300; i++) {
    const prefixes = Array.from({ length: random(8) }, () => {
      const family = pick(['ipv4', 'ipv6'] as const)
      // Of one small network, so that they overlap and touch.
      const base = family === 'ipv4' ? '10.0.0.' : 'fd00::'
      const width = family === 'ipv4' ? 32 : 128
      return `${base}${random(10)}/${width - random(4)}`
    })
    const ranges = mergeRanges(prefixes)
    const isIn = (bytes: Uint8Array) =>
      ranges.some(
        ({ first, last }) =>
          first.length === bytes.length &&
          Buffer.compare(first, bytes) <= 0 &&
          Buffer.compare(bytes, last) <= 0,
      )
    for (const base of ['10.0.0.', 'fd00::']) {
      for (let host = 0; host < 24; host++) {
        const address = canonicalAddress(
          `${base}${base === '10.0.0.' ? host : host.toString(16)}`,
        )!
        const wanted = prefixes.some((prefix) => parsePrefix(prefix)!.contains(address))
        if (isIn(parseAddress(address)!) !== wanted)
          t.fail(`${address} in ${prefixes.join()}`)
      }
    }
    ranges.slice(1).forEach((range, at) => {
      const before = ranges[at]!
      if (before.family !== range.family) return
      const gap = numberOf(range.first) - numberOf(before.last)
      if (gap < 2n) t.fail(`ranges overlap or touch: ${prefixes.join()}`)
    })
  }
  t.pass('300 lists')
})
