import t, { type Test } from 'tap'
import { Transaction } from 'vnet-cni'
import {
  NEWEST_CHAIN,
  PORTS_OF_ALL_ADDRESSES,
  SNAT_PODS,
  TABLE,
} from '../../dist/esm/portmap/nft/table.js'
import {
  BRIDGE,
  portmapMachine,
  portsOf,
  tcp,
  type PortmapMachine,
} from '../helpers/portmap-machine.js'

const A = 'net/a/eth0'
const B = 'net/b/eth0'
const udp = (hostPort: number, hostAddress?: string) =>
  tcp(hostPort, { protocol: 'udp', hostAddress })

function assertNothing(t: Test, m: PortmapMachine): void {
  t.notOk(m.hasTable(), 'no table is left')
}

t.test('ports come and go with their owners, the table with the last', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080), udp(53, '10.240.0.4')]))
  await m.backend.add(m.host, B, portsOf(6, [tcp(8081)], false))
  t.strictSame(m.elements(), [
    'any_address 6,8080 → 10.240.0.5,80 (net/a/eth0)',
    'any_address 6,8081 → 10.240.0.6,80 (net/b/eth0)',
    'hairpin 10.240.0.5,10.240.0.5 (net/a/eth0)',
    'one_address 10.240.0.4,17,53 → 10.240.0.5,80 (net/a/eth0)',
  ])
  t.strictSame((await m.backend.holders(m.host)).toSorted(), [A, B])
  const flushed = m.kernel.steps.filter(({ op }) => op === 'conntrack.flush')
  t.equal(flushed.length, 1, 'flows to the UDP port are forgotten')

  m.kernel.reset()
  await m.backend.remove(m.host, A)
  t.strictSame(m.elements(), ['any_address 6,8081 → 10.240.0.6,80 (net/b/eth0)'])
  const again = m.kernel.steps.filter(({ op }) => op === 'conntrack.flush')
  t.equal(again.length, 1, 'and forgotten again')
  await m.backend.remove(m.host, A)
  await m.backend.remove(m.host, B)
  assertNothing(t, m)
  await m.backend.remove(m.host, B)
  t.strictSame(await m.backend.holders(m.host), [])
})

t.test('an ADD of what is whole reads nothing before it writes', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  m.kernel.reset()
  await m.backend.add(m.host, B, portsOf(6, [tcp(8081)]))
  t.strictSame(
    m.kernel.steps.map(({ op }) => op),
    [
      ...['route.get', 'link.get'],
      ...['nft.chain.get', 'nft.batch', 'sysctl.set'],
      ...['nft.elements.dump', 'nft.elements.dump'],
    ],
  )
})

const CONFLICTS: [string, ReturnType<typeof tcp>, ReturnType<typeof tcp>][] = [
  ['the same port', tcp(8080), tcp(8080, { containerPort: 81 })],
  ['all addresses, then one', tcp(8080), tcp(8080, { hostAddress: '10.240.0.4' })],
  ['one address, then all', tcp(8080, { hostAddress: '127.0.0.1' }), tcp(8080)],
  ['the same address', udp(53, '10.240.0.4'), udp(53, '10.240.0.4')],
]

for (const [what, first, second] of CONFLICTS) {
  t.test(`a port that is held: ${what}`, async (t) => {
    const m = await portmapMachine()
    await m.backend.add(m.host, A, portsOf(5, [first]))
    const before = m.elements()
    const late = m.backend.add(m.host, B, portsOf(6, [tcp(9090), second]))
    await t.rejects(late, {
      name: 'CniError',
      code: 102,
      msg: new RegExp(
        `host port ${second.protocol} .*:${second.hostPort} is held by ${A}`,
      ),
      details: /Choose another hostPort/,
    })
    t.strictSame(
      m.elements(),
      before,
      'nothing of it is left, nor of the port that was free',
    )
    await m.backend.remove(m.host, A)
    await m.backend.add(m.host, B, portsOf(6, [tcp(9090), second]))
    t.equal(m.elements().length, 3, 'DEL made it free')
  })
}

