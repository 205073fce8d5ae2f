import t from 'tap'
import { NetNs, type Address, type Link, type Plan, type Route } from 'vnet-cni'
import { FakeKernel } from 'vnet-cni/testing'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { planEndpoint, planEndpointRemoval } from '../../dist/esm/vnet/bridge/endpoint.js'
import {
  collectMove,
  mergeMoves,
  type HostMove,
} from '../../dist/esm/vnet/bridge/host-move.js'
import { planMoveToBridge, planMoveToNic } from '../../dist/esm/vnet/bridge/move-plan.js'
import type { DetachPlan, HostNetwork, Pod } from '../../dist/esm/vnet/index.js'

const NIC: Link = {
  index: 2,
  name: 'eth0',
  mac: '00:0d:3a:00:00:01',
  mtu: 1500,
  up: true,
  flags: 1,
  operState: 'up',
  group: 0,
  txQueueLength: 1000,
  promiscuity: 0,
}
const BRIDGE: Link = { ...NIC, index: 5, name: 'azure2', kind: 'bridge' }

function address(text: string, more: Partial<Address> = {}): Address {
  const family = text.includes(':') ? 'ipv6' : 'ipv4'
  return { link: 2, family, address: text, scope: 'global', flags: 0x80, ...more }
}

function route(to: string, more: Partial<Route> = {}): Route {
  return {
    family: 'ipv4',
    to,
    table: 'main',
    protocol: 'dhcp',
    scope: 'global',
    type: 'unicast',
    link: 2,
    ...more,
  }
}

const NO_MORE = {
  nextHops: [],
  neighbours: [],
  rules: [],
  acceptDad: '1',
}
const FACTS = {
  ...NO_MORE,
  links: [NIC],
  addresses: [
    address('10.0.0.4/24', { label: 'eth0' }),
    address('10.0.0.5/24', { label: 'eth0:1', flags: 0x81 }),
    address('2001:db8::4/64'),
    address('10.9.0.1/24', { link: 3 }),
  ],
  routes: [
    route('default', { via: '10.0.0.1', priority: 100 }),
    route('168.63.129.16/32', { via: '10.0.0.1', priority: 100 }),
    route('10.0.0.1/32', { scope: 'link', priority: 100 }),
    route('10.0.0.0/24', { protocol: 'kernel', scope: 'link', source: '10.0.0.4' }),
    route('2001:db8::/64', { protocol: 'kernel', family: 'ipv6', priority: 256 }),
    route('10.0.0.4/32', { protocol: 'kernel', table: 'local', type: 'local' }),
    route('10.9.0.0/16', { link: 3 }),
    route('10.8.0.0/16', { link: undefined as never, hops: [{ link: 2 }, { link: 3 }] }),
  ],
}

/** Verb and subject of each step: `address.new 10.0.0.4@5`. */
function shown(plan: Plan): string[] {
  return plan.steps.map(({ op, args }) => {
    const { index, link, local, to, name, toLength } = args as Record<string, string>
    const on = index ?? link
    const subject = local ?? to ?? name ?? (toLength === undefined ? '' : 'default')
    return `${op} ${subject}${on === undefined ? '' : `@${on}`}`.trim()
  })
}

const at = (steps: string[], text: string) => {
  const found = steps.indexOf(text)
  if (found < 0) throw new Error(`${text} is not among\n${steps.join('\n')}`)
  return found
}

function movePlan(make: (plan: Plan, move: HostMove) => void, move: HostMove) {
  using host = NetNs.current()
  const plan = host.plan()
  make(plan, move)
  return { plan, steps: shown(plan) }
}

t.test('what is on the NIC is collected, the kernel’s own left out', async (t) => {
  const move = collectMove(FACTS, NIC, 'azure2')
  t.match(move, {
    nic: { index: 2, name: 'eth0', mac: NIC.mac },
    bridge: 'azure2',
    mtu: 1500,
  })
  t.strictSame(
    move.addresses.map((a) => a.address),
    ['10.0.0.4/24', '10.0.0.5/24', '2001:db8::4/64'],
  )
  const to = move.routes.map((r) => r.to)
  t.strictSame(to.toSorted(), [
    '10.0.0.1/32',
    '10.8.0.0/16',
    '168.63.129.16/32',
    'default',
  ])
  t.equal(to[0], '10.0.0.1/32', 'what gateways need comes first')
  t.strictSame(JSON.parse(JSON.stringify(move)).routes.length, 4, 'plain data')
})

