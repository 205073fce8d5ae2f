import t from 'tap'
import { Transaction, type Expr } from 'vnet-cni'
import { bridgeTable, endpointsMap } from '../../dist/esm/vnet/bridge/endpoint-map.js'
import type { PodPort } from '../../dist/esm/vnet/bridge/ports.js'
import {
  dropTable,
  makeBridgeTable,
  type BridgeTableSpec,
} from '../../dist/esm/vnet/bridge/table.js'
import {
  makeMasqueradeTable,
  type MasqueradedNetwork,
} from '../../dist/esm/vnet/masquerade.js'
import { transactionToWire } from '../helpers/internals.js'

const SPEC: BridgeTableSpec = {
  bridge: 'azure2',
  nic: 'eth0',
  mac: '02:00:00:00:00:01',
  hostAddresses: ['10.0.0.4', '10.0.0.5'],
}
const PODS = [{ address: '10.0.0.7', mac: '0a:58:0a:00:00:07', tag: 'net/one/eth0' }]
const portOf = ({ address, mac, tag }: (typeof PODS)[number]): PodPort => ({
  link: `azv${address}`,
  tag,
  mac,
  addresses: [address],
  guarded: true,
})
const PORTS = PODS.map(portOf)

interface Message {
  op: string
  flags: number
  args: {
    name?: string
    set?: string
    chain?: string
    expressions?: Expr[]
    elements?: object[]
  }
}

const messages = (tx: Transaction) =>
  transactionToWire(tx)['messages'] as unknown as Message[]
const ops = (tx: Transaction) =>
  messages(tx).map((m) => `${m.op} ${m.args.name ?? m.args.chain ?? ''}`.trim())

t.test('names of tables', async (t) => {
  t.strictSame(bridgeTable('azure2'), { family: 'bridge', name: 'azure_vnet_azure2' })
  const names = [
    'a',
    'a-2',
    'a\u02d2',
    'a.2',
    'a.2d2',
    'a.002d2',
    'a_2',
    'a@',
    'a@0',
    'ab',
    'ünïcödé',
    '😀',
    '日本',
  ]
  const tables = names.map((name) => bridgeTable(name).name)
  t.equal(new Set(tables).size, names.length, tables.join(' '))
  for (const table of tables) t.match(table, /^azure_vnet_[A-Za-z0-9_.]+$/)
  t.equal(endpointsMap('a-2').table, bridgeTable('a-2').name)
})

t.test('the bridge table is made anew in one transaction', async (t) => {
  const tx = makeBridgeTable(SPEC, PODS, PORTS)
  t.strictSame(ops(tx).slice(0, 17), [
    'nft.table.new azure_vnet_azure2',
    'nft.table.del azure_vnet_azure2',
    'nft.table.new azure_vnet_azure2',
    'nft.set.new endpoints',
    ...['ports', 'senders', 'unguarded'].map((set) => `nft.set.new ${set}`),
    'nft.set.new host_flows',
    'nft.set.new ended_flows',
    'nft.set.new host_fragments',
    ...['arp', 'ip6'].map((of) => `nft.chain.new ${of}_from_pod`),
    'nft.chain.new from_pod',
    'nft.chain.new prerouting',
    'nft.chain.new forward',
    'nft.chain.new output',
    'nft.chain.new postrouting',
  ])
  t.equal(ops(tx).at(-1), 'nft.elements.new')
  const inSet = (name: string) =>
    messages(tx).flatMap(({ op, args }) =>
      op === 'nft.elements.new' && args.set === name ? (args.elements ?? []) : [],
    ).length
  t.equal(inSet('endpoints'), 3, 'two of the host, one pod')
  t.equal(inSet('ports'), 2, 'the NIC, one pod')
  t.strictSame(['senders', 'unguarded'].map(inSet), [1, 0])
  t.equal(transactionToWire(tx)['generation'], undefined)
})

function masqueraded(network: string, ...except: string[]): MasqueradedNetwork {
  return { network, except, pods: [{ address: '10.0.0.7', tag: `${network}/one/eth0` }] }
}

t.test('masquerading adds its set and rules, and nothing when it is off', async (t) => {
  const on = makeBridgeTable(
    { ...SPEC, masqueraded: [masqueraded('net', '10.0.0.0/16')] },
    PODS,
    PORTS,
  )
  t.ok(ops(on).includes('nft.set.new except_net'))
  t.notOk(ops(makeBridgeTable(SPEC, PODS, PORTS)).some((op) => op.includes('except')))
  t.ok(messages(on).length > messages(makeBridgeTable(SPEC, PODS, PORTS)).length)
})