t.test('no conflict: another protocol, another address', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(
    m.host,
    A,
    portsOf(5, [tcp(53), tcp(80, { hostAddress: '10.240.0.4' })]),
  )
  await m.backend.add(
    m.host,
    B,
    portsOf(6, [udp(53), tcp(80, { hostAddress: '127.0.0.1' })]),
  )
  t.strictSame((await m.backend.holders(m.host)).toSorted(), [A, B])
})

t.test('an ADD that is repeated replaces what the first one left', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080), tcp(8081)]))
  await m.backend.add(m.host, A, portsOf(7, [tcp(8080), tcp(8082)], false))
  t.strictSame(m.elements(), [
    'any_address 6,8080 → 10.240.0.7,80 (net/a/eth0)',
    'any_address 6,8082 → 10.240.0.7,80 (net/a/eth0)',
  ])
})

t.test('what a pod that is no more left under the same address', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  await m.backend.add(m.host, B, portsOf(5, [tcp(8081)]))
  t.ok(m.elements().includes('hairpin 10.240.0.5,10.240.0.5 (net/b/eth0)'))
  await m.backend.remove(m.host, A)
  t.strictSame(m.elements(), [
    'any_address 6,8081 → 10.240.0.5,80 (net/b/eth0)',
    'hairpin 10.240.0.5,10.240.0.5 (net/b/eth0)',
  ])
})

t.test('snat is a matter of each pod', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, B, portsOf(6, [tcp(8081)], false))
  t.equal(m.routeLocalnet(), '0', 'nobody needs it')
  t.strictSame(m.links(), [BRIDGE])
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  t.equal(m.routeLocalnet(), '1')
  t.notOk(m.elements().some((line) => /hairpin.*10\.240\.0\.6/.test(line)))
  await m.backend.remove(m.host, A)
  t.equal(m.routeLocalnet(), '0', 'it goes with the last who needs it')
  t.ok(m.hasTable(), 'the other one has its port')
})

t.test('route_localnet goes back to what a new link gets', async (t) => {
  const m = await portmapMachine()
  m.setRouteLocalnet('1', 'default')
  m.setRouteLocalnet('1')
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  await m.backend.remove(m.host, A)
  t.equal(m.routeLocalnet(), '1', 'the host has it on for all of its links')

  const gone = await portmapMachine()
  await gone.backend.add(gone.host, A, portsOf(5, [tcp(8080)]))
  gone.host.sync.link.del(BRIDGE)
  await gone.backend.remove(gone.host, A)
  assertNothing(t, gone)
})

t.test('a pod that the host has no way to', async (t) => {
  const m = await portmapMachine()
  const far = { pod: '192.0.2.1', mappings: [tcp(8080)] }
  await t.rejects(m.backend.add(m.host, A, { ...far, snat: true }), {
    op: 'route.get',
    code: 'ENETUNREACH',
  })
  assertNothing(t, m)
  await m.backend.add(m.host, A, { ...far, snat: false })
  t.strictSame(m.links(), [], 'without snat it does not matter')
  t.equal(m.elements().length, 1)
})

t.test('races: whoever comes between, the next round knows it', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  // The port was held when it was taken, and free when somebody looked who has it.
  m.kernel.failOn('nft.batch', 'EEXIST', { times: 3 })
  await m.backend.add(m.host, B, portsOf(6, [tcp(8081)]))
  t.equal(m.elements().length, 4)
  // The last DEL took the table after it was seen.
  m.kernel.failOn('nft.batch', 'ENOENT', { times: 2 })
  await m.backend.add(m.host, 'net/c/eth0', portsOf(7, [tcp(8082)]))
  t.equal(m.elements().length, 6)
  // Another commit came between reading and deleting; the element or its table went.
  m.kernel.failOn('nft.batch', 'ERESTART', { times: 2 })
  m.kernel.failOn('nft.batch', 'ENOENT')
  await m.backend.remove(m.host, B)
  t.equal(m.elements().length, 4)
  m.kernel.failOn('nft.batch', 'ERESTART', { times: 2 })
  await m.backend.remove(m.host, A)
  m.kernel.failOn('nft.batch', 'ERESTART', { times: 2 })
  await m.backend.remove(m.host, 'net/c/eth0')
  assertNothing(t, m)
  t.equal(m.routeLocalnet(), '0')
})

