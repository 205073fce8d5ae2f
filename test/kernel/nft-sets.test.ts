/** Sets and maps of all kinds beside those that `nft -f` makes, and read again. */
import t from 'tap'
import { NetNs, Transaction, type SetDef, type SetElement } from '../../dist/esm/index.js'
import { inside, nftJson, nftLoad } from '../helpers/in-namespace.js'

const where = { family: 'inet', table: 'x' } as const

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  return ns
}

interface Case {
  readonly set: Omit<SetDef, 'family' | 'table'>
  readonly elements: readonly SetElement[]
  /** The same for the nft program: what is between the braces. */
  readonly text: string
}

const CASES: Case[] = [
  {
    set: { name: 'a4', key: ['ipv4_addr'], comment: 'about it', policy: 'memory' },
    elements: [{ key: ['10.0.0.1'], comment: 'one' }, { key: ['10.0.0.2'] }],
    text: 'type ipv4_addr; comment "about it"; policy memory; elements = { 10.0.0.1 comment "one", 10.0.0.2 };',
  },
  {
    set: { name: 'a6', key: ['ipv6_addr'] },
    elements: [{ key: ['fd00::1'] }],
    text: 'type ipv6_addr; elements = { fd00::1 };',
  },
  {
    set: { name: 'marks', key: ['mark'], data: ['mark'] },
    elements: [{ key: [1], data: [0x1234] }],
    text: 'type mark : mark; elements = { 0x1 : 0x1234 };',
  },
  {
    set: { name: 'names', key: ['ifname'] },
    elements: [{ key: ['eth0'] }],
    text: 'type ifname; elements = { "eth0" };',
  },
  {
    set: { name: 'macs', key: ['ether_addr'], data: ['ipv4_addr'] },
    elements: [{ key: ['02:00:00:00:00:01'], data: ['10.0.0.1'] }],
    text: 'type ether_addr : ipv4_addr; elements = { 02:00:00:00:00:01 : 10.0.0.1 };',
  },
  {
    set: { name: 'types', key: ['ether_type'] },
    elements: [{ key: [0x0800] }],
    text: 'type ether_type; elements = { ip };',
  },
  {
    set: { name: 'vm', key: ['ipv4_addr', 'inet_proto', 'inet_service'], verdicts: true },
    elements: [
      { key: ['10.0.0.1', 6, 80], verdict: 'accept' },
      { key: ['10.0.0.1', 17, 53], verdict: { jump: 'other' } },
      { key: ['10.0.0.2', 17, 53], verdict: { goto: 'other' }, comment: 'g' },
    ],
    text: `type ipv4_addr . inet_proto . inet_service : verdict;
      elements = { 10.0.0.1 . tcp . 80 : accept, 10.0.0.1 . udp . 53 : jump other,
        10.0.0.2 . udp . 53 comment "g" : goto other };`,
  },
  {
    set: { name: 'ranges', key: ['ipv4_addr'], interval: true },
    elements: [
      { key: ['10.0.0.0/8'] },
      { key: ['192.168.1.5'], keyEnd: ['192.168.1.9'], comment: 'some' },
      { key: ['192.168.1.10'] },
      { key: ['224.0.0.0/3'] },
    ],
    text: `type ipv4_addr; flags interval; elements = { 10.0.0.0/8,
      192.168.1.5-192.168.1.9 comment "some", 192.168.1.10, 224.0.0.0/3 };`,
  },
  {
    set: { name: 'ports', key: ['inet_service'], data: ['mark'], interval: true },
    elements: [{ key: [80], keyEnd: [90], data: [7] }],
    text: 'type inet_service : mark; flags interval; elements = { 80-90 : 7 };',
  },
  {
    set: { name: 'six', key: ['ipv6_addr'], interval: true },
    elements: [{ key: ['fd00::/64'] }],
    text: 'type ipv6_addr; flags interval; elements = { fd00::/64 };',
  },
  {
    set: { name: 'both', key: ['ipv4_addr', 'inet_service'], interval: true },
    elements: [
      { key: ['10.0.0.0/8', 80], keyEnd: ['10.255.255.255', 90] },
      { key: ['192.168.0.1', 1] },
    ],
    text: `type ipv4_addr . inet_service; flags interval;
      elements = { 10.0.0.0/8 . 80-90, 192.168.0.1 . 1 };`,
  },
  {
    set: { name: 'counted', key: ['ipv4_addr'], counters: true },
    elements: [{ key: ['10.0.0.1'], counter: { packets: 3, bytes: 99 } }],
    text: 'type ipv4_addr; counter; elements = { 10.0.0.1 counter packets 3 bytes 99 };',
  },
  {
    set: { name: 'objects', key: ['ipv4_addr'], objects: 'counter' },
    elements: [{ key: ['10.0.0.1'], object: 'cnt' }],
    text: 'type ipv4_addr : counter; elements = { 10.0.0.1 : "cnt" };',
  },
  {
    set: { name: 'rest', key: ['ipv4_addr'], data: ['mark'] },
    elements: [
      { key: ['10.0.0.1'], data: [1] },
      { key: [], catchAll: true, data: [2] },
    ],
    text: 'type ipv4_addr : mark; elements = { 10.0.0.1 : 1, * : 2 };',
  },
  {
    set: {
      name: 'timed',
      key: ['ipv4_addr'],
      timeout: 3_600_000,
      gcInterval: 60_000,
      size: 99,
    },
    elements: [],
    text: 'type ipv4_addr; timeout 1h; gc-interval 1m; size 99;',
  },
  {
    set: { name: 'fixed', key: ['ipv4_addr'], constant: true },
    elements: [{ key: ['10.0.0.1'] }],
    text: 'type ipv4_addr; flags constant; elements = { 10.0.0.1 };',
  },
]

