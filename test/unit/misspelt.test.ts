/**
 * Every public call is given `{ mistake: 1 }` at each object that it takes: what is not known is a
 * TypeError with the path of the field, never passed over.
 */
import t from 'tap'
import * as library from '../../dist/esm/index.js'
import { FakeKernel } from '../../dist/esm/testing/index.js'

const { NetNs, Transaction, ...functions } = library

// What no compiler stops: input that comes out of files, requests and JavaScript.
type Any = any

const mac = '02:00:00:00:00:09'
const address = '10.0.0.5/24'
const bytes = Uint8Array.of(1)
const f = library.field.ipSource
const counter = { packets: 1, bytes: 2 }
const quota = { bytes: 5, over: true, consumed: 1 }
const limit = { rate: 5, per: 'second', of: 'packets', burst: 1, over: false }
const where = { family: 'ip', table: 't' }
const set = { ...where, name: 's', key: ['ipv4_addr'], interval: true }
const element = { key: ['10.0.0.1'], keyEnd: ['10.0.0.2'], counter, comment: 'x' }
const rule = {
  ...where,
  chain: 'c',
  expressions: [{ expr: 'counter', data: {} }],
  compat: { protocol: 6, flags: 0 },
}
const flow = {
  family: 'ipv4',
  original: {
    source: '10.0.0.1',
    destination: '10.0.0.2',
    protocol: 1,
    icmp: { id: 1, type: 8, code: 0 },
  },
}
const flows = { family: 'ipv4', original: { protocol: 6 }, reply: { protocol: 6 } }
const link = { name: 'ok', mtu: 1400 }
const nextHop = {
  id: 5,
  group: [{ id: 1, weight: 2 }, { id: 2 }],
  groupType: 'resilient',
  resilient: { buckets: 4 },
}
const policy = {
  table: 5,
  sourcePorts: { first: 1, last: 2 },
  destinationPorts: { first: 1, last: 2 },
  uids: { first: 1, last: 2 },
}
const route = {
  to: '10.9.0.0/24',
  hops: [
    { link: 2, via: '10.0.0.1' },
    { link: 3, weight: 2 },
  ],
  metrics: { mtu: 1400 },
}
const addressSpec = { link: 2, address, lifetime: { preferred: 1, valid: 2 } }
const neighbour = { link: 2, address: '10.0.0.9' }
const fdb = { link: 2, mac }

