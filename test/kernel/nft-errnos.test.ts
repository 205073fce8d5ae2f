/**
 * Every errno that the documentation of transactions, of the nft verbs and of conntrack promises,
 * provoked on the kernel; the ruleset stays as it was.
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  field,
  inSet,
  masquerade,
  NetlinkError,
  NetNs,
  objectRef,
  Transaction,
  verdict,
  type ConntrackKey,
  type RuleDef,
  type SetDef,
} from 'vnet-cni'
import { documentedErrnos } from '../helpers/documented-errnos.js'
import { runSync } from '../helpers/process.js'
import { refusal } from './helper.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const where = { family: 'ip', table: 't' } as const
const table = { family: 'ip', name: 't' } as const
const none = { ...where, name: 'none' } as const
const chain = { ...where, name: 'c' } as const
const used = { ...where, name: 'used' } as const
const set: SetDef = { ...where, name: 's', key: ['ipv4_addr'] }
const noSet: SetDef = { ...set, name: 'none' }
const map: SetDef = { ...where, name: 'm', key: ['ipv4_addr'], data: ['inet_service'] }
const chains: SetDef = { ...where, name: 'v', key: ['ipv4_addr'], verdicts: true }
const ranges: SetDef = { ...where, name: 'r', key: ['ipv4_addr'], interval: true }
const full: SetDef = { ...where, name: 'f', key: ['ipv4_addr'], size: 1 }
const counter = { ...where, name: 'o', counter: {} }
const exclusive = { exclusive: true } as const
const other = { family: 'ip', table: 'other' } as const

const rule = (of: string, ...expressions: RuleDef['expressions']): RuleDef => ({
  ...where,
  chain: of,
  expressions,
})

/** What the ruleset is before each case. */
const stage = () =>
  new Transaction()
    .addTable(table)
    .addChain(chain)
    .addChain(used)
    .addChain({ ...where, name: 'in', hook: 'input', priority: 0 })
    .addSet(set)
    .addSet(map)
    .addSet(chains)
    .addSet(ranges)
    .addSet(full)
    .addObject(counter)
    .addRule(rule('c', verdict({ jump: 'used' })))
    .addRule(rule('c', ...inSet([field.ipSource], 's')))
    .addRule(rule('c', objectRef('counter', 'o')))
    .addElements(map, [{ key: ['10.0.0.1'], data: [1] }])
    .addElements(ranges, [{ key: ['10.0.0.0/16'] }])