t.test('a race that never ends is given up with what the kernel said', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  for (const code of ['EEXIST', 'ENOENT']) {
    m.kernel.reset()
    m.kernel.failOn('nft.batch', code, { times: 50 })
    await t.rejects(m.backend.add(m.host, B, portsOf(6, [tcp(8081)])), { code })
    t.equal(m.commits(), 50)
    t.equal(m.elements().length, 2)
  }
  m.kernel.reset()
  m.kernel.failOn('nft.batch', 'ERESTART', { times: Infinity })
  await t.rejects(m.backend.remove(m.host, A), { code: 'ERESTART' })
  t.equal(m.commits(), 50)
  t.equal(m.routeLocalnet(), '1', 'the switch is as it was')
  const lost = [{ tag: B, ports: portsOf(6, [tcp(8081)]) }]
  await t.rejects(m.backend.restore(m.host, lost), { code: 'ERESTART' })
  m.kernel.reset()
  t.equal(m.elements().length, 2)
})

t.test(
  'the switch is put back when somebody comes while the last pod goes',
  async (t) => {
    const m = await portmapMachine()
    await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
    m.kernel.reset()
    m.kernel.failOn('nft.batch', 'ERESTART')
    await m.backend.remove(m.host, A)
    const steps = m.kernel.steps.filter(({ op }) => /sysctl.set|nft.batch/.test(op))
    t.match(steps, [
      { op: 'sysctl.set', args: { value: '0' } },
      { op: 'nft.batch', code: 'ERESTART' },
      { op: 'sysctl.set', args: { value: '1' }, undo: true },
      { op: 'sysctl.set', args: { value: '0' } },
      { op: 'nft.batch' },
    ])
  },
)

const FAILURES = [
  ['nft.batch', 'EPERM'],
  ['sysctl.set', 'EACCES'],
  ['conntrack.flush', 'EPERM'],
  ['nft.elements.dump', 'EPERM'],
] as const

for (const [op, code] of FAILURES) {
  t.test(`an ADD that fails at ${op} leaves nothing`, async (t) => {
    const m = await portmapMachine()
    const ports = portsOf(5, [tcp(8080), udp(53)])
    const syscall = op === 'sysctl.set' ? 'open' : ''
    m.kernel.failOn(op, code, { syscall })
    await t.rejects(m.backend.add(m.host, A, ports), { code })
    assertNothing(t, m)

    await m.backend.add(m.host, B, portsOf(6, [tcp(8081)]))
    const before = m.elements()
    m.kernel.failOn(op, code, { syscall })
    await t.rejects(m.backend.add(m.host, A, ports), { code })
    t.strictSame(m.elements(), before, 'beside others neither')
  })
}

t.test('the first error is told when the clearing up fails too', async (t) => {
  const m = await portmapMachine()
  m.kernel.failOn('nft.batch', 'EPERM')
  m.kernel.failOn('nft.generation.get', 'ENOMEM')
  await t.rejects(m.backend.add(m.host, A, portsOf(5, [tcp(8080)])), { code: 'EPERM' })
})

t.test('an error of the program itself is no race', async (t) => {
  const m = await portmapMachine()
  const bad = { ...portsOf(5, [tcp(8080)]), mappings: [tcp(70_000)] }
  await t.rejects(m.backend.add(m.host, A, bad), TypeError)
  assertNothing(t, m)
})