/** Arguments of each verb, with all objects that it takes; none for those that take no object. */
const VERBS: { [group: string]: { [verb: string]: Any[][] } } = {
  link: {
    add: [
      [{ kind: 'bridge', name: 'ok' }],
      [{ kind: 'vxlan', name: 'ok', id: 5, sourcePorts: { low: 1, high: 2 } }],
      [{ kind: 'vlan', name: 'ok', id: 5, link: 2 }],
      [{ kind: 'macvlan', name: 'ok', link: 2 }],
      [{ kind: 'ipvlan', name: 'ok', link: 2 }],
      [{ kind: 'vrf', name: 'ok', table: 5 }],
      [{ kind: 'dummy', name: 'ok' }],
      [{ kind: 'tun', name: 'ok', type: 'tun' }],
    ],
    ensure: [[{ kind: 'bridge', name: 'ok' }]],
    setBridge: [[2, { stp: true }]],
    addVeth: [[link, { ...link, name: 'in' }]],
    get: [],
    read: [['ok', { optional: true, statistics: true }]],
    readByAlias: [],
    dump: [[{ statistics: true, master: null }]],
    set: [[2, { mtu: 5 }, { mtu: 6 }]],
    addAltName: [],
    delAltName: [],
    delAltNameIfExists: [],
    del: [],
    delIfExists: [],
    delGroup: [],
  },
  address: {
    add: [[addressSpec]],
    ensure: [[addressSpec]],
    replace: [[addressSpec]],
    del: [[addressSpec]],
    delIfExists: [[addressSpec]],
    flush: [[{ link: 2, family: 'ipv4' }]],
    dump: [[{ link: 2 }]],
  },
  route: {
    add: [[route]],
    append: [[route]],
    ensure: [[route]],
    replace: [[route, route]],
    del: [[route]],
    delIfExists: [[route]],
    flush: [[{ family: 'ipv4', table: 5 }]],
    dump: [[{ family: 'ipv4', table: 5 }]],
    get: [['10.0.0.1', { mark: 5 }]],
  },
  rule: {
    add: [[policy]],
    ensure: [[{ ...policy, priority: 5 }]],
    del: [[policy]],
    delIfExists: [[policy]],
    dump: [[{ family: 'ipv4' }]],
  },
  neighbour: {
    add: [[{ ...neighbour, mac }]],
    replace: [[{ ...neighbour, mac }]],
    del: [[neighbour]],
    delIfExists: [[neighbour]],
    get: [[neighbour]],
    dump: [[{ link: 2 }]],
    flush: [[{ link: 2 }]],
  },
  fdb: {
    add: [[fdb]],
    replace: [[fdb]],
    append: [[fdb]],
    del: [[fdb]],
    delIfExists: [[fdb]],
    dump: [[{ link: 2 }]],
  },
  bridgePort: {
    set: [[2, { hairpin: true }]],
    dump: [],
    addVlan: [[2, { id: 5 }]],
    delVlan: [[2, { id: 5 }]],
    vlans: [],
  },
  nextHop: {
    add: [[nextHop]],
    ensure: [[nextHop]],
    replace: [[nextHop, nextHop]],
    del: [],
    delIfExists: [],
    get: [],
    dump: [[{ family: 'ipv4' }]],
  },
  socket: { dump: [['tcp', { family: 'ipv4' }]], listeners: [['tcp', {}]] },
  generic: { get: [], dump: [] },
  ethtool: { linkState: [], linkStates: [] },
  // A namespace is no object of options.
  nsid: { set: [], get: [], dump: [] },
  sysctl: { get: [['net/ipv4/ip_forward', { optional: true }]], set: [] },
  nftables: {
    commit: [[new Transaction(), { accept: [], echo: true }]],
    addRule: [[rule]],
    insertRule: [[rule]],
    generation: [],
    tables: [[{ family: 'ip' }]],
    tableExists: [[{ family: 'ip', name: 't' }]],
    chains: [[{ family: 'ip', table: 't' }]],
    rules: [[{ family: 'ip', table: 't', chain: 'c' }]],
    sets: [[{ family: 'ip', table: 't' }]],
    objects: [[{ family: 'ip', table: 't' }, { reset: true }]],
    elements: [[set]],
  },
  conntrack: {
    list: [[flows]],
    del: [[flow]],
    delIfExists: [[flow]],
    flush: [[flows]],
  },
}

const table = { family: 'ip', name: 't', comment: 'x' }
const chain = { ...where, name: 'c', hook: 'input', priority: 0 }
const exclusive = { exclusive: true }
const object = { ...where, name: 'o', counter }
const objectRef = { ...where, name: 'o', type: 'counter' }
const handle = { ...where, chain: 'c', handle: 5 }

