import { readFileSync } from 'node:fs'
import t from 'tap'
import { NetNs, Transaction, type SetElement } from 'vnet-cni'
import { ensureTable } from '../../dist/esm/portmap/nft/rules.js'
import {
  addPlaced,
  placePorts,
  POD_LINKS,
  PORTS_OF_ONE_ADDRESS,
} from '../../dist/esm/portmap/nft/table.js'
import { dropTable, makeBridgeTable } from '../../dist/esm/vnet/bridge/table.js'
import { makeMasqueradeTable } from '../../dist/esm/vnet/masquerade.js'
import { MASQUERADE_TABLE } from '../../dist/esm/vnet/table-names.js'
import { act, inside, plain, read } from './helper.js'

const SPEC = {
  bridge: 'azure2',
  nic: 'eth0',
  mac: '02:00:00:00:00:01',
  hostAddresses: ['10.0.0.4', '10.0.0.5'],
  masqueraded: [
    {
      network: 'net',
      except: ['10.0.0.0/16'],
      pods: [{ address: '10.0.0.7', tag: 'net/one/eth0' }],
    },
    { network: 'far', except: ['10.0.0.0/8', '192.168.0.0/16'], pods: [] },
  ],
}
const PODS = [
  { address: '10.0.0.7', mac: '0a:58:0a:00:00:07', tag: 'net/one/eth0' },
  { address: '10.0.0.8', mac: '0a:58:0a:00:00:08', tag: 'net/two/eth0' },
]
const PORTS = PODS.map(({ address, mac, tag }, i) => ({
  link: `azv${i}`,
  tag,
  mac,
  addresses: [address],
  guarded: i === 0,
}))
const MAPPINGS = [
  { protocol: 'tcp', hostPort: 8080, containerPort: 80, hostAddress: undefined },
  { protocol: 'udp', hostPort: 53, containerPort: 5353, hostAddress: '10.0.0.4' },
] as const

const RULESETS: [string, () => Transaction][] = [
  ['bridge', () => makeBridgeTable(SPEC, PODS, PORTS)],
  ['masquerade', () => makeMasqueradeTable(SPEC.masqueraded)],
  [
    'portmap',
    () => {
      const tx = ensureTable(new Transaction())
      tx.addElements(POD_LINKS, [{ key: [SPEC.bridge] }])
      const ports = { pod: '10.0.0.7', mappings: MAPPINGS, snat: true }
      return addPlaced(tx, placePorts('net/one/eth0', ports))
    },
  ],
]

// Elements of a hash have no order of their own, and nft breaks their lines by width.
function listed(ns: NetNs): string {
  const text = inside(ns, 'nft', ['list', 'ruleset'])
  return text.replace(/elements = \{([^}]*)\}/g, (_, all: string) => {
    const sorted = all
      .split(',')
      .map((e) => e.trim())
      .toSorted()
    return `elements = { ${sorted.join(', ')} }`
  })
}

for (const [name, make] of RULESETS) {
  t.test(`${name}: the same as nft -f makes of the written rules`, async (t) => {
    using ours = NetNs.create()
    using theirs = NetNs.create()
    act(ours, (p) => p.nftables.commit(make()))
    const file = new URL(`rulesets/${name}.nft`, import.meta.url)
    inside(theirs, 'nft', ['-f', '-'], readFileSync(file, 'utf8'))
    t.ok(listed(ours).includes('comment'))
    t.equal(listed(ours), listed(theirs))
  })

  t.test(`${name}: nft takes what it lists of ours`, async (t) => {
    using ours = NetNs.create()
    using theirs = NetNs.create()
    act(ours, (p) => p.nftables.commit(make()))
    inside(theirs, 'nft', ['-f', '-'], inside(ours, 'nft', ['list', 'ruleset']))
    t.equal(listed(ours), listed(theirs))
  })
}

t.test('our reader understands what nft wrote', async (t) => {
  using ns = NetNs.create()
  const file = new URL('rulesets/portmap.nft', import.meta.url)
  inside(ns, 'nft', ['-f', '-'], readFileSync(file, 'utf8'))
  const elements = read<SetElement[]>(ns, (p) =>
    p.nftables.elements(PORTS_OF_ONE_ADDRESS),
  )
  t.strictSame(elements.map(plain), [
    { key: ['10.0.0.4', 17, 53], data: ['10.0.0.7', 5353], comment: 'net/one/eth0' },
  ])
})

t.test('making a table again replaces it, dropping it twice is fine', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.nftables.commit(makeBridgeTable(SPEC, PODS, PORTS)))
  const first = listed(ns)
  act(ns, (p) => p.nftables.commit(makeBridgeTable(SPEC, PODS, PORTS)))
  t.equal(listed(ns), first)
  act(ns, (p) => p.nftables.commit(makeBridgeTable({ ...SPEC, masqueraded: [] }, [], [])))
  t.notMatch(listed(ns), 'except')
  t.notMatch(listed(ns), '10.0.0.7')
  act(ns, (p) => p.nftables.commit(makeMasqueradeTable(SPEC.masqueraded)))
  for (let i = 0; i < 2; i++)
    act(ns, (p) => p.nftables.commit(dropTable(MASQUERADE_TABLE)))
  t.notMatch(listed(ns), MASQUERADE_TABLE.name)
})
