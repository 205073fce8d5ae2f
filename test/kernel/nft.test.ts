import t from 'tap'
import {
  eq,
  field,
  hostOrder,
  ifname,
  inSet,
  ipv4Bytes,
  NetNs,
  Transaction,
  verdict,
  type SetDef,
  type SetElement,
} from 'vnet-cni'
import { act, inside, json, plain, read, refusal, type Json } from './helper.js'

const table = { family: 'ip', name: 'test' } as const
const where = { family: 'ip', table: 'test' } as const

const PORTS: SetDef = {
  ...where,
  name: 'ports',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
  data: ['ipv4_addr', 'inet_service'],
}
const MACS: SetDef = { ...where, name: 'macs', key: ['ipv4_addr'], data: ['ether_addr'] }
const RANGES: SetDef = { ...where, name: 'ranges', key: ['ipv4_addr'], interval: true }

const begin = () => new Transaction().addTable(table)
const list = (ns: NetNs) => inside(ns, 'nft', ['list', 'ruleset'])
const elements = (ns: NetNs, set: SetDef) =>
  read<SetElement[]>(ns, (p) => p.nftables.elements(set)).map(plain)

/** The objects of one kind that `nft -j list ruleset` reports. */
function objects(ns: NetNs, kind: string): Json[] {
  const { nftables } = JSON.parse(inside(ns, 'nft', ['-j', 'list', 'ruleset'])) as {
    nftables: Json[]
  }
  return nftables.flatMap((o) => (o[kind] ? [o[kind] as Json] : []))
}

t.test('tables of each family', async (t) => {
  using ns = NetNs.create()
  const families = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const
  const tx = new Transaction()
  for (const family of families) tx.addTable({ family, name: 'a.b_c' })
  act(ns, (p) => p.nftables.commit(tx))
  t.strictSame(
    objects(ns, 'table')
      .map((o) => o['family'])
      .toSorted(),
    families.toSorted(),
  )
  for (const family of families) {
    t.equal(
      read(ns, (p) => p.nftables.tableExists({ family, name: 'a.b_c' })),
      true,
    )
    t.equal(
      read(ns, (p) => p.nftables.tableExists({ family, name: 'none' })),
      false,
    )
  }
  act(ns, (p) =>
    p.nftables.commit(new Transaction().deleteTable({ family: 'arp', name: 'a.b_c' })),
  )
  t.equal(objects(ns, 'table').length, families.length - 1)
})

t.test('chains', async (t) => {
  using ns = NetNs.create()
  const tx = begin()
  const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
  hooks.forEach((hook, i) =>
    tx.addChain({ ...where, name: hook, hook, priority: i * 100 - 200 }),
  )
  tx.addChain({ ...where, name: 'nat', hook: 'output', type: 'nat', priority: -100 })
  tx.addChain({ ...where, name: 'plain' })
  act(ns, (p) => p.nftables.commit(tx))
  const seen = new Map(objects(ns, 'chain').map((c) => [c['name'], c]))
  hooks.forEach((hook, i) =>
    t.match(seen.get(hook), {
      hook,
      type: 'filter',
      prio: i * 100 - 200,
      policy: 'accept',
    }),
  )
  t.match(seen.get('nat'), { type: 'nat', hook: 'output', prio: -100 })
  t.equal(seen.get('plain')?.['hook'], undefined)
})

