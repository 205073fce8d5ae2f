import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { NetNs } from 'vnet-cni'
import { portBackend, type PortsRecord } from '../../dist/esm/portmap/index.js'
import { inside } from './helper.js'

const LINK = 'azure2'
const SWITCH = `net.ipv4.conf.${LINK}.route_localnet`
const OWNER = 'net/one/eth0'
// What rulesets/portmap-before.nft says of its owner.
const PORTS: PortsRecord = {
  pod: '10.0.0.7',
  mappings: [
    { protocol: 'tcp', hostPort: 8080, containerPort: 80 },
    { protocol: 'udp', hostPort: 53, containerPort: 5353, hostAddress: '10.0.0.4' },
  ],
  snat: true,
}
const OTHER = 'net/two/eth0'
const OTHERS: PortsRecord = {
  pod: '10.0.0.8',
  mappings: [{ protocol: 'tcp', hostPort: 8081, containerPort: 80 }],
  snat: false,
}

function makeHost(test: Test): NetNs {
  const host = NetNs.create()
  test.teardown(() => host.close())
  const plan = host.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: LINK, up: true })
  plan.address.add({ link: bridge, address: '10.0.0.4/24' })
  plan.runSync()
  return host
}

const listed = (host: NetNs) => inside(host, 'nft', ['list', 'ruleset'])
const routeLocalnet = (host: NetNs) => inside(host, 'sysctl', ['-n', SWITCH]).trim()

t.test('what is added is what check expects, and removal leaves nothing', async (t) => {
  const host = makeHost(t)
  const backend = await portBackend()
  await backend.add(host, OWNER, PORTS)
  await backend.add(host, OTHER, OTHERS)
  t.strictSame(await backend.check(host, OWNER, PORTS), [])
  t.strictSame(await backend.check(host, OTHER, OTHERS), [])
  t.equal(routeLocalnet(host), '1')
  await backend.remove(host, OWNER)
  t.equal(routeLocalnet(host), '0')
  t.match(await backend.check(host, OWNER, PORTS), [
    'host port tcp 0.0.0.0:8080 is not mapped',
    'host port udp 10.0.0.4:53 is not mapped',
    /10\.0\.0\.7 is missing in the set hairpin/,
    /^route_localnet of azure2 is off/,
  ])
  await backend.remove(host, OTHER)
  t.equal(listed(host), '')
})

const DAMAGES: [string, string[]][] = [
  ['nft flush ruleset', ['flush', 'ruleset']],
  ['the table deleted', ['delete', 'table', 'ip', 'azure_vnet_portmap']],
  ['the rules flushed', ['flush', 'table', 'ip', 'azure_vnet_portmap']],
  ['a map flushed', ['flush', 'map', 'ip', 'azure_vnet_portmap', 'any_address']],
]

for (const [what, line] of DAMAGES) {
  t.test(`restore after: ${what}`, async (t) => {
    const host = makeHost(t)
    const backend = await portBackend()
    const owners = [
      { tag: OWNER, ports: PORTS },
      { tag: OTHER, ports: OTHERS },
    ]
    for (const { tag, ports } of owners) await backend.add(host, tag, ports)
    inside(host, 'nft', line)
    t.not((await backend.check(host, OWNER, PORTS)).length, 0)
    t.strictSame(await backend.restore(host, owners), { tags: [OWNER, OTHER], lost: [] })
    t.strictSame(await backend.check(host, OWNER, PORTS), [])
    t.strictSame(await backend.check(host, OTHER, OTHERS), [])
    const whole = listed(host)
    t.strictSame(await backend.restore(host, owners), { tags: [], lost: [] })
    t.equal(listed(host), whole)
  })
}

t.test('a table that an older version made', async (t) => {
  const backend = await portBackend()
  const file = new URL('rulesets/portmap-before.nft', import.meta.url)
  const before = readFileSync(file, 'utf8')
  const ways: [string, (host: NetNs) => Promise<unknown>][] = [
    ['add', (host) => backend.add(host, OTHER, OTHERS)],
    ['restore', (host) => backend.restore(host, [{ tag: OWNER, ports: PORTS }])],
  ]
  for (const [way, act] of ways) {
    const host = makeHost(t)
    inside(host, 'nft', ['-f', '-'], before)
    inside(host, 'sysctl', ['-qw', `${SWITCH}=1`])
    await act(host)
    const differences = await backend.check(host, OWNER, PORTS)
    t.strictSame(differences, [], `${way} gives it the rules of this one`)
    for (const tag of [OWNER, OTHER]) await backend.remove(host, tag)
    t.equal(listed(host), '', `and it goes, after ${way}`)
    t.equal(routeLocalnet(host), '0')
  }
  const host = makeHost(t)
  inside(host, 'nft', ['-f', '-'], before)
  await backend.remove(host, OWNER)
  t.equal(listed(host), '', 'removal takes it as it is')
})