/** The same for the methods of a transaction. */
const CHANGES: { [method: string]: Any[][] } = {
  addTable: [[table, exclusive]],
  deleteTable: [[table]],
  destroyTable: [[table]],
  flushTable: [[table]],
  addChain: [[chain, exclusive]],
  deleteChain: [[chain]],
  destroyChain: [[chain]],
  flushChain: [[chain]],
  renameChain: [[{ ...where, handle: 5 }, 'new']],
  addSet: [[{ ...set, expressions: [{ expr: 'counter' }] }, exclusive]],
  deleteSet: [[set]],
  destroySet: [[set]],
  flushSet: [[set]],
  addElements: [[set, [element], exclusive]],
  addIntervals: [[set, [{ first: 1, last: 2 }]]],
  deleteElements: [[set, [{ key: ['10.0.0.1'] }]]],
  destroyElements: [[set, [{ key: ['10.0.0.1'] }]]],
  addRule: [[rule, { after: 5 }]],
  insertRule: [[rule, { before: 5 }]],
  replaceRule: [[rule, 5]],
  deleteRule: [[handle]],
  destroyRule: [[handle]],
  addObject: [
    [object, exclusive],
    [{ ...where, name: 'o', quota }],
    [{ ...where, name: 'o', limit }],
    [{ ...where, name: 'o', type: 'synproxy', data: { raw: bytes } }],
  ],
  deleteObject: [[objectRef]],
  destroyObject: [[objectRef]],
  addRuleset: [
    [
      {
        generation: 1,
        tables: [table],
        chains: [chain],
        objects: [object],
        sets: [{ ...set, elements: [element] }],
        rules: [rule],
      },
    ],
  ],
  deleteEverything: [],
}

/** The same for the functions that make expressions, and others. */
const FUNCTIONS: { [name: string]: Any[][] } = {
  payload: [['network', 0, 2, { offset: 10, pseudoHeader: true }]],
  hash: [[[f], 5, { seed: 1, offset: 1 }]],
  dnat: [[{ address: '10.0.0.1', port: 80 }]],
  snat: [[{ address: '10.0.0.1', flags: ['random'] }]],
  masquerade: [[{ flags: ['random'] }]],
  masqueradeTo: [[{ port: 80 }]],
  redirect: [[{ port: 80 }]],
  tproxy: [[{ family: 'ip', port: 80 }]],
  inSet: [[[f], set]],
  mapLookup: [[[f], set]],
  verdictMap: [[[f], set]],
  objectMap: [[[f], set]],
  dynset: [['add', [f], set, { timeout: 5, expressions: [{ expr: 'counter' }] }]],
  counter: [[counter]],
  limit: [[limit]],
  quota: [[quota]],
  verdict: [[{ jump: 'c' }], [{ goto: 'c' }]],
  reject: [[{ tcpReset: true }], [{ icmp: 1 }], [{ icmpv6: 1 }], [{ icmpx: 'no-route' }]],
  log: [[{ prefix: 'x' }]],
  queue: [[1, { bypass: true }]],
  dup: [[{ address: '10.0.0.1' }]],
}

/** Those that take no object but fields and expressions, which are values. */
const NO_OBJECT = new Set(
  'between bits byteorder compare connlimit ctOf decodeValue dnatFromMap encodeValue eq exprData fib forward hostOrder ifname immediate inPrefix ipv4Bytes ipv6Bytes last loadKey macBytes mask maskedEq neq notrack numgen objectRef ofProtocol rt shift socket store storeFrom'.split(
    ' ',
  ),
)

/** Members whose own members are names that a caller makes. */
const FREE = new Set(['data', 'ctHelper'])

type Path = readonly (string | number)[]