t.test('maps with concatenated keys and data, comments', async (t) => {
  using ns = NetNs.create()
  const all: SetElement[] = [
    { key: ['10.0.0.4', 6, 8080], data: ['10.1.0.7', 80], comment: 'net/id/eth0' },
    { key: ['10.0.0.4', 17, 53], data: ['10.1.0.8', 5353], comment: 'ü'.repeat(63) },
    { key: ['255.255.255.255', 255, 65535], data: ['0.0.0.0', 0] },
  ]
  const macs: SetElement[] = [
    { key: ['10.0.0.4'], data: ['02:00:00:00:00:ff'], comment: 'x' },
  ]
  const tx = begin().addSet(PORTS).addSet(MACS)
  act(ns, (p) => p.nftables.commit(tx.addElements(PORTS, all).addElements(MACS, macs)))
  const byKey = (a: SetElement, b: SetElement) =>
    String(a.key).localeCompare(String(b.key))
  t.strictSame(elements(ns, PORTS).toSorted(byKey), all.toSorted(byKey))
  t.strictSame(elements(ns, MACS), macs)
  const text = list(ns)
  t.match(text, 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service')
  t.match(text, '10.0.0.4 . tcp . 8080 comment "net/id/eth0" : 10.1.0.7 . 80')
  t.match(text, '10.0.0.4 comment "x" : 02:00:00:00:00:ff')
  act(ns, (p) =>
    p.nftables.commit(new Transaction().deleteElements(PORTS, [['10.0.0.4', 6, 8080]])),
  )
  t.equal(elements(ns, PORTS).length, 2)
  t.strictSame(elements(ns, { ...PORTS, name: 'none' }), [])
})

t.test('a thousand elements in one transaction', async (t) => {
  using ns = NetNs.create()
  const all = Array.from({ length: 1000 }, (_, i) => ({
    key: [`10.0.${i >> 8}.${i & 255}`],
    data: ['02:00:00:00:00:01'],
    comment: `number ${i} ${'-'.repeat(100)}`,
  }))
  act(ns, (p) => p.nftables.commit(begin().addSet(MACS).addElements(MACS, all)))
  const seen = elements(ns, MACS)
  t.equal(seen.length, 1000)
  const comments = (some: SetElement[]) => some.map((e) => e.comment).toSorted()
  t.strictSame(comments(seen), comments(all))
  const keys = all.map((e) => e.key)
  act(ns, (p) => p.nftables.commit(new Transaction().deleteElements(MACS, keys)))
  t.equal(elements(ns, MACS).length, 0)
})

t.test('interval sets, up to the last address', async (t) => {
  using ns = NetNs.create()
  const ranges = [
    { first: 0x0a000000, last: 0x0a00ffff },
    { first: 0xa9fe0000, last: 0xa9feffff },
    { first: 0xc0a80001, last: 0xc0a80001 },
    { first: 0xe0000000, last: 0xffffffff },
  ]
  act(ns, (p) => p.nftables.commit(begin().addSet(RANGES).addIntervals(RANGES, ranges)))
  const [set] = objects(ns, 'set')
  t.strictSame(set?.['flags'], ['interval'])
  t.strictSame(set?.['elem'], [
    { prefix: { addr: '10.0.0.0', len: 16 } },
    { prefix: { addr: '169.254.0.0', len: 16 } },
    '192.168.0.1',
    { prefix: { addr: '224.0.0.0', len: 3 } },
  ])
  const everything = { ...RANGES, name: 'all' }
  const range = [{ first: 0, last: 0xffffffff }]
  act(ns, (p) =>
    p.nftables.commit(
      new Transaction().addSet(everything).addIntervals(everything, range),
    ),
  )
  t.match(list(ns), '0.0.0.0/0')
})

t.test('rules, their order and their comments', async (t) => {
  using ns = NetNs.create()
  const chain = { ...where, name: 'c', hook: 'input' } as const
  const tx = begin().addChain(chain).addSet(RANGES)
  const rule = (
    comment: string,
    expressions: Parameters<Transaction['addRule']>[0]['expressions'],
  ) => tx.addRule({ ...where, chain: 'c', comment, expressions })
  rule('one', [...eq(field.iifname, ifname('eth0')), verdict('drop')])
  rule('two', [...inSet([field.ipSource], 'ranges', true), verdict('accept')])
  rule('three', [...eq(field.destinationType, hostOrder(2)), verdict('return')])
  rule('four', [...eq(field.ipSource, ipv4Bytes('10.0.0.1')), verdict('accept')])
  act(ns, (p) => p.nftables.commit(tx))
  const lines = list(ns)
    .split('\n')
    .map((line) => line.trim())
  t.strictSame(
    lines.slice(lines.findIndex((l) => l.includes('policy')) + 1).slice(0, 4),
    [
      'iifname "eth0" drop comment "one"',
      'ip saddr != @ranges accept comment "two"',
      'fib daddr type local return comment "three"',
      'ip saddr 10.0.0.1 accept comment "four"',
    ],
  )
  t.strictSame(
    objects(ns, 'rule').map((r) => r['comment']),
    ['one', 'two', 'three', 'four'],
  )
})

t.test('all or nothing', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.nftables.commit(begin().addSet(MACS)))
  const before = list(ns)
  const error = refusal(ns, (p) =>
    p.nftables.commit(
      new Transaction()
        .addTable({ family: 'inet', name: 'never' })
        .addElements(MACS, [{ key: ['10.0.0.1'], data: ['02:00:00:00:00:01'] }])
        .deleteElements(MACS, [['10.9.9.9']]),
    ),
  )
  t.match(error, { code: 'ENOENT', op: 'nft.batch', step: 0 })
  t.match(error.message, /message 2 \(nft\.elements\.del\)/)
  t.equal(list(ns), before)
})

