import t from 'tap'
import { child } from './children.js'

const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fffffff)
const STEPS = 1000

// Random steps of a grammar that is half right: names of operations and of members that exist,
// values that may fit or not. All namespaces are the child's own.
const FUZZ = `
let state = ${seed} >>> 0
const random = (below) => {
  state = (state + 0x6d2b79f5) >>> 0
  let x = Math.imul(state ^ (state >>> 15), state | 1)
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
  return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * below)
}
const pick = (list) => list[random(list.length)]
const objects = ['link', 'bridgePort', 'address', 'route', 'neighbour', 'nft.table', 'nft.chain',
  'nft.rule', 'nft.set', 'nft.elements', 'nft.generation', 'conntrack', 'sysctl', 'nft', 'none']
const verbs = ['new', 'set', 'del', 'get', 'dump', 'batch', 'flush', '']
const keys = ['name', 'family', 'index', 'mac', 'mtu', 'master', 'alias', 'info', 'kind', 'data', 'peer',
  'netns', 'port', 'hairpin', 'address', 'local', 'prefixLength', 'lifetime', 'preferred', 'valid', 'to',
  'toLength', 'from', 'via', 'link', 'hops', 'weight', 'metrics', 'table', 'chain', 'set', 'expressions',
  'expr', 'elements', 'key', 'value', 'userdata', 'messages', 'op', 'args', 'flags', 'generation', 'hook',
  'number', 'priority', 'type', 'unknown', 'description', 'size', 'concat', 'verdict', 'code', 'protocol',
  'original', 'ip', 'proto', 'ref', 'field', 'change', 'scope', 'state', 'id', 'keyType', 'keyLength']
const texts = ['lo', 'br0', 'x'.repeat(15), 'x'.repeat(300), '', '10.0.0.1', '2001:db8::1', '02:00:00:00:00:01',
  'veth', 'bridge', 'payload', 'lookup', 'nat', 'immediate', 'meta', 'nft.table.new', 'nft.rule.new',
  'nft.elements.new', 'peerIndex', 'net/ipv4/ip_forward', '\\0', '\\ud800', 'ü']
const numbers = [0, 1, 2, 3, 4, 7, 10, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, -1, 1.5, NaN]
const value = (depth) => {
  switch (random(depth > 5 ? 5 : 9)) {
    case 0: return pick(numbers)
    case 1: return pick(texts)
    case 2: return pick([undefined, null, true, false])
    case 3: return new Uint8Array(random(40)).fill(random(256))
    case 4: return pick([BigInt(random(1000)), 2n ** 63n, -1n, { ref: random(4) }])
    case 5: return Array.from({ length: random(4) }, () => value(depth + 1))
    case 6: return [{ type: random(70), data: new Uint8Array(random(20)).fill(random(256)) }]
    default: return map(depth + 1)
  }
}
const map = (depth) =>
  Object.fromEntries(Array.from({ length: random(6) }, () => [pick(keys), value(depth)]))
const op = () => pick(objects) + '.' + pick(verbs)
const table = { family: 2, table: 't' }
const good = [
  { op: 'link.new', flags: 0x600, args: { name: 'b0', flags: 1, change: 1, info: { kind: 'bridge', data: { stp: 0 } } } },
  { op: 'link.new', flags: 0x600, args: { name: 'v0', mtu: 1400, info: { kind: 'veth', data: { peer: { name: 'v1', mac: '02:00:00:00:00:01' } } } } },
  { op: 'link.set', args: { index: 2, alias: 'x', mtu: 1300 } },
  { op: 'bridgePort.set', args: { family: 7, index: 2, port: { hairpin: 1 } } },
  { op: 'link.get', args: { name: 'lo' } },
  { op: 'link.dump', args: {} },
  { op: 'link.del', args: { name: 'v0' } },
  { op: 'address.new', flags: 0x600, args: { family: 2, prefixLength: 24, index: 2, local: '10.0.0.1', address: '10.0.0.1', lifetime: { preferred: 9, valid: 99 } } },
  { op: 'address.dump', args: { family: 0 } },
  { op: 'route.new', flags: 0x600, args: { family: 2, toLength: 24, to: '10.1.0.0', table: 254, type: 1, scope: 253, protocol: 3, link: 2, metrics: { mtu: 1400 } } },
  { op: 'route.new', flags: 0x600, args: { family: 2, toLength: 24, to: '10.2.0.0', table: 254, type: 1, protocol: 3, hops: [{ link: 2, via: '10.0.0.2', weight: 2 }] } },
  { op: 'route.dump', args: { family: 10 } },
  { op: 'route.get', args: { family: 2, toLength: 32, to: '10.0.0.2' } },
  { op: 'neighbour.new', flags: 0x500, args: { family: 2, link: 2, address: '10.0.0.9', mac: '02:00:00:00:00:09', state: 128 } },
  { op: 'sysctl.get', args: { name: 'net/ipv4/ip_forward' } },
  { op: 'conntrack.flush', args: { family: 2, protocol: 17, port: 53 } },
  { op: 'nft.generation.get', args: {} },
  { op: 'nft.elements.dump', args: { ...table, set: 'm' } },
  { op: 'nft.batch', args: { messages: [
    { op: 'nft.table.new', flags: 0x400, args: { family: 2, name: 't' } },
    { op: 'nft.set.new', flags: 0x400, args: { ...table, name: 'm', flags: 8, keyType: 7, keyLength: 4, dataType: 9, dataLength: 6, id: 1 } },
    { op: 'nft.chain.new', flags: 0x400, args: { ...table, name: 'c', hook: { number: 1, priority: 0 }, type: 'filter', policy: 1 } },
    { op: 'nft.elements.new', flags: 0x400, args: { ...table, set: 'm', elements: [{ key: { value: new Uint8Array(4) }, data: { value: new Uint8Array(6) }, userdata: new Uint8Array([0, 2, 65, 0]) }] } },
    { op: 'nft.rule.new', flags: 0xc00, args: { ...table, chain: 'c', expressions: [
      { expr: 'payload', data: { dreg: 8, base: 1, offset: 12, length: 4 } },
      { expr: 'lookup', data: { set: 'm', sreg: 8, dreg: 9 } },
      { expr: 'immediate', data: { dreg: 0, data: { verdict: { code: 1 } } } } ] } } ] } },
]
// Changes some of the members, however deep they lie.
const mutate = (thing, chance) => {
  if (thing instanceof Uint8Array || typeof thing !== 'object' || thing === null)
    return random(100) < chance ? value(3) : thing
  if (Array.isArray(thing)) return thing.map((inner) => mutate(inner, chance))
  const members = Object.entries(thing).map(([key, inner]) => [
    random(300) < chance ? pick(keys) : key, mutate(inner, chance)])
  if (random(200) < chance) members.push([pick(keys), value(3)])
  return Object.fromEntries(members)
}
const step = () => {
  const { op: name, flags = 0, args } = random(10) ? pick(good) : { op: op(), args: map(0) }
  return { op: name, ns: random(50) ? 0 : 1, flags: random(10) ? flags : pick([0, 0x100, 0x400, 0x600, 0x300, 0xffff]),
    args: mutate(args, pick([0, 2, 5, 10])), accept: pick([[], [17], [19, 2]]),
    undo: random(3) ? [] : [{ op: name, ns: 0, args: mutate(args, 10) }] }
}
const tally = { refused: 0, failed: 0, done: 0, unanswered: [] }
// The kernel answers every request; the addon gives up after 30 s (EAGAIN).
const silent = (f) => f?.syscall === 'recvfrom' && f.errno === 11
for (let i = 0; i < ${STEPS}; i++) {
  // Tells where a child was that did not end.
  if (i % 20 === 0) console.error('round ' + i)
  const steps = Array.from({ length: 1 + random(3) }, step)
  try {
    const outcome = i % 2 ? a.runSync([h], steps, false) : await a.run([h], steps, true)
    tally[outcome.failure ? 'failed' : 'done']++
    tally.unanswered.push(...[outcome.failure, ...outcome.moreFailures].filter(silent).map((f) => f.op))
    if (tally.unanswered.length) break
  } catch (e) {
    if (!(e instanceof TypeError)) throw e
    tally.refused++
  }
}
const alive = a.runSync([h], [{ op: 'link.dump', ns: 0, args: {} }], false)
console.log(JSON.stringify({ ...tally, alive: alive.results[0].some((l) => l.name === 'lo') }))
`

t.test(`random steps never crash (SEED=${seed} repeats it)`, async (t) => {
  t.comment(`SEED=${seed}`)
  const done = child(FUZZ)
  t.match(done, { status: 0, signal: null }, done.stderr)
  const tally = JSON.parse(done.stdout) as Record<string, unknown>
  t.comment(done.stdout)
  t.strictSame(tally['unanswered'], [], 'no request waits for an answer in vain')
  t.equal(
    Number(tally['refused']) + Number(tally['failed']) + Number(tally['done']),
    STEPS,
  )
  t.ok(Number(tally['failed']) > STEPS / 20, 'many are refused by the kernel')
  t.ok(Number(tally['done']) > STEPS / 20, 'many are done')
  t.equal(tally['alive'], true)
})