function isPlain(value: unknown): value is { [name: string]: Any } {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

/** The places of all objects in the arguments, fields and lists themselves excepted. */
function objects(value: unknown, path: Path = []): Path[] {
  if (!isPlain(value) || typeof value['load'] === 'function') return []
  const inner = Object.entries(value)
    .filter(([name]) => !FREE.has(name))
    .flatMap(([name, one]) => objects(one, [...path, name]))
  return Array.isArray(value) ? inner : [path, ...inner]
}

function withMistake(value: Any, [name, ...rest]: Path): Any {
  if (name === undefined) return { ...value, mistake: 1 }
  const copy = Array.isArray(value) ? [...value] : { ...value }
  copy[name] = withMistake(copy[name], rest)
  return copy
}

let tried = 0

/** Calls with a mistake at each object; the error says where it stands in its argument. */
function mistakes(
  t: Pick<typeof library.NetNs & Any, 'throws' | 'ok'>,
  what: string,
  lists: Any[][],
  call: (args: Any[]) => unknown,
): void {
  for (const args of lists) {
    call(args)
    for (const path of objects(args)) {
      const [, ...inside] = path
      const dots = [...inside, 'mistake'].join('\\.')
      t.throws(
        () => call(withMistake(args, path)),
        {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_VALUE',
          message: new RegExp(`(^|[\\w]\\.)${dots}: no option of .*; there are `),
        },
        `${what}: ${path.join('.')}`,
      )
      tried++
    }
  }
}

const host = new FakeKernel().netns()

t.test('every verb of a plan', async (t) => {
  const plan = host.plan() as Any
  const scope = Object.getPrototypeOf(Object.getPrototypeOf(plan))
  const groups = Object.getOwnPropertyNames(scope).filter(
    (name) => typeof plan[name] === 'object',
  )
  t.strictSame(groups.toSorted(), Object.keys(VERBS).toSorted())
  for (const [group, verbs] of Object.entries(VERBS)) {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(plan[group]))
    t.strictSame(
      names.filter((name) => name !== 'constructor').toSorted(),
      Object.keys(verbs).toSorted(),
      group,
    )
    for (const [verb, lists] of Object.entries(verbs)) {
      mistakes(t, `${group}.${verb}`, lists, (args) =>
        (host.plan() as Any)[group][verb](...args),
      )
    }
  }
  t.throws(() => plan.raw('link.get', { name: 'lo' }, { flgs: 1 }), {
    message: /^flgs: no option of Plan.raw/,
  })
})

t.test('every change of a transaction', async (t) => {
  const names = Object.getOwnPropertyNames(Transaction.prototype)
  const inner = [
    'constructor',
    'messages',
    'length',
    'toWire',
    'describe',
    'withoutDestroy',
  ]
  t.strictSame(
    names.filter((name) => !inner.includes(name)).toSorted(),
    Object.keys(CHANGES).toSorted(),
  )
  for (const [method, lists] of Object.entries(CHANGES)) {
    mistakes(t, method, lists, (args) => (new Transaction() as Any)[method](...args))
  }
})

t.test('every function', async (t) => {
  for (const [name, what] of Object.entries(functions)) {
    if (typeof what !== 'function' || /^[A-Z]/.test(name) || NO_OBJECT.has(name)) continue
    const lists = FUNCTIONS[name]
    t.ok(lists, `${name} is tried`)
    mistakes(t, name, lists ?? [], (args) => (what as Any)(...args))
  }
})

t.test('the calls of a namespace', async (t) => {
  const calls: [string, () => unknown][] = [
    ['create', () => NetNs.create({ mistake: 1 } as Any)],
    ['monitor', () => host.monitor(['link'], { mistake: 1 } as Any)],
    ['spawn', () => host.spawn('x', [], { mistake: 1 } as Any)],
    ['run', () => host.plan().run({ mistake: 1 } as Any)],
    ['runSync', () => host.plan().runSync({ mistake: 1 } as Any)],
    ['exec', () => host.exec('x', [], { mistake: 1 } as Any)],
    ['list', () => host.nftables.list({ mistake: 1 } as Any)],
    ['sync list', () => host.sync.nftables.list({ mistake: 1 } as Any)],
    ['commit', () => host.nftables.commit(new Transaction(), { mistake: 1 } as Any)],
    [
      'sync commit',
      () => host.sync.nftables.commit(new Transaction(), { mistake: 1 } as Any),
    ],
  ]
  for (const [name, call] of calls) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await t.rejects(
      async () => call(),
      {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^mistake: no option of /,
      },
      name,
    )
  }
})