t.test('what is on the bridge already is collected in the NIC’s form', async (t) => {
  const half = {
    ...NO_MORE,
    links: [NIC, BRIDGE],
    addresses: [
      address('10.0.0.4/24', { link: 5, label: 'azure2' }),
      address('10.0.0.4/24', { label: 'eth0' }),
      address('10.0.0.5/24', { link: 5, label: 'azure2:1' }),
    ],
    routes: [
      route('default', { via: '10.0.0.1', link: 5 }),
      route('10.8.0.0/16', {
        link: undefined as never,
        hops: [{ link: 5 }, { link: 3 }],
      }),
    ],
  }
  const move = collectMove(half, NIC, 'azure2')
  t.strictSame(
    move.addresses.map((a) => [a.address, a.link, a.label]),
    [
      ['10.0.0.4/24', 2, 'eth0'],
      ['10.0.0.5/24', 2, 'eth0:1'],
    ],
  )
  t.strictSame(
    move.routes.map((r) => r.link ?? r.hops?.map((h) => h.link)).toSorted(),
    [2, [2, 3]].toSorted(),
  )
})

t.test('a saved move fills in what is missing now', async (t) => {
  const saved = collectMove(FACTS, NIC, 'azure2')
  const now: HostMove = {
    ...saved,
    nic: { ...saved.nic, index: 9 },
    mtu: 9000,
    addresses: [address('10.0.0.4/24', { link: 9, label: 'now' })],
    routes: [],
  }
  const merged = mergeMoves(now, saved)
  t.equal(merged.mtu, 9000)
  t.strictSame(
    merged.addresses.map((a) => [a.address, a.link]),
    [
      ['10.0.0.4/24', 9],
      ['10.0.0.5/24', 9],
      ['2001:db8::4/64', 9],
    ],
  )
  t.equal(merged.addresses[0]?.label, 'now', 'what is there now wins')
  t.equal(merged.routes.length, saved.routes.length)
  t.ok(merged.routes.every((r) => r.link === 9 || r.hops?.[0]?.link === 9))
  t.equal(mergeMoves(now, undefined), now)
  const other = { ...saved, nic: { ...saved.nic, name: 'eth7' } }
  t.equal(mergeMoves(now, other), now, 'another NIC’s is of no use')
})

t.test('to the bridge: the new before the old is taken away', async (t) => {
  const move = collectMove(FACTS, NIC, 'azure2')
  const { plan, steps } = movePlan((p, m) => planMoveToBridge(p, m, 5, FACTS), move)
  for (const local of ['10.0.0.4', '10.0.0.5', '2001:db8::4']) {
    t.ok(at(steps, `address.new ${local}@5`) < at(steps, `address.del ${local}@2`), local)
  }
  const removed = steps.findIndex((s) => s.startsWith('address.del'))
  for (const to of ['default', '168.63.129.16', '10.0.0.1']) {
    t.ok(at(steps, `route.new ${to}@5`) < removed, `${to} is there before`)
    t.ok(steps.lastIndexOf(`route.new ${to}@5`) > removed, `${to} is put in place again`)
  }
  t.notOk(
    steps.some((s) => s.startsWith('route.del')),
    'no route is ever taken away',
  )
  t.notOk(
    steps.some((s) => s.endsWith('@3') || s.includes('10.9.')),
    'other links are left alone',
  )
  const labels = plan.steps
    .filter((s) => s.op === 'address.new')
    .map((s) => s.args['label'])
  t.strictSame(labels.slice(0, 2), ['azure2', 'azure2:1'])
})

t.test('every step of a move that changes something has its undo', async (t) => {
  const move = collectMove(FACTS, NIC, 'azure2')
  for (const make of [
    (p: Plan, m: HostMove) => planMoveToBridge(p, m, 5, FACTS),
    (p: Plan, m: HostMove) => planMoveToNic(p, m, 5, FACTS),
  ]) {
    const { plan, steps } = movePlan(make, move)
    const removed = steps.findIndex((s) => s.startsWith('address.del'))
    const changes = ['address.new', 'address.del', 'link.set', 'sysctl.set']
    plan.steps.forEach((step, i) => {
      const first = i < removed || step.op === 'address.del'
      // A route by a gateway comes back after the one to the gateway: by the undo of a step before.
      const before = plan.steps.slice(1, i + 1).flatMap(({ undo }) => undo ?? [])
      const isBack = before.some(({ args }) => args['to'] === step.args['to'])
      if (step.op === 'route.new' && first) t.ok(isBack, steps[i] ?? '')
      // The switch is set back by the undo of the step that turned it first.
      const off = step.op === 'sysctl.set' && step.args['value'] !== '0'
      if (changes.includes(step.op) && !off) t.ok(step.undo?.length, steps[i] ?? '')
    })
    t.ok(
      (plan.steps[0]?.undo?.length ?? 0) >= move.routes.length,
      'the last undo restores routes',
    )
  }
})

