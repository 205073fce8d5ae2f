/** Others' firewalls: what a chain does with a packet that is known in part, and when it is said. */
import t from 'tap'
import { Transaction, type Expr } from 'vnet-cni'
import {
  bits,
  counter,
  eq,
  field,
  hostOrder,
  ifname,
  inSet,
  limit,
  neq,
  reject,
  verdict,
  type RuleInfo,
} from '../../dist/esm/nft/index.js'
import { walk, type Packet, type Ruleset } from '../../dist/esm/vnet/firewall/walk.js'
import { CONFIG, FakeVm } from '../helpers/fake-vm.js'

const PACKET: Packet = {
  'meta:6': ifname('azure0'),
  'meta:7': ifname('azure0'),
  'meta:16': Uint8Array.of(6),
  'ct:0': hostOrder(8),
}

function ruleset(chains: Record<string, Expr[][]>, sets: Ruleset['sets'] = new Map()) {
  const rules = Object.entries(chains).map(([chain, all]): [string, RuleInfo[]] => [
    chain,
    all.map((expressions, i) => ({
      ...({ family: 'inet', table: 'filter', chain, handle: i } as const),
      expressions,
    })),
  ])
  return { rules: new Map(rules), sets }
}

const fate = (rules: Expr[][], more: Record<string, Expr[][]> = {}) => {
  const { fate: end, mayAccept } = walk(
    ruleset({ forward: rules, ...more }),
    'forward',
    PACKET,
  )
  return mayAccept ? `${end}, may accept` : end
}

const from = (name: string) => eq(field.iifname, ifname(name))
const ACCEPT = verdict('accept')
const DROP = verdict('drop')

t.test('conditions hold, do not, or cannot be told', async (t) => {
  const cases: [string, Expr[][], string][] = [
    ['nothing', [], 'goes on'],
    ['all', [[counter(), ACCEPT]], 'accept'],
    ['the link', [[...from('azure0'), ACCEPT]], 'accept'],
    ['another link', [[...from('eth0'), ACCEPT]], 'goes on'],
    ['links that begin so', [[...from('azure*'), ACCEPT]], 'accept'],
    ['not another', [[...neq(field.iifname, ifname('eth0')), ACCEPT]], 'accept'],
    ['what is new', [[...bits(field.ctState, hostOrder(8), 'any'), ACCEPT]], 'accept'],
    ['what is not', [[...bits(field.ctState, hostOrder(6), 'any'), ACCEPT]], 'goes on'],
    ['TCP', [[...eq(field.l4proto, Uint8Array.of(6)), ACCEPT]], 'accept'],
    ['ICMP', [[...eq(field.l4proto, Uint8Array.of(1)), ACCEPT]], 'goes on'],
    [
      'an address',
      [[...eq(field.ipSource, new Uint8Array(4)), ACCEPT]],
      'goes on, may accept',
    ],
    ['at a rate', [[limit({ rate: 1, per: 'second' }), ACCEPT]], 'goes on, may accept'],
    ['reject', [[reject()]], 'drop'],
    ['first come', [[DROP], [ACCEPT]], 'drop'],
    [
      'an address dropped',
      [[...eq(field.ipSource, new Uint8Array(4)), DROP], [ACCEPT]],
      'accept',
    ],
    [
      'a set that is not known',
      [[...inSet([field.iifname], 'links'), ACCEPT]],
      'goes on, may accept',
    ],
  ]
  for (const [name, rules, expected] of cases) t.equal(fate(rules), expected, name)
})

t.test('chains that are jumped to', async (t) => {
  const more = { mine: [[...from('azure0'), verdict('return')], [DROP]], yes: [[ACCEPT]] }
  t.equal(fate([[verdict({ jump: 'mine' })], [ACCEPT]], more), 'accept', 'back by return')
  t.equal(
    fate([[verdict({ goto: 'mine' })], [ACCEPT]], more),
    'goes on',
    'goto has no way back',
  )
  t.equal(fate([[verdict({ jump: 'yes' })], [DROP]], more), 'accept')
  const loop = { forward: [[verdict({ jump: 'forward' })]] }
  t.match(
    walk(ruleset(loop), 'forward', PACKET),
    { mayAccept: true },
    'an end in any case',
  )
})

t.test('sets whose keys are known', async (t) => {
  const key = Buffer.from(ifname('azure0')).toString('hex')
  const rules = { forward: [[...inSet([field.iifname], 'links'), ACCEPT]] }
  const of = (keys: string[]) =>
    walk(
      ruleset(rules, new Map([['links', new Map(keys.map((one) => [one, undefined]))]])),
      'forward',
      PACKET,
    ).fate
  t.equal(of([key]), 'accept')
  t.equal(of([key.replace('61', '62')]), 'goes on')
})

function dropForward(vm: FakeVm): void {
  const at = { family: 'ip', table: 'filter' } as const
  const tx = new Transaction()
    .addTable({ family: 'ip', name: 'filter' })
    .addChain({ ...at, name: 'FORWARD', hook: 'forward', policy: 'drop' })
  vm.host.sync.nftables.commit(tx)
}

t.test('strictHost refuses, before a network is on record', async (t) => {
  const vm = new FakeVm()
  dropForward(vm)
  const before = vm.picture()
  const strict = { config: { ...CONFIG, strictHost: true } }
  const { status, json } = await vm.add('web', strict)
  t.equal(status, 1)
  t.match(json, {
    code: 108,
    msg: /FORWARD of table ip filter drops/,
    details: /iptables -I/,
  })
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.data('azure-vnet.json').networks, {})
  t.equal((await vm.add('web')).status, 0, 'without it, it is said and done')
  t.match(vm.data('azure-vnet.json').networks.azure0.firewall.said, [/FORWARD/])
})