for (const { set, elements, text } of CASES) {
  t.test(`set ${set.name}`, async (t) => {
    const ours = namespace()
    const theirs = namespace()
    const def: SetDef = { ...where, ...set }
    const chain = { ...where, name: 'other' }
    const tx = new Transaction()
      .addTable({ family: 'inet', name: 'x' })
      .addObject({ ...where, name: 'cnt', counter: {} })
      .addChain(chain)
      .addSet(def)
      .addElements(def, elements)
    ours.sync.nftables.commit(tx)
    const isMap = set.data || set.verdicts || set.objects
    nftLoad(
      theirs,
      `table inet x {\n  counter cnt { packets 0 bytes 0 }\n  chain other { }\n  ${isMap ? 'map' : 'set'} ${set.name} { ${text} }\n}\n`,
    )
    t.same(nftJson(ours), nftJson(theirs), 'nft tells the same of both')
    for (const ns of [ours, theirs]) {
      const [read] = ns.sync.nftables.list().sets
      t.match(read, { ...set, known: true })
      t.equal(read?.elements.length, elements.length)
      // Made again from what was read.
      const copy = namespace()
      const again = new Transaction()
        .addTable({ family: 'inet', name: 'x' })
        .addObject({ ...where, name: 'cnt', counter: {} })
        .addChain(chain)
        .addSet(read as SetDef)
        .addElements(read as SetDef, read?.elements ?? [])
      copy.sync.nftables.commit(again)
      t.same(nftJson(copy), nftJson(theirs), 'what is read makes the same')
    }
    ours.sync.nftables.commit(new Transaction().deleteElements(def, elements.slice(0, 1)))
    t.equal(
      ours.sync.nftables.list().sets[0]?.elements.length,
      Math.max(0, elements.length - 1),
    )
    ours.sync.nftables.commit(new Transaction().flushSet(def))
    t.same(ours.sync.nftables.list().sets[0]?.elements, [])
    ours.sync.nftables.commit(new Transaction().deleteSet(def))
    t.same(ours.sync.nftables.list().sets, [])
  })
}

t.test('elements live for a time', async (t) => {
  const ns = namespace()
  const set: SetDef = { ...where, name: 's', key: ['ipv4_addr'], timeouts: true }
  ns.sync.nftables.commit(
    new Transaction()
      .addTable({ family: 'inet', name: 'x' })
      .addSet(set)
      .addElements(set, [
        { key: ['10.0.0.1'], timeout: 3_600_000 },
        { key: ['10.0.0.2'], timeout: 3_600_000, expires: 60_000 },
        { key: ['10.0.0.3'] },
      ]),
  )
  const elements = ns.sync.nftables.list().sets[0]?.elements ?? []
  const find = (key: string) => elements.find((e) => e.key[0] === key)
  t.equal(find('10.0.0.1')?.timeout, 3_600_000)
  t.ok((find('10.0.0.1')?.expires ?? 0) > 3_000_000)
  t.ok((find('10.0.0.2')?.expires ?? Infinity) <= 60_000)
  t.equal(find('10.0.0.3')?.timeout, undefined)
})

t.test('very many elements in one transaction, packed or not', async (t) => {
  const ns = namespace()
  const map: SetDef = {
    ...where,
    name: 'm',
    key: ['ipv4_addr', 'inet_service'],
    data: ['ether_addr'],
  }
  const ranges: SetDef = { ...where, name: 'r', key: ['ipv4_addr'], interval: true }
  const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
  const elements = Array.from({ length: 10_000 }, (_, i) => ({
    key: [address(i), i],
    data: ['02:00:00:00:00:01'],
    ...(i % 3 === 0 && { comment: `number ${i}` }),
  }))
  const pairs = Array.from({ length: 5000 }, (_, i) => ({
    key: [address(i * 4)],
    keyEnd: [address(i * 4 + 2)],
  }))
  ns.sync.nftables.commit(
    new Transaction()
      .addTable({ family: 'inet', name: 'x' })
      .addSet(map)
      .addSet(ranges)
      .addElements(map, elements)
      .addElements(ranges, pairs),
  )
  const { sets } = ns.sync.nftables.list()
  const read = sets.find((s) => s.name === 'm')?.elements ?? []
  const sorted = read.toSorted((a, b) => Number(a.key[1]) - Number(b.key[1]))
  t.same(
    sorted.map(({ key, data, comment }) => ({ key, data, ...(comment && { comment }) })),
    elements,
  )
  t.equal(sets.find((s) => s.name === 'r')?.elements.length, 5000)
  const count = inside(ns, ['nft', 'list', 'set', 'inet', 'x', 'r']).match(/-10\./g)
  t.equal(count?.length, 5000)
})