t.test('back to the NIC: the mirror image', async (t) => {
  const move = collectMove(FACTS, NIC, 'azure2')
  const { plan, steps } = movePlan((p, m) => planMoveToNic(p, m, 5, FACTS), move)
  t.ok(at(steps, 'address.new 10.0.0.4@2') < at(steps, 'address.del 10.0.0.4@5'))
  t.ok(at(steps, 'route.new default@2') < at(steps, 'address.del 10.0.0.4@5'))
  const [leave] = plan.steps.filter((s) => s.op === 'link.set')
  t.match(leave, {
    args: { index: 2, master: 0 },
    undo: [{ args: { index: 2, master: 5 } }],
  })
})

t.test('without IPv6 addresses no switch is touched', async (t) => {
  const facts = { ...FACTS, addresses: FACTS.addresses.slice(0, 2) }
  const { steps } = movePlan(
    (p, m) => planMoveToBridge(p, m, 5, FACTS),
    collectMove(facts, NIC, 'azure2'),
  )
  t.notOk(steps.some((s) => s.startsWith('sysctl')))
})

const OWNER = { network: 'net', containerId: 'one', ifname: 'eth0' }
const HOST_LINK = hostLinkName(OWNER)
const POD_MAC = '0a:58:0a:00:00:07'
const LEASED = {
  address: '10.0.0.7/24',
  gateway: '10.0.0.1',
  pool: '10.0.0.0/24',
  nic: 'eth0',
}

function network(
  masquerade: HostNetwork['masquerade'],
  unguarded: string[] = [],
): HostNetwork {
  return {
    mode: 'bridge',
    name: 'azure2',
    nic: 'eth0',
    phase: 'ready',
    made: true,
    lifetime: 'node',
    move: collectMove(FACTS, NIC, 'azure2'),
    masquerade,
    unguarded,
  }
}

function attach(
  masquerade: HostNetwork['masquerade'] = {},
  { unguarded = [] as string[], siblings = [] as Pod[] } = {},
) {
  using host = NetNs.current()
  using sandbox = NetNs.current()
  const plan = host.plan()
  const pod = planEndpoint(plan, {
    owner: OWNER,
    sandbox,
    network: network(masquerade, unguarded),
    link: BRIDGE,
    mtu: 1400,
    addresses: [LEASED],
    siblings,
  })
  return { plan, pod }
}

t.test('an endpoint: the steps of ADD', async (t) => {
  const { plan, pod } = attach()
  t.match(pod, {
    addresses: [{ address: '10.0.0.7/24', mac: POD_MAC }],
    hostLink: HOST_LINK,
  })
  t.strictSame(
    plan.steps.map((s) => `${s.ns} ${s.op}`),
    [
      '0 nft.batch',
      '0 link.new',
      '0 bridgePort.set',
      '0 sysctl.set',
      '0 neighbour.new',
      '1 sysctl.set',
      '1 address.new',
      '1 link.set',
      '1 route.new',
      // Whether Docker's firewall lets the bridge through.
      '0 nft.chain.get',
      '0 nft.rule.dump',
      // Whether the firewall is another than it was.
      '0 nft.table.dump',
      '0 nft.chain.get',
      '0 link.get',
    ],
  )
  const [element, veth, port, , neighbour, , addressed] = plan.steps
  t.match(element, {
    args: { messages: [{ op: 'nft.elements.new', flags: 0x600 }] },
    undo: [{ op: 'nft.batch', args: { messages: [{ op: 'nft.elements.del' }] }, ns: 0 }],
  })
  t.match(veth, {
    args: {
      name: HOST_LINK,
      master: 5,
      mtu: 1400,
      info: {
        kind: 'veth',
        data: { peer: { name: 'eth0', mtu: 1400, mac: POD_MAC, netns: 1 } },
      },
    },
    undo: [{ op: 'link.del' }],
  })
  t.match(port, { args: { index: { ref: 1, field: 'index' }, port: { hairpin: 1 } } })
  t.match(neighbour, {
    args: { link: 5, address: '10.0.0.7' },
    undo: [{ op: 'neighbour.del' }],
  })
  t.match(addressed, {
    args: { index: { ref: 1, field: 'peerIndex' }, prefixLength: 24 },
  })
})