t.test('a table of an older version gets the rules of this one', async (t) => {
  const m = await portmapMachine()
  await m.backend.add(m.host, A, portsOf(5, [tcp(8080)]))
  const { family, name: table } = TABLE
  const chain = { family, table, name: NEWEST_CHAIN }
  m.commit(new Transaction().flushTable(TABLE).deleteChain(chain))
  await m.backend.add(m.host, B, portsOf(6, [tcp(8081)]))
  t.strictSame(await m.backend.check(m.host, A, portsOf(5, [tcp(8080)])), [])
  t.strictSame(await m.backend.check(m.host, B, portsOf(6, [tcp(8081)])), [])
})

t.test('restore: a flushed ruleset', async (t) => {
  const m = await portmapMachine()
  const owners = [
    { tag: A, ports: portsOf(5, [tcp(8080), udp(53, '10.240.0.4')]) },
    { tag: B, ports: portsOf(6, [tcp(8081)], false) },
    { tag: 'net/none/eth0', ports: portsOf(7, []) },
  ]
  for (const { tag, ports } of owners.slice(0, 2)) await m.backend.add(m.host, tag, ports)
  const before = m.elements()
  m.kernel.reset()
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [], lost: [] })
  t.equal(m.commits(), 0, 'where nothing is missing it only reads')

  m.flushRuleset()
  m.setRouteLocalnet('0')
  m.kernel.reset()
  m.kernel.failOn('nft.batch', 'ERESTART')
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [A, B], lost: [] })
  t.strictSame(m.elements(), before)
  t.strictSame(m.links(), [BRIDGE])
  t.equal(m.routeLocalnet(), '1')
  t.equal(m.commits(), 2, 'one transaction, once more after a race')
  const flushed = m.kernel.steps.filter(({ op }) => op === 'conntrack.flush')
  t.equal(flushed.length, 1, 'UDP flows to the host itself are forgotten')
  for (const { tag, ports } of owners.slice(0, 2))
    t.strictSame(await m.backend.check(m.host, tag, ports), [])

  t.strictSame(await m.backend.restore(m.host, []), { tags: [], lost: [] })
})

t.test('restore: rules, one element, one that leads elsewhere', async (t) => {
  const m = await portmapMachine()
  const owners = [
    { tag: A, ports: portsOf(5, [tcp(8080), tcp(8443)]) },
    { tag: B, ports: portsOf(6, [tcp(8081)]) },
  ]
  for (const { tag, ports } of owners) await m.backend.add(m.host, tag, ports)
  const before = m.elements()
  m.commit(new Transaction().flushTable(TABLE))
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [A, B], lost: [] })

  m.commit(new Transaction().deleteElements(PORTS_OF_ALL_ADDRESSES, [[6, 8443]]))
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [A], lost: [] })
  t.strictSame(m.elements(), before)

  const key = [6, 8081]
  const wrong = { key, data: ['10.240.0.9', 80], comment: B }
  m.commit(
    new Transaction()
      .deleteElements(PORTS_OF_ALL_ADDRESSES, [key])
      .addElements(PORTS_OF_ALL_ADDRESSES, [wrong])
      .deleteElements(SNAT_PODS, [['10.240.0.6', '10.240.0.6']]),
  )
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [B], lost: [] })
  t.strictSame(m.elements(), before)
})

t.test('restore: a port that somebody else has taken meanwhile', async (t) => {
  const m = await portmapMachine()
  const [first, second] = [tcp(8080), tcp(8081)]
  const owner = { tag: A, ports: portsOf(5, [first, second]) }
  const other = { tag: B, ports: portsOf(6, [tcp(8080, { hostAddress: '10.240.0.4' })]) }
  const alone = { tag: 'net/c/eth0', ports: portsOf(7, [tcp(8080)]) }
  await m.backend.add(m.host, B, other.ports)
  const lost = [
    { tag: A, mapping: first, holder: B },
    { tag: alone.tag, mapping: alone.ports.mappings[0], holder: B },
  ]
  t.strictSame(await m.backend.restore(m.host, [owner, other, alone]), {
    tags: [A],
    lost,
  })
  t.strictSame(await m.backend.holders(m.host), [A, B])
  t.notOk(
    m.elements().some((line) => line.includes('10.240.0.7')),
    'no port, no snat',
  )

  // Both are on record now; after a flush the first of them has it, and the rest is there too.
  m.flushRuleset()
  const again = await m.backend.restore(m.host, [owner, other])
  t.match(again, { tags: [A], lost: [{ tag: B, holder: A }] })
  t.strictSame(await m.backend.holders(m.host), [A])
})