const key = ['10.0.0.1']
const CASES: readonly [string, (tx: Transaction) => Transaction][] = [
  ['addTable EEXIST', (tx) => tx.addTable(table, exclusive)],
  ['deleteTable ENOENT', (tx) => tx.deleteTable({ family: 'ip', name: 'none' })],
  ['flushTable ENOENT', (tx) => tx.flushTable({ family: 'ip', name: 'none' })],
  ['addChain EEXIST', (tx) => tx.addChain(chain, exclusive)],
  ['addChain ENOENT', (tx) => tx.addChain({ ...chain, table: 'none' })],
  [
    'addChain EOPNOTSUPP',
    (tx) => tx.addChain({ ...none, hook: 'forward', type: 'nat', priority: 0 }),
  ],
  [
    'addChain EOPNOTSUPP',
    (tx) => tx.addChain({ ...none, hook: 'output', type: 'nat', priority: -300 }),
  ],
  [
    'addChain EOPNOTSUPP',
    (tx) => tx.addChain({ ...where, name: 'in', hook: 'output', priority: 0 }),
  ],
  ['deleteChain ENOENT', (tx) => tx.deleteChain(none)],
  ['deleteChain EBUSY', (tx) => tx.deleteChain(used)],
  ['destroyChain ENOENT', (tx) => tx.destroyChain({ ...chain, table: 'none' })],
  ['destroyChain EBUSY', (tx) => tx.destroyChain(used)],
  ['flushChain ENOENT', (tx) => tx.flushChain(none)],
  ['renameChain EEXIST', (tx) => tx.renameChain({ ...where, handle: 1 }, 'used')],
  ['renameChain ENOENT', (tx) => tx.renameChain({ ...where, handle: 999 }, 'new')],
  ['addSet EEXIST', (tx) => tx.addSet(set, exclusive)],
  ['addSet EEXIST', (tx) => tx.addSet({ ...set, key: ['mark'] })],
  ['addSet ENOENT', (tx) => tx.addSet({ ...set, table: 'none' })],
  ['deleteSet ENOENT', (tx) => tx.deleteSet(none)],
  ['deleteSet EBUSY', (tx) => tx.deleteSet(set)],
  ['destroySet ENOENT', (tx) => tx.destroySet({ ...set, table: 'none' })],
  ['destroySet EBUSY', (tx) => tx.destroySet(set)],
  ['flushSet ENOENT', (tx) => tx.flushSet(none)],
  ['addElements EEXIST', (tx) => tx.addElements(map, [{ key, data: [2] }])],
  ['addElements EEXIST', (tx) => tx.addElements(map, [{ key, data: [1] }], exclusive)],
  ['addElements EEXIST', (tx) => tx.addElements(ranges, [{ key: ['10.0.0.0/8'] }])],
  ['addElements ENOENT', (tx) => tx.addElements(noSet, [{ key }])],
  [
    'addElements ENOENT',
    (tx) => tx.addElements(chains, [{ key, verdict: { jump: 'none' } }]),
  ],
  ['addElements ENFILE', (tx) => tx.addElements(full, [{ key }, { key: ['10.0.0.2'] }])],
  [
    'addIntervals EEXIST',
    (tx) => tx.addIntervals(ranges, [{ first: 0x0a000001, last: 0x0a000002 }]),
  ],
  ['addIntervals ENOENT', (tx) => tx.addIntervals(noSet, [{ first: 1, last: 2 }])],
  ['deleteElements ENOENT', (tx) => tx.deleteElements(set, [key])],
  ['deleteElements ENOENT', (tx) => tx.deleteElements(noSet, [key])],
  ['destroyElements ENOENT', (tx) => tx.destroyElements(noSet, [key])],
  ['addRule ENOENT', (tx) => tx.addRule(rule('none'))],
  ['addRule ENOENT', (tx) => tx.addRule(rule('c'), { after: 999 })],
  ['addRule ENOENT', (tx) => tx.addRule(rule('c', verdict({ jump: 'none' })))],
  ['addRule ENOENT', (tx) => tx.addRule(rule('c', ...inSet([field.mark], 'none')))],
  ['addRule ENOENT', (tx) => tx.addRule(rule('c', objectRef('counter', 'none')))],
  [
    'addRule ENOENT',
    (tx) => tx.addRule(rule('c', { expr: 'none', raw: new Uint8Array() })),
  ],
  ['addRule EOPNOTSUPP', (tx) => tx.addRule(rule('in', masquerade()))],
  ['insertRule ENOENT', (tx) => tx.insertRule(rule('c'), { before: 999 })],
  ['insertRule EOPNOTSUPP', (tx) => tx.insertRule(rule('in', masquerade()))],
  ['replaceRule ENOENT', (tx) => tx.replaceRule(rule('c'), 999)],
  ['deleteRule ENOENT', (tx) => tx.deleteRule({ ...where, chain: 'c', handle: 999 })],
  ['destroyRule ENOENT', (tx) => tx.destroyRule({ ...other, chain: 'c', handle: 999 })],
  ['addObject EEXIST', (tx) => tx.addObject(counter, exclusive)],
  ['addObject ENOENT', (tx) => tx.addObject({ ...counter, table: 'none' })],
  ['deleteObject ENOENT', (tx) => tx.deleteObject({ ...none, type: 'counter' })],
  ['deleteObject EBUSY', (tx) => tx.deleteObject({ ...counter, type: 'counter' })],
  [
    'destroyObject ENOENT',
    (tx) => tx.destroyObject({ ...other, name: 'o', type: 'counter' }),
  ],
  ['destroyObject EBUSY', (tx) => tx.destroyObject({ ...counter, type: 'counter' })],
]

const flow: ConntrackKey = {
  family: 'ipv4',
  original: {
    source: '192.0.2.1',
    destination: '192.0.2.2',
    protocol: 6,
    sourcePort: 1,
    destinationPort: 2,
  },
}