t.test('each network has its own exceptions', async (t) => {
  const networks = [masqueraded('a', '10.0.0.0/16'), masqueraded('b'), masqueraded('a.b')]
  const both = ops(makeBridgeTable({ ...SPEC, masqueraded: networks }, PODS, PORTS))
  const sets = both.filter((op) => op.startsWith('nft.set.new except_'))
  t.equal(new Set(sets).size, 3)
  const chains = both.filter((op) => op.startsWith('nft.chain.new snat_'))
  t.equal(new Set(chains).size, 3)
})

t.test('per pod one element, never a rule', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => ({
    address: `10.0.${1 + (i >> 8)}.${i & 255}`,
    mac: '0a:58:0a:00:00:07',
    tag: `net/${i}/eth0`,
  }))
  const count = (tx: Transaction, op: string) =>
    messages(tx).filter((m) => m.op === op).length
  const few = makeBridgeTable(SPEC, PODS, PORTS)
  const full = makeBridgeTable(SPEC, many, many.map(portOf))
  t.equal(count(full, 'nft.rule.new'), count(few, 'nft.rule.new'))
  t.ok(count(full, 'nft.elements.new') < 20)
  const snat = (pods: typeof many) => ({ ...masqueraded('net'), pods })
  const rules = (pods: typeof many) =>
    count(makeMasqueradeTable([snat(pods)]), 'nft.rule.new') +
    count(
      makeBridgeTable({ ...SPEC, masqueraded: [snat(pods)] }, pods, []),
      'nft.rule.new',
    )
  t.equal(rules(many), rules(PODS))
})

t.test('the masquerade table', async (t) => {
  const elements = (prefixes: string[]) =>
    messages(makeMasqueradeTable([masqueraded('net', ...prefixes)])).flatMap(
      (m) => m.args.elements ?? [],
    )
  t.strictSame(
    elements(['10.0.0.0/16', 'fd00::/64']),
    elements(['10.0.0.0/16']),
    'IPv6 is not masqueraded: its prefixes are no IPv4 addresses of any kind',
  )
  t.strictSame(ops(makeMasqueradeTable([masqueraded('net')])), [
    'nft.table.new azure_vnet_masquerade',
    'nft.table.del azure_vnet_masquerade',
    'nft.table.new azure_vnet_masquerade',
    'nft.set.new masqueraded',
    'nft.set.new except_net',
    'nft.elements.new',
    'nft.chain.new snat_net',
    ...Array.from({ length: 3 }, () => 'nft.rule.new snat_net'),
    'nft.elements.new',
    'nft.chain.new postrouting',
    'nft.rule.new postrouting',
  ])
  const joined = makeMasqueradeTable(
    [masqueraded('net')],
    dropTable(bridgeTable('azure2')),
  )
  t.equal(ops(joined)[1], 'nft.table.del azure_vnet_azure2')
  t.equal(ops(joined).length, 15)
})

t.test('a transaction in the addon’s form', async (t) => {
  const set = { family: 'ip', table: 't', name: 's', key: ['inet_service'] } as const
  const tx = new Transaction(7)
    .addTable({ family: 'ip', name: 't' }, { exclusive: true })
    .addSet({ ...set, dynamic: true, size: 9 })
    .addChain({ family: 'ip', table: 't', name: 'c', hook: 'input', priority: -5 })
    .addElements(set, [{ key: [80], comment: 'x' }], { exclusive: true })
    .deleteElements(set, [[80]])
  t.strictSame(transactionToWire(tx), {
    generation: 7,
    messages: [
      { op: 'nft.table.new', flags: 0x600, args: { family: 2, name: 't' } },
      {
        op: 'nft.set.new',
        flags: 0x400,
        args: {
          family: 2,
          table: 't',
          name: 's',
          flags: 48,
          keyType: 13,
          keyLength: 2,
          description: { size: 9 },
          id: 1,
        },
      },
      {
        op: 'nft.chain.new',
        flags: 0x400,
        args: {
          family: 2,
          table: 't',
          name: 'c',
          hook: { number: 1, priority: -5 },
          type: 'filter',
          policy: 1,
        },
      },
      {
        op: 'nft.elements.new',
        flags: 0x600,
        args: {
          family: 2,
          table: 't',
          set: 's',
          elements: [
            {
              key: { value: Uint8Array.of(0, 80) },
              userdata: Uint8Array.of(0, 2, 0x78, 0),
            },
          ],
        },
      },
      {
        op: 'nft.elements.del',
        flags: 0,
        args: {
          family: 2,
          table: 't',
          set: 's',
          elements: [{ key: { value: Uint8Array.of(0, 80) } }],
        },
      },
    ],
  })
})