t.test('restore: pods whose links are gone do not keep others from it', async (t) => {
  const m = await portmapMachine()
  const far = { pod: '192.0.2.1', mappings: [tcp(9090)], snat: true }
  const owners = [
    { tag: A, ports: portsOf(5, [tcp(8080)]) },
    { tag: B, ports: far },
  ]
  t.strictSame(await m.backend.restore(m.host, owners), { tags: [A, B], lost: [] })
  t.strictSame(m.links(), [BRIDGE])
  m.flushRuleset()
  m.kernel.failOn('nft.batch', 'EPERM')
  await t.rejects(m.backend.restore(m.host, owners), { code: 'EPERM' })
})

t.test('check: what differs, in words', async (t) => {
  const m = await portmapMachine()
  const ports = portsOf(5, [tcp(8080), tcp(8081, { hostAddress: '10.240.0.4' })])
  const check = (record = ports, tag = A) => m.backend.check(m.host, tag, record)
  t.strictSame(await check(), ['table ip azure_vnet_portmap is missing'])
  t.strictSame(await check(portsOf(5, [])), [], 'none are wanted, and none are there')
  await m.backend.add(m.host, A, ports)
  t.strictSame(await check(), [])
  t.strictSame(await check({ ...ports, snat: false }), [
    '10.240.0.5 is in the set hairpin, though snat is false',
  ])
  t.strictSame(await check({ ...ports, mappings: [tcp(8080, { containerPort: 81 })] }), [
    'host port tcp 0.0.0.0:8080 leads to 10.240.0.5:80, not to 10.240.0.5:81',
    'host port tcp 10.240.0.4:8081 is mapped, which is not on record',
  ])
  t.strictSame(await check(ports, B), [
    'host port tcp 0.0.0.0:8080 is held by net/a/eth0',
    'host port tcp 10.240.0.4:8081 is held by net/a/eth0',
  ])
  t.strictSame(await check({ ...ports, pod: '192.0.2.1', mappings: [tcp(9090)] }, B), [
    'host port tcp 0.0.0.0:9090 is not mapped',
    '192.0.2.1 is missing in the set hairpin: snat has no effect',
    'no link leads to 192.0.2.1',
  ])
})

t.test('check: the rules and the link', async (t) => {
  const m = await portmapMachine()
  const ports = portsOf(5, [tcp(8080)])
  await m.backend.add(m.host, A, ports)
  const { family, name: table } = TABLE
  m.commit(new Transaction().flushChain({ family, table, name: 'output' }))
  m.setRouteLocalnet('0')
  t.strictSame(await m.backend.check(m.host, A, ports), [
    'chain output of table azure_vnet_portmap has other rules than it should have',
    'route_localnet of azure0 is off: 127.0.0.1 does not reach 10.240.0.5',
  ])
  m.setRouteLocalnet('1', 'all')
  m.commit(new Transaction().flushSet({ family, table, name: 'pod_links' }))
  t.strictSame(await m.backend.check(m.host, A, ports), [
    'chain output of table azure_vnet_portmap has other rules than it should have',
    'azure0 is missing in the set pod_links',
  ])
  m.kernel.failOn('nft.rule.dump', 'EPERM')
  await t.rejects(m.backend.check(m.host, A, ports), { code: 'EPERM' })
})