/** Codes of what a process without rights is refused, by name. */
const WITHOUT_RIGHTS = `
  import { NetNs, Transaction } from 'vnet-cni'
  const ns = NetNs.current()
  const flow = ${JSON.stringify(flow)}
  const verbs = {
    commit: (plan) => plan.nftables.commit(new Transaction().addTable({ family: 'ip', name: 't' })),
    del: (plan) => plan.conntrack.del(flow),
    delIfExists: (plan) => plan.conntrack.delIfExists(flow),
    flush: (plan) => plan.conntrack.flush(),
  }
  const codes = { list: await ns.nftables.list().catch((error) => error.code) }
  for (const [name, verb] of Object.entries(verbs)) {
    const plan = ns.plan()
    verb(plan)
    codes[name] = await plan.run().catch((error) => error.code)
  }
  const plan = ns.plan()
  plan.conntrack.list()
  codes.conntrack = await plan.run().catch((error) => error.code)
  console.log(JSON.stringify(codes))`

t.test('of transactions, and nothing of them stays', async (t) => {
  using ns = NetNs.create()
  ns.sync.nftables.commit(stage())
  const before = ns.sync.nftables.list()
  for (const [what, make] of CASES) {
    const [, code] = what.split(' ')
    // Something to take back.
    const tx = make(new Transaction().addTable({ family: 'ip6', name: 'first' }))
    const error = refusal(ns, (plan) => plan.nftables.commit(tx))
    t.match(error, { code, op: 'nft.batch', step: 0, message: /message 1 / }, what)
    t.strictSame(ns.sync.nftables.list(), before, what)
  }
})

t.test('of the verbs', async (t) => {
  using ns = NetNs.create()
  ns.sync.nftables.commit(stage())
  for (const [what, bad] of [
    ['ENOENT', rule('none')],
    ['EOPNOTSUPP', rule('in', masquerade())],
  ] as const) {
    for (const verb of ['addRule', 'insertRule'] as const) {
      t.equal(refusal(ns, (plan) => plan.nftables[verb](bad)).code, what, verb)
    }
  }
  const stale = new Transaction(999).addTable(table)
  t.throws(() => ns.sync.nftables.commit(stale), {
    name: 'NetlinkError',
    code: 'ERESTART',
  })
  const error = refusal(ns, (plan) => plan.conntrack.del(flow))
  t.match(error, { code: 'ENOENT', op: 'conntrack.del' })
  t.type(error, NetlinkError)
})

t.test('of a process without rights', async (t) => {
  const drop = ['--bounding-set=-all', '--inh-caps=-all']
  const node = [process.execPath, '--input-type=module', '-e', WITHOUT_RIGHTS]
  const { stdout, stderr } = runSync('setpriv', [...drop, ...node], {
    cwd: ROOT,
    env: { NODE_OPTIONS: undefined },
  })
  t.equal(stderr, '')
  t.strictSame(JSON.parse(stdout), {
    list: 'EPERM',
    commit: 'EPERM',
    del: 'EPERM',
    delIfExists: 'EPERM',
    flush: 'EPERM',
    conntrack: 'EPERM',
  })
})

t.test('the documentation and this table tell the same', async (t) => {
  const changes = CASES.map(([what]) => `Transaction.${what}`)
  const verbs = ['addRule', 'insertRule'].flatMap((verb) => [
    `nft.${verb} ENOENT`,
    `nft.${verb} EOPNOTSUPP`,
  ])
  const others = ['nft.commit ERESTART', 'nft.commit EPERM', 'list EPERM']
  const ours = new Set([...changes, ...verbs, ...others])
  const documented = ['nft', 'netlink/ruleset.ts'].flatMap(documentedErrnos)
  t.strictSame([...ours].toSorted(), documented.toSorted())
  t.strictSame(documentedErrnos('conntrack'), [
    'conntrack.del ENOENT',
    'conntrack.del EPERM',
    'conntrack.delIfExists EPERM',
    'conntrack.flush EPERM',
    'conntrack.list EPERM',
  ])
})