/** Tables whose elements the first step of a plan adds. */
function tables(plan: Plan): string[] {
  const { messages } = plan.steps[0]!.args as unknown as {
    messages: { args: { table: string; set: string } }[]
  }
  return messages.map(({ args }) => `${args.table} ${args.set}`)
}

t.test('an endpoint has SNAT when its own network asks for it', async (t) => {
  const setting = { except: ['10.0.0.0/24'], auto: false }
  const ports = ['ports', 'senders'].map((set) => `azure_vnet_azure2 ${set}`)
  const alone = ['azure_vnet_azure2 endpoints', ...ports]
  t.strictSame(tables(attach().plan), alone)
  t.strictSame(tables(attach({ other: setting }).plan), alone, "another's is no matter")
  t.strictSame(tables(attach({ net: setting, other: setting }).plan), [
    alone[0],
    'azure_vnet_azure2 masqueraded',
    'azure_vnet_masquerade masqueraded',
    ...ports,
  ])
})

/** Elements that the first step of a plan adds to a set, as keys in hex. */
function keys(plan: Plan, name: string): string[] {
  const { messages } = plan.steps[0]!.args as unknown as {
    messages: { args: { set: string; elements: { key: { value: Uint8Array } }[] } }[]
  }
  return messages
    .filter(({ args }) => args.set === name)
    .flatMap(({ args }) => args.elements)
    .map(({ key }) => Buffer.from(key.value).toString('hex'))
}

t.test('a pod sends in its own name, unless its network runs routers', async (t) => {
  const port = Buffer.from(HOST_LINK.padEnd(16, '\0')).toString('hex')
  const { plan } = attach()
  t.strictSame(keys(plan, 'ports'), [port])
  t.strictSame(keys(plan, 'senders'), [`${port}0a580a00000700000a000007`])
  t.strictSame(keys(plan, 'unguarded'), [])
  const free = attach({}, { unguarded: ['other', 'net'] }).plan
  t.strictSame(keys(free, 'ports'), [port])
  t.strictSame(keys(free, 'unguarded'), [port])
  t.strictSame(keys(free, 'senders'), [])
})

t.test('interfaces of one container send in the name of each other', async (t) => {
  const sibling = {
    owner: { ...OWNER, ifname: 'net1' },
    addresses: [{ address: '10.0.0.9/24', mac: '0a:58:0a:00:00:09' }],
  }
  const bytes = (name: string) => Buffer.from(name.padEnd(16, '\0')).toString('hex')
  const [port, other] = [HOST_LINK, hostLinkName(sibling.owner)].map(bytes)
  t.strictSame(keys(attach({}, { siblings: [sibling] }).plan, 'senders'), [
    `${port}0a580a00000700000a000007`,
    `${port}0a580a00000700000a000009`,
    `${other}0a580a00000900000a000007`,
  ])
})

t.test('an endpoint’s removal accepts what is gone', async (t) => {
  const kernel = new FakeKernel()
  using host = kernel.netns()
  const index = await host.link.add({ kind: 'bridge', name: 'azure2' })
  const remove = (
    bridge: string,
    masqueraded: boolean,
    more: Partial<DetachPlan> = {},
  ) => {
    const plan = host.plan()
    planEndpointRemoval(plan, host, {
      network: bridge,
      record: undefined,
      addresses: [{ address: '10.0.0.7/24', mac: POD_MAC }],
      siblings: [],
      masqueraded,
      ...more,
    })
    return plan.steps
  }
  t.match(remove('azure2', false), [
    { op: 'nft.batch', accept: [2] },
    { op: 'neighbour.del', accept: [2, 19], args: { link: index, address: '10.0.0.7' } },
  ])
  t.equal(remove('azure7', false).length, 1, 'without a bridge there is no neighbour')
  const all = remove('azure2', true).filter(({ op }) => op === 'nft.batch')
  t.equal(all.length, 3, 'SNAT has an element in the table of the bridge and of the node')
  for (const step of all) t.strictSame(step.accept, [2])
  const sets = (more: Partial<DetachPlan>) =>
    remove('azure7', false, { owner: OWNER, ...more }).map(
      ({ args }) =>
        (args as unknown as { messages: { args: { set: string } }[] }).messages[0]!.args
          .set,
    )
  const guarded = ['ports', 'senders']
  t.strictSame(sets({ record: network({}) }), [...guarded, 'endpoints'])
  t.strictSame(sets({ record: network({}, ['net']) }), [
    'ports',
    'unguarded',
    'endpoints',
  ])
  t.strictSame(sets({}), [...guarded, 'ports', 'unguarded', 'endpoints'], 'either way')
})