t.test('what a call has beside its arguments', async (t) => {
  // Verbs with arguments that can be left out, and how many they take.
  const optional: Any = {
    link: { read: 2, set: 3, dump: 1 },
    address: { dump: 1 },
    route: { dump: 1, get: 2 },
    rule: { dump: 1 },
    neighbour: { dump: 1 },
    nftables: { commit: 2, tables: 1, chains: 1, rules: 1, sets: 1, objects: 2 },
    conntrack: { list: 1, flush: 1 },
    fdb: { dump: 1 },
    nextHop: { dump: 1 },
    socket: { dump: 2, listeners: 2 },
    sysctl: { get: 2 },
  }
  for (const [group, verbs] of Object.entries(VERBS)) {
    for (const [verb, lists] of Object.entries(verbs)) {
      const own = (host.plan() as Any)[group][verb]
      const longest = Math.max(...lists.map(({ length }: Any[]) => length))
      const takes = optional[group]?.[verb] ?? longest
      if (group === 'nftables' && verb === 'commit') continue
      t.ok(own.length >= takes, `${group}.${verb} has no default`)
      const full = [...(lists[0] ?? []), ...Array(own.length).fill(undefined)]
      const args = full.slice(0, own.length)
      for (const [call, more] of [
        [(host as Any)[group][verb], { sginal: 1 }],
        [(host.sync as Any)[group][verb], { sginal: 1 }],
        [(host.sync as Any)[group][verb], { signal: 1 }],
      ]) {
        const [name] = Object.keys(more)
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await t.rejects(
          async () => call(...args, more),
          {
            name: 'TypeError',
            code: 'ERR_INVALID_ARG_VALUE',
            message: new RegExp(`^${name}: no option of ${group}.${verb}; there are `),
          },
          `${group}.${verb} with ${name}`,
        )
      }
    }
  }
  await t.rejects((host as Any).link.del('x', undefined, 5), {
    name: 'TypeError',
    message: 'link.del: takes 1 arguments, not 3; leave out 5',
  })
  const stream = (host as Any).link.stream({}, { sginal: 1 })
  await t.rejects(stream.next(), { message: /^sginal: no option of link.stream/ })
})

t.test('words that are none', async (t) => {
  const wrong: [string, () => unknown][] = [
    ['base', () => library.payload('net' as Any, 0, 1)],
    ['what', () => library.rt('nexthop' as Any)],
    ['what', () => library.socket('x' as Any)],
    ['what', () => library.ctOf('reply', 'x' as Any)],
    ['direction', () => library.ctOf('x' as Any, 'source')],
    ['by', () => library.fib(['x' as Any], 'type')],
    ['result', () => library.fib(['source'], 'x' as Any)],
    ['op', () => library.compare(f, 'x' as Any, bytes)],
    ['op', () => library.dynset('x' as Any, [f], 's')],
    ['want', () => library.bits(f, bytes, 'x' as Any)],
    ['how', () => library.numgen('x' as Any, 5)],
    ['direction', () => library.shift('x' as Any, 1, 4)],
    ['to', () => library.byteorder('x' as Any, 4, 4)],
    ['flags', () => library.snat({ address: '10.0.0.1', flags: ['x' as Any] })],
    ['family', () => library.dnat({ family: 'x' as Any, port: 5 })],
    ['family', () => library.tproxy({ family: 'x' as Any })],
    ['level', () => library.log({ level: 'x' as Any })],
    ['icmpx', () => library.reject({ icmpx: 'x' as Any })],
    ['type', () => library.objectRef('x' as Any, 'o')],
    ['family', () => new Transaction().addTable({ family: 'x' as Any, name: 't' })],
    ['family', () => host.plan().nftables.tables({ family: 'x' as Any })],
    [
      'expressions\\.0',
      () => new Transaction().addRule({ ...rule, expressions: [[]] } as Any),
    ],
    ['expressions', () => new Transaction().addRule({ ...rule, expressions: 5 } as Any)],
    ['transaction', () => host.plan().nftables.commit({} as Any)],
    ['undo', () => host.plan().nftables.commit(new Transaction(), { undo: {} as Any })],
  ]
  for (const [field, call] of wrong) {
    t.throws(call, {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: new RegExp(`^${field}: `),
    })
  }
})

t.test('all of them were tried', async (t) => {
  t.ok(tried > 150, `${tried}`)
})
