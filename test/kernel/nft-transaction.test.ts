/** Transactions on the real kernel: handles by echo, changes of rules, errors, generations. */
import t from 'tap'
import {
  counter,
  eq,
  field,
  hostOrder,
  NetlinkError,
  NetNs,
  objectRef,
  Transaction,
  verdict,
  type SetDef,
} from '../../dist/esm/index.js'
import { inside, nftJson } from '../helpers/in-namespace.js'

const table = { family: 'ip', name: 't' } as const
const where = { family: 'ip', table: 't' } as const
const chain = { ...where, name: 'c' }
const marked = (n: number) => ({
  ...where,
  chain: 'c',
  comment: `mark ${n}`,
  expressions: eq(field.mark, hostOrder(n)),
})

function fresh(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  ns.sync.nftables.commit(new Transaction().addTable(table).addChain(chain))
  return ns
}

const comments = (ns: NetNs) => ns.sync.nftables.list().rules.map((rule) => rule.comment)

/** Commits and answers with the error. */
function refused(ns: NetNs, tx: Transaction): NetlinkError {
  try {
    ns.sync.nftables.commit(tx)
  } catch (error) {
    if (error instanceof NetlinkError) return error
    throw error
  }
  throw new Error('it was not refused')
}

t.test('an echo tells handles and the generation', async (t) => {
  const ns = fresh()
  const tx = new Transaction().addRule(marked(1)).addRule(marked(2)).insertRule(marked(0))
  const result = await ns.nftables.commit(tx, { echo: true })
  const { rules, generation } = await ns.nftables.list()
  t.same(
    rules.map((rule) => rule.comment),
    ['mark 0', 'mark 1', 'mark 2'],
  )
  const byComment = new Map(rules.map((rule) => [rule.comment, rule.handle]))
  t.same(
    result.ruleHandles,
    ['mark 1', 'mark 2', 'mark 0'].map((name) => byComment.get(name)),
  )
  t.equal(result.generation, generation)
  t.same(ns.sync.nftables.commit(new Transaction().addRule(marked(3))), {
    made: [],
    ruleHandles: [],
  })
  const plan = ns.plan()
  const handle = plan.nftables.addRule(marked(4))
  t.equal(plan.runSync().of(handle), ns.sync.nftables.list().rules.at(-1)?.handle)
})

t.test('an echo of very many rules comes whole', async (t) => {
  const ns = fresh()
  const tx = new Transaction()
  for (let i = 0; i < 5000; i++) tx.addRule(marked(i))
  const { ruleHandles } = ns.sync.nftables.commit(tx, { echo: true })
  t.equal(new Set(ruleHandles).size, 5000)
})

t.test('rules come before, behind and in the place of others', async (t) => {
  const ns = fresh()
  const { ruleHandles } = ns.sync.nftables.commit(
    new Transaction().addRule(marked(1)).addRule(marked(2)),
    { echo: true },
  )
  const [one = 0, two = 0] = ruleHandles
  ns.sync.nftables.commit(
    new Transaction()
      .addRule(marked(11), { after: one })
      .insertRule(marked(12), { before: two })
      .replaceRule(marked(13), one),
  )
  t.same(comments(ns), ['mark 13', 'mark 11', 'mark 12', 'mark 2'])
  ns.sync.nftables.commit(
    new Transaction().deleteRule({ ...where, chain: 'c', handle: two }),
  )
  t.same(comments(ns), ['mark 13', 'mark 11', 'mark 12'])
  ns.sync.nftables.commit(new Transaction().flushChain(chain))
  t.same(comments(ns), [])
})

t.test('chains are renamed, flushed and deleted', async (t) => {
  const ns = fresh()
  const [{ handle } = { handle: 0 }] = ns.sync.nftables.list().chains
  ns.sync.nftables.commit(new Transaction().renameChain({ ...where, handle }, 'd'))
  t.same(
    ns.sync.nftables.list().chains.map(({ name }) => name),
    ['d'],
  )
  ns.sync.nftables.commit(new Transaction().deleteChain({ ...where, name: 'd' }))
  t.same(ns.sync.nftables.list().chains, [])
})

