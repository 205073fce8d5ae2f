import t from 'tap'
import { Transaction } from 'vnet-cni'
import {
  addMappings,
  ANY,
  describeMapping,
  makeTable,
  ONE,
  parseMappings,
  place,
} from '../../dist/esm/portmap/index.js'
import { transactionToWire } from '../helpers/internals.js'

const good = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }

t.test('mappings as the runtime gives them', async (t) => {
  t.strictSame(parseMappings(undefined), [])
  t.strictSame(parseMappings(null), [])
  t.strictSame(parseMappings([]), [])
  t.strictSame(
    parseMappings([
      good,
      { hostPort: 53, containerPort: 5353, protocol: 'UDP', hostIP: '10.0.0.4' },
      { hostPort: 1, containerPort: 65535 },
    ]),
    [
      { protocol: 'tcp', hostPort: 8080, containerPort: 80, hostAddress: undefined },
      { protocol: 'udp', hostPort: 53, containerPort: 5353, hostAddress: '10.0.0.4' },
      { protocol: 'tcp', hostPort: 1, containerPort: 65535, hostAddress: undefined },
    ],
  )
})

t.test('addresses that mean all, and IPv6', async (t) => {
  const parsed = (hostIP: unknown) => parseMappings([{ ...good, hostIP }])
  for (const all of ['', '0.0.0.0', undefined, null]) {
    t.equal(parsed(all)[0]?.hostAddress, undefined, String(all))
    t.equal(parsed(all).length, 1)
  }
  for (const six of ['::', '::1', '2001:db8::4']) t.strictSame(parsed(six), [], six)
})

t.test('one port may be mapped by address and by protocol', async (t) => {
  const list = [
    good,
    { ...good, protocol: 'udp' },
    { ...good, hostIP: '10.0.0.4' },
    { ...good, hostIP: '10.0.0.5' },
    { ...good, hostPort: 8081 },
  ]
  t.equal(parseMappings(list).length, list.length)
})

const WRONG: [string, unknown, string][] = [
  ['no list', {}, 'runtimeConfig.portMappings is {}: give a list of mappings'],
  ['text', 'x', 'runtimeConfig.portMappings is "x"'],
  ['an entry that is none', [5], 'runtimeConfig.portMappings[0] is 5'],
  ['null', [good, null], 'runtimeConfig.portMappings[1] is null'],
  ['a list for an entry', [[]], 'runtimeConfig.portMappings[0] is []'],
  ['protocol', [{ ...good, protocol: 'sctp' }], '[0].protocol is "sctp": use tcp or udp'],
  ['protocol as number', [{ ...good, protocol: 6 }], '[0].protocol is 6'],
  [
    'no hostPort',
    [good, { containerPort: 80 }],
    '[1].hostPort is missing: give a port from 1 to 65535',
  ],
  ['hostPort 0', [{ ...good, hostPort: 0 }], '[0].hostPort is 0'],
  ['hostPort too large', [{ ...good, hostPort: 65536 }], '[0].hostPort is 65536'],
  ['hostPort as text', [{ ...good, hostPort: '80' }], '[0].hostPort is "80"'],
  ['hostPort 1.5', [{ ...good, hostPort: 1.5 }], '[0].hostPort is 1.5'],
  ['no containerPort', [{ hostPort: 80 }], '[0].containerPort is missing'],
  ['containerPort -1', [{ ...good, containerPort: -1 }], '[0].containerPort is -1'],
  [
    'hostIP',
    [{ ...good, hostIP: '10.0.0' }],
    '[0].hostIP is "10.0.0": give an IPv4 or IPv6',
  ],
  ['hostIP as number', [{ ...good, hostIP: 5 }], '[0].hostIP is 5'],
  [
    'hostIP with prefix',
    [{ ...good, hostIP: '10.0.0.4/24' }],
    '[0].hostIP is "10.0.0.4/24"',
  ],
  [
    'twice',
    [good, { ...good, protocol: 'udp' }, { ...good, containerPort: 81 }],
    '[2].hostPort is 8080: runtimeConfig.portMappings[0] wants it too',
  ],
  [
    'twice, one way or another',
    [
      { ...good, hostIP: '0.0.0.0' },
      { ...good, protocol: 'TCP', hostIP: '' },
    ],
    '[1].hostPort is 8080: runtimeConfig.portMappings[0] wants it too',
  ],
]

for (const [what, raw, message] of WRONG) {
  t.test(`refused: ${what}`, async (t) => {
    const expected = { name: 'CniError', code: 7 }
    t.throws(() => parseMappings(raw), expected)
    try {
      parseMappings(raw)
    } catch (error) {
      t.ok((error as Error).message.includes(message), (error as Error).message)
    }
  })
}

t.test('mappings for people', async (t) => {
  const mapping = { protocol: 'tcp', hostPort: 80, hostAddress: undefined } as const
  t.equal(describeMapping(mapping), 'tcp 0.0.0.0:80')
  t.equal(describeMapping({ ...mapping, hostAddress: '10.0.0.4' }), 'tcp 10.0.0.4:80')
})

const [any, one] = parseMappings([good, { ...good, protocol: 'udp', hostIP: '10.0.0.4' }])

t.test('the map of a mapping, and its key', async (t) => {
  t.ok(any && one)
  if (!any || !one) return
  t.strictSame(place(any), { set: ANY, key: [6, 8080] })
  t.strictSame(place(one), { set: ONE, key: ['10.0.0.4', 17, 8080] })
})

interface Message {
  op: string
  flags: number
  args: { name?: string; set?: string; chain?: string }
}
const ops = (tx: Transaction) =>
  (transactionToWire(tx)['messages'] as unknown as Message[]).map(
    ({ op, flags, args }) =>
      `${op} ${args.name ?? args.set ?? args.chain} ${flags.toString(16)}`,
  )

t.test('the table: made once, exclusively', async (t) => {
  t.strictSame(ops(makeTable(new Transaction())), [
    'nft.table.new azure_vnet_portmap 600',
    'nft.set.new any_address 400',
    'nft.set.new one_address 400',
    'nft.set.new hairpin 400',
    'nft.chain.new prerouting 400',
    'nft.chain.new output 400',
    'nft.chain.new postrouting 400',
    'nft.chain.new translate 400',
    'nft.rule.new prerouting c00',
    'nft.rule.new output c00',
    'nft.rule.new translate c00',
    'nft.rule.new translate c00',
    'nft.rule.new postrouting c00',
    'nft.rule.new postrouting c00',
  ])
})

t.test('one element a mapping, never a rule', async (t) => {
  if (!any || !one) throw new Error('nothing parsed')
  const add = (snat: boolean) =>
    ops(addMappings(new Transaction(), [any, one], '10.1.0.7', 'net/one/eth0', snat))
  const elements = [
    'nft.elements.new any_address 600',
    'nft.elements.new one_address 600',
  ]
  t.strictSame(add(false), elements)
  t.strictSame(add(true), [...elements, 'nft.elements.new hairpin 400'])
})