t.test('EEXIST names the message', async (t) => {
  using ns = NetNs.create()
  const element = { key: ['10.0.0.1'], data: ['02:00:00:00:00:01'] }
  act(ns, (p) => p.nftables.commit(begin().addSet(MACS).addElements(MACS, [element])))
  act(ns, (p) => p.nftables.commit(new Transaction().addElements(MACS, [element])))
  const add = (data: string) =>
    refusal(ns, (p) => {
      p.link.get('lo')
      const tx = new Transaction().addTable(table)
      p.nftables.commit(
        tx.addElements(MACS, [{ ...element, data: [data] }], { exclusive: true }),
      )
    })
  for (const data of ['02:00:00:00:00:01', '02:00:00:00:00:02']) {
    const error = add(data)
    t.match(error, { code: 'EEXIST', errno: 17, step: 1, op: 'nft.batch' })
    t.match(error.extAck, /message 1 \(nft\.elements\.new\)/)
  }
  const taken = refusal(ns, (p) =>
    p.nftables.commit(new Transaction().addTable(table, { exclusive: true })),
  )
  t.match(taken, { code: 'EEXIST', extAck: /message 0 \(nft\.table\.new\)/ })
})

t.test('a transaction from an old generation is refused', async (t) => {
  using ns = NetNs.create()
  using other = NetNs.create()
  act(ns, (p) => p.nftables.commit(begin()))
  const generation = read<number>(ns, (p) => p.nftables.generation())
  act(other, (p) => p.nftables.commit(begin()))
  t.equal(
    read(ns, (p) => p.nftables.generation()),
    generation,
    'each namespace counts for itself',
  )
  act(ns, (p) => p.nftables.commit(new Transaction(generation).addSet(MACS)))
  t.equal(
    read(ns, (p) => p.nftables.generation()),
    generation + 1,
  )
  const error = refusal(ns, (p) =>
    p.nftables.commit(new Transaction(generation).addSet(RANGES)),
  )
  t.match(error, { code: 'ERESTART', errno: 85, op: 'nft.batch' })
  t.notMatch(list(ns), 'ranges')
})

t.test('undo of a transaction, and a failure of a later step', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.nftables.commit(begin().addSet(MACS)))
  const before = list(ns)
  const element = { key: ['10.0.0.1'], data: ['02:00:00:00:00:01'] }
  const error = refusal(ns, (p) => {
    p.nftables.commit(new Transaction().addElements(MACS, [element]), {
      undo: new Transaction().deleteElements(MACS, [['10.0.0.1']]),
    })
    p.link.get('none')
  })
  t.match(error, { code: 'ENODEV', undoFailures: [] })
  t.equal(list(ns), before)
})

t.test('an empty transaction, and one that the kernel refuses whole', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.nftables.commit(new Transaction()))
  const error = refusal(ns, (p) =>
    p.nftables.commit(new Transaction().deleteTable(table)),
  )
  t.match(error, { code: 'ENOENT', extAck: /message 0 \(nft\.table\.del\)/ })
  t.match(list(ns), /^\s*$/)
  const unsupported = refusal(ns, (p) =>
    p.nftables.commit(
      begin().addChain({ ...where, name: 'c', hook: 'input', type: 'nope' as never }),
    ),
  )
  t.equal(unsupported.code, 'ENOENT')
  t.equal(json(ns, 'ip link').length, 1)
})