t.test('policies, device hooks and dormant tables', async (t) => {
  const ns = fresh()
  const dev = { family: 'netdev', table: 'n' } as const
  const tx = new Transaction()
    .addTable({ family: 'ip', name: 'quiet', dormant: true, comment: 'asleep' })
    .addTable({ family: 'netdev', name: 'n' })
    .addChain({ ...dev, name: 'in', hook: 'ingress', device: 'lo', priority: 'filter' })
    .addChain({ ...dev, name: 'out', hook: 'egress', device: 'lo', priority: 5 })
    .addChain({
      ...where,
      name: 'f',
      hook: 'input',
      policy: 'drop',
      priority: 'filter - 1',
    })
  ns.sync.nftables.commit(tx)
  const { chains, tables } = ns.sync.nftables.list()
  const find = (name: string) => chains.find((c) => c.name === name)
  t.match(find('in'), { hook: 'ingress', priority: 0, policy: 'accept' })
  t.match(find('out'), { hook: 'egress', priority: 5 })
  t.match(find('f'), { hook: 'input', policy: 'drop', priority: -1 })
  t.match(
    tables.find(({ name }) => name === 'quiet'),
    { dormant: true, comment: 'asleep' },
  )
  const text = inside(ns, ['nft', 'list', 'ruleset'])
  t.match(text, /hook ingress device "lo"/)
  t.match(text, /hook egress device "lo"/)
  ns.sync.nftables.commit(
    new Transaction().addChain({
      ...where,
      name: 'f',
      hook: 'input',
      policy: 'accept',
      priority: -1,
    }),
  )
  t.equal(ns.sync.nftables.list().chains.find((c) => c.name === 'f')?.policy, 'accept')
})

t.test('named objects', async (t) => {
  const ns = fresh()
  const tx = new Transaction()
    .addObject({ ...where, name: 'a', counter: { packets: 5, bytes: 500 }, comment: 'x' })
    .addObject({ ...where, name: 'b', quota: { bytes: 1000, over: true } })
    .addObject({ ...where, name: 'c', limit: { rate: 5, per: 'minute' } })
    .addRule({ ...where, chain: 'c', expressions: [objectRef('counter', 'a')] })
  ns.sync.nftables.commit(tx)
  const find = (name: string) =>
    ns.sync.nftables.list().objects.find((o) => o.name === name)
  t.match(find('a'), {
    type: 'counter',
    counter: { packets: 5, bytes: 500 },
    use: 1,
    comment: 'x',
  })
  t.match(find('b'), { type: 'quota', quota: { bytes: 1000, over: true } })
  t.match(find('c'), { limit: { rate: 5, per: 'minute', of: 'packets', burst: 5 } })
  const object = { ...where, type: 'counter', name: 'a' } as const
  t.equal(refused(ns, new Transaction().deleteObject(object)).code, 'EBUSY')
  const plan = ns.plan()
  const reset = plan.nftables.objects({}, { reset: true })
  t.equal(
    plan
      .runSync()
      .of(reset)
      .find((o) => o.name === 'a')?.counter?.packets,
    5,
  )
  t.equal(find('a')?.counter?.packets, 0)
  ns.sync.nftables.commit(new Transaction().flushChain(chain).deleteObject(object))
  t.equal(find('a'), undefined)
  t.equal(refused(ns, new Transaction().deleteObject(object)).code, 'ENOENT')
  const again = { ...where, name: 'b', quota: { bytes: 1 } }
  t.equal(
    refused(ns, new Transaction().addObject(again, { exclusive: true })).code,
    'EEXIST',
  )
})

