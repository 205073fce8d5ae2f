import t from 'tap'
import { Transaction } from 'vnet-cni'
import {
  describeMapping,
  parseMappings,
  PORT_BACKENDS,
  portBackend,
  portsShape,
} from '../../dist/esm/portmap/index.js'
import { damagedChains, ensureTable } from '../../dist/esm/portmap/nft/rules.js'
import {
  addPlaced,
  placePorts,
  PORTS_OF_ALL_ADDRESSES,
  PORTS_OF_ONE_ADDRESS,
  SNAT_PODS,
  toMapping,
} from '../../dist/esm/portmap/nft/table.js'
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

t.test('a port that is asked for twice: the first counts', async (t) => {
  const parse = (list: unknown[]) => {
    const warnings: string[] = []
    return { parsed: parseMappings(list, (text) => void warnings.push(text)), warnings }
  }
  const same = parse([
    good,
    { ...good, hostIP: '0.0.0.0' },
    { ...good, protocol: 'TCP', hostIP: '' },
  ])
  t.strictSame(same.parsed, parseMappings([good]))
  t.strictSame(same.warnings, [], 'what is the same is not worth a word')

  const other = parse([good, { ...good, containerPort: 81 }, { ...good, hostPort: 81 }])
  t.strictSame(
    other.parsed.map(({ hostPort, containerPort }) => [hostPort, containerPort]),
    [
      [8080, 80],
      [81, 80],
    ],
  )
  t.strictSame(other.warnings, [
    'runtimeConfig.portMappings[1] has no effect: tcp 0.0.0.0:8080 ' +
      'leads to port 80 by an entry before it',
  ])
  t.strictSame(parseMappings([good, { ...good, containerPort: 81 }]).length, 1)
})

t.test('fields of a mapping in any case, and those that nobody knows', async (t) => {
  const warnings: string[] = []
  const go = { HostPort: 1, ContainerPort: 2, Protocol: 'udp', HostIP: '10.0.0.4' }
  const list = [go, { ...good, HOSTPORT: 9, hostAddress: '127.0.0.1' }]
  const parsed = parseMappings(list, (text) => void warnings.push(text))
  t.match(parsed, [
    { hostPort: 1, containerPort: 2, protocol: 'udp', hostAddress: '10.0.0.4' },
    { hostPort: 8080 },
  ])
  t.strictSame(warnings, [
    'runtimeConfig.portMappings[1].hostAddress is not a known field',
  ])
})

const mappings = parseMappings([good, { ...good, protocol: 'udp', hostIP: '10.0.0.4' }])
const ports = { pod: '10.1.0.7', mappings, snat: true }
const TAG = 'net/one/eth0'

t.test('a record of ports is plain JSON, and checked when it is read', async (t) => {
  const read = JSON.parse(JSON.stringify(ports)) as unknown
  t.match(portsShape(read, 'ports'), ports)
  t.strictSame(placePorts(TAG, portsShape(read, '')), placePorts(TAG, ports))
  const wrong: [unknown, string][] = [
    [null, 'ports is null, not an object'],
    [{ ...ports, pod: 7 }, 'ports.pod is 7, not a text'],
    [{ ...ports, snat: 'yes' }, 'ports.snat is "yes", not true or false'],
    [{ ...ports, mappings: {} }, 'ports.mappings is an object, not a list'],
    [
      { ...ports, mappings: [{ ...mappings[0], protocol: 'sctp' }] },
      'ports.mappings[0].protocol is "sctp", not one of tcp, udp',
    ],
    [
      { ...ports, mappings: [{ ...mappings[0], hostAddress: 5 }] },
      'ports.mappings[0].hostAddress is 5, not a text',
    ],
  ]
  for (const [value, message] of wrong)
    t.throws(() => portsShape(value, 'ports'), { message })
})

t.test('back-ends by name', async (t) => {
  t.strictSame(PORT_BACKENDS, ['nftables'])
  t.equal(await portBackend(), await portBackend('nftables'))
})

t.test('the elements of ports, their maps and keys', async (t) => {
  const placed = placePorts(TAG, ports)
  t.strictSame(placed, [
    {
      set: PORTS_OF_ALL_ADDRESSES,
      element: { key: [6, 8080], data: ['10.1.0.7', 80], comment: TAG },
    },
    {
      set: PORTS_OF_ONE_ADDRESS,
      element: { key: ['10.0.0.4', 17, 8080], data: ['10.1.0.7', 80], comment: TAG },
    },
    { set: SNAT_PODS, element: { key: ['10.1.0.7', '10.1.0.7'], comment: TAG } },
  ])
  t.strictSame(placed.slice(0, 2).map(toMapping), mappings, 'and back')
  t.strictSame(placePorts(TAG, { ...ports, mappings: [] }), [], 'no port, no snat')
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

t.test('the table: whatever there is of it, its rules are made anew', async (t) => {
  t.strictSame(ops(ensureTable(new Transaction())), [
    'nft.table.new azure_vnet_portmap 400',
    'nft.rule.del undefined 0',
    'nft.set.new any_address 400',
    'nft.set.new one_address 400',
    'nft.set.new hairpin 400',
    'nft.set.new served_here 400',
    'nft.set.new pod_links 400',
    'nft.chain.new prerouting 400',
    'nft.chain.new output 400',
    'nft.chain.new postrouting 400',
    'nft.chain.new translate 400',
    'nft.chain.new every_address 400',
    'nft.chain.new martians_in 400',
    'nft.chain.new martians_out 400',
    'nft.rule.new prerouting c00',
    'nft.rule.new output c00',
    'nft.rule.new translate c00',
    'nft.rule.new translate c00',
    'nft.rule.new every_address c00',
    'nft.rule.new every_address c00',
    'nft.rule.new every_address c00',
    'nft.rule.new postrouting c00',
    'nft.rule.new postrouting c00',
    'nft.rule.new martians_in c00',
    'nft.rule.new martians_in c00',
    'nft.rule.new martians_out c00',
  ])
  t.strictSame(damagedChains([]).length, 7, 'without its rules no chain is whole')
})

t.test('one element a mapping, never a rule', async (t) => {
  const add = (snat: boolean) =>
    ops(addPlaced(new Transaction(), placePorts(TAG, { ...ports, snat })))
  const elements = [
    'nft.elements.new any_address 600',
    'nft.elements.new one_address 600',
  ]
  t.strictSame(add(false), elements)
  t.strictSame(add(true), [...elements, 'nft.elements.new hairpin 600'])
})