t.test('refusals name what they are about', async (t) => {
  const ns = fresh()
  const map: SetDef = {
    ...where,
    name: 'm',
    key: ['ipv4_addr', 'inet_service'],
    data: ['mark'],
  }
  const element = (n: number) => ({ key: ['10.0.0.1', n], data: [n] })
  ns.sync.nftables.commit(new Transaction().addSet(map).addElements(map, [element(80)]))
  for (const count of [3, 300]) {
    const elements = Array.from({ length: count }, (_, i) => element(79 + i))
    const error = refused(
      ns,
      new Transaction().addTable(table).addElements(map, elements, { exclusive: true }),
    )
    t.equal(error.code, 'EEXIST')
    t.match(error.message, 'element 10.0.0.1 . 80 of map ip t m', `of ${count}`)
    t.equal(error.attribute, 'elements.1')
  }
  t.match(refused(ns, new Transaction().deleteElements(map, [['10.9.9.9', 1]])), {
    code: 'ENOENT',
    message:
      /element 10\.9\.9\.9 \. 1 of set ip t m|element 10\.9\.9\.9 \. 1 of map ip t m/,
  })
  const other = { family: 'ip', name: 'other' } as const
  t.match(refused(ns, new Transaction().deleteTable(other)), {
    code: 'ENOENT',
    message: /table ip other/,
  })
  t.equal(
    refused(ns, new Transaction().addTable(table, { exclusive: true })).code,
    'EEXIST',
  )
  t.equal(
    refused(ns, new Transaction().addChain(chain, { exclusive: true })).code,
    'EEXIST',
  )
  t.equal(
    refused(ns, new Transaction().addSet({ ...map, key: ['ipv4_addr'] })).code,
    'EEXIST',
  )
  t.equal(
    refused(ns, new Transaction().deleteRule({ ...where, chain: 'c', handle: 999 })).code,
    'ENOENT',
  )
  t.equal(refused(ns, new Transaction().replaceRule(marked(1), 999)).code, 'ENOENT')
  t.equal(
    refused(
      ns,
      new Transaction().addChain({ ...where, name: 'r', hook: 'input', type: 'route' }),
    ).code,
    'EOPNOTSUPP',
  )
  const full: SetDef = { ...where, name: 'small', key: ['mark'], size: 2 }
  ns.sync.nftables.commit(new Transaction().addSet(full))
  const three = [1, 2, 3].map((n) => ({ key: [n] }))
  t.equal(refused(ns, new Transaction().addElements(full, three)).code, 'ENFILE')
  ns.sync.nftables.commit(
    new Transaction()
      .addChain({ ...where, name: 'to' })
      .addRule({ ...where, chain: 'c', expressions: [verdict({ jump: 'to' })] }),
  )
  t.equal(
    refused(ns, new Transaction().deleteChain({ ...where, name: 'to' })).code,
    'EBUSY',
  )
  const { generation } = ns.sync.nftables.list()
  t.equal(refused(ns, new Transaction(generation - 1).addTable(table)).code, 'ERESTART')
  t.doesNotThrow(() =>
    ns.sync.nftables.commit(new Transaction(generation).addTable(table)),
  )
})

for (const destroy of [undefined, 'emulate'] as const) {
  t.test(
    `destroy takes away what is there (${destroy ?? 'by the kernel'})`,
    async (t) => {
      const ns = fresh()
      const set: SetDef = { ...where, name: 's', key: ['ipv4_addr'] }
      const object = { ...where, name: 'o', type: 'counter' } as const
      const { ruleHandles } = ns.sync.nftables.commit(
        new Transaction()
          .addSet(set)
          .addElements(set, [{ key: ['10.0.0.1'] }, { key: ['10.0.0.2'] }])
          .addObject({ ...where, name: 'o', counter: {} })
          .addRule({ ...where, chain: 'c', expressions: [counter()] }),
        { echo: true },
      )
      const handle = ruleHandles[0] ?? 0
      const options = destroy ? { destroy } : {}
      for (const _ of ['first', 'again']) {
        ns.sync.nftables.commit(
          new Transaction()
            .destroyElements(set, [['10.0.0.1'], ['10.9.9.9']])
            .destroyRule({ ...where, chain: 'c', handle })
            .destroyObject(object)
            .destroyTable({ family: 'ip6', name: 'none' }),
          options,
        )
        const { rules, objects, sets } = ns.sync.nftables.list()
        t.same([rules, objects], [[], []])
        t.same(
          sets[0]?.elements.map((e) => e.key),
          [['10.0.0.2']],
        )
      }
      for (const _ of ['first', 'again']) {
        // oxlint-disable-next-line no-await-in-loop
        await ns.nftables.commit(
          new Transaction().destroySet(set).destroyChain(chain),
          options,
        )
        t.match(ns.sync.nftables.list(), { sets: [], chains: [] })
      }
      for (const _ of ['first', 'again']) {
        ns.sync.nftables.commit(new Transaction().destroyTable(table), options)
        t.same(nftJson(ns), [])
      }
    },
  )
}

t.test('everything goes at once', async (t) => {
  const ns = fresh()
  ns.sync.nftables.commit(new Transaction().addTable({ family: 'bridge', name: 'b' }))
  ns.sync.nftables.commit(new Transaction().deleteEverything())
  t.same(nftJson(ns), [])
})
