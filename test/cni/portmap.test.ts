import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { PortMapping } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import { addPod, assertClean, delPod, makeHost, runtime } from './support/setup.js'
import {
  bridgeNetfilter,
  fetchTcp,
  fetchUdp,
  hasTable,
  serve,
} from './support/traffic.js'

// The usual time is for an idle machine.
const HOST = ADDRESS.primary

const map = (
  hostPort: number,
  more: Partial<PortMapping> = {},
): { portMappings: PortMapping[] } => ({
  portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp', ...more }],
})

const BOTH: { portMappings: PortMapping[] } = {
  portMappings: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostPort: 8080, containerPort: 80, protocol: 'udp' },
  ],
}

/** Where a request comes from, where it goes, and which client the server should see. */
type Way = [from: string, to: string, seen: string | undefined]

function ways(web: string, other: string): Way[] {
  return [
    ['fabric', `${HOST}:8080`, ADDRESS.gateway],
    ['secondVm', `${HOST}:8080`, ADDRESS.secondVm],
    ['peeredVm', `${HOST}:8080`, ADDRESS.peeredVm],
    ['vm', `${HOST}:8080`, HOST],
    ['vm', '127.0.0.1:8080', undefined],
    ['other', `${HOST}:8080`, other],
    ['web', `${HOST}:8080`, undefined],
    ['secondVm', `${web}:80`, ADDRESS.secondVm],
    ['other', `${web}:80`, other],
  ]
}

async function tryWays(test: Test, host: AzureHost, all: Way[]): Promise<void> {
  for (const [from, to, seen] of all) {
    const wanted = seen === undefined ? /^web / : `web ${seen}`
    test.match(await fetchTcp(host, from, to), wanted, `tcp, ${from} → ${to}`)
    test.match(await fetchUdp(host, from, to), wanted, `udp, ${from} → ${to}`)
  }
}

for (const netfilter of [false, true]) {
  t.test(`host ports, bridge-nf-call-iptables=${Number(netfilter)}`, async (test) => {
    const host = await makeHost(test)
    await bridgeNetfilter(host, netfilter)
    const before = await host.snapshot({ state: false })
    const runner = runtime(host)
    const web = await addPod(runner, 'web', BOTH)
    const other = await addPod(runner, 'other')
    await serve(host, 'web')
    await tryWays(test, host, ways(web, other))
    test.equal(
      await fetchTcp(host, 'other', '203.0.113.10:80'),
      other,
      'pods go out as ever',
    )
    test.equal(await host.fabricDrops(), 0)
    await delPod(runner, 'web')
    test.equal(await fetchTcp(host, 'fabric', `${HOST}:8080`), 'none', 'DEL closes it')
    test.notOk(
      await hasTable(host, 'ip', 'azure_vnet_portmap'),
      'the last DEL takes the table',
    )
    await delPod(runner, 'other')
    await assertClean(test, host, before)
  })
}

t.test('a mapping for one address of the host', async (test) => {
  const host = await makeHost(test)
  await host.exec('ip', ['addr', 'add', '10.0.0.90/32', 'dev', 'lo'])
  const runner = runtime(host)
  await addPod(runner, 'web', map(8080, { hostIP: HOST }))
  await addPod(runner, 'local', map(8080, { hostIP: '127.0.0.1' }))
  await addPod(runner, 'all', map(8081, { hostIP: '0.0.0.0' }))
  for (const pod of ['web', 'local', 'all']) await serve(host, pod)
  test.equal(await fetchTcp(host, 'secondVm', `${HOST}:8080`), `web ${ADDRESS.secondVm}`)
  test.match(await fetchTcp(host, 'vm', `${HOST}:8080`), /^web /)
  test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), /^local /)
  test.equal(
    await fetchTcp(host, 'vm', '10.0.0.90:8080'),
    'none',
    'another address is free',
  )
  test.match(await fetchTcp(host, 'vm', '10.0.0.90:8081'), /^all /)
  test.match(await fetchTcp(host, 'secondVm', `${HOST}:8081`), /^all /)
})

t.test('several mappings of one container', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  const ports = [8080, 8443, 9000]
  const portMappings = ports.map((hostPort, i) => ({ hostPort, containerPort: 80 + i }))
  await addPod(runner, 'web', { portMappings })
  for (const i of ports.keys()) await serve(host, 'web', 80 + i)
  for (const port of ports)
    test.match(await fetchTcp(host, 'fabric', `${HOST}:${port}`), /^web /, `port ${port}`)
  test.equal(await fetchTcp(host, 'fabric', `${HOST}:9001`), 'none')
  await delPod(runner, 'web')
  await assertClean(test, host, before)
})

t.test('tcp and udp of one number lead to different pods', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'tcp', map(53, { protocol: 'tcp' }))
  await addPod(runner, 'udp', map(53, { protocol: 'udp' }))
  for (const pod of ['tcp', 'udp']) await serve(host, pod)
  test.match(await fetchTcp(host, 'fabric', `${HOST}:53`), /^tcp /)
  test.match(await fetchUdp(host, 'fabric', `${HOST}:53`), /^udp /)
  await delPod(runner, 'tcp')
  test.match(await fetchUdp(host, 'fabric', `${HOST}:53`), /^udp /)
  test.equal(await fetchTcp(host, 'fabric', `${HOST}:53`), 'none')
})

t.test('a UDP flow follows the port to the next pod', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  const from = { sourcePort: 40_000, tries: 4 }
  const ask = () => fetchUdp(host, 'secondVm', `${HOST}:5353`, from)
  const port = map(5353, { protocol: 'udp' })
  test.equal(await ask(), 'none', 'nobody there: the kernel remembers the flow')
  await addPod(runner, 'old', port)
  await serve(host, 'old')
  test.match(await ask(), /^old /, 'ADD cut the flow to the host itself')
  await delPod(runner, 'old')
  test.equal(await ask(), 'none', 'DEL cut the flow to the old pod')
  await addPod(runner, 'new', port)
  await serve(host, 'new')
  test.match(await ask(), /^new /, 'the same client reaches the new pod')
})

t.test('no mapping, no table', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'pod')
  await addPod(runner, 'empty', { portMappings: [] })
  await addPod(runner, 'six', map(8080, { hostIP: '::1' }))
  test.notOk(await hasTable(host, 'ip', 'azure_vnet_portmap'))
  await addPod(runner, 'web', map(8080))
  test.ok(await hasTable(host, 'ip', 'azure_vnet_portmap'))
  await delPod(runner, 'pod')
  test.ok(await hasTable(host, 'ip', 'azure_vnet_portmap'), 'there is still one')
  await delPod(runner, 'web')
  test.notOk(await hasTable(host, 'ip', 'azure_vnet_portmap'))
})

/** Counts packets that come to a pod's wire from 127.0.0.0/8; answers with how to read the count. */
async function countLoopback(
  host: AzureHost,
  pod: string,
): Promise<() => Promise<number>> {
  const rules = [
    'add table ip probe',
    'add chain ip probe in { type filter hook prerouting priority -300 ; }',
    'add rule ip probe in iifname eth0 ip saddr 127.0.0.0/8 counter',
  ].join('\n')
  const { code, stderr } = await host.execIn(pod, 'nft', [rules])
  if (code !== 0) throw new Error(stderr)
  return async () => {
    const { stdout } = await host.execIn(pod, 'nft', ['list', 'table', 'ip', 'probe'])
    return Number(/packets (\d+)/.exec(stdout)?.[1])
  }
}

async function routeLocalnet(host: AzureHost): Promise<string> {
  const name = 'net.ipv4.conf.azure0.route_localnet'
  return (await host.exec('sysctl', ['-n', name])).stdout.trim()
}

t.test('snat: false', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { portmap: { snat: false } })
  await addPod(runner, 'web', map(8080))
  await serve(host, 'web')
  test.equal(await fetchTcp(host, 'secondVm', `${HOST}:8080`), `web ${ADDRESS.secondVm}`)
  test.equal(await fetchTcp(host, 'vm', `${HOST}:8080`), `web ${HOST}`)
  test.equal(await routeLocalnet(host), '0', 'the host is not opened for 127.0.0.1')
  await delPod(runner, 'web')
  await assertClean(test, host, before)
})

// What one pod asks for must not change what another is reached by.
t.test('snat: false beside a pod with snat: true', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false, sysctls: true })
  const closed = runtime(host, { portmap: { snat: false } })
  const open = runtime(host)
  await addPod(closed, 'closed', BOTH)
  await serve(host, 'closed')
  const fromLoopback = await countLoopback(host, 'closed')
  const mapping = BOTH.portMappings.map((one) => ({ ...one, hostPort: 9090 }))
  await addPod(open, 'open', { portMappings: mapping })
  await serve(host, 'open')
  test.match(await fetchTcp(host, 'vm', '127.0.0.1:9090'), /^open /)
  test.match(await fetchUdp(host, 'vm', '127.0.0.1:9090'), /^open /)
  test.equal(await fetchTcp(host, 'vm', '127.0.0.1:8080'), 'none')
  test.equal(await fetchUdp(host, 'vm', '127.0.0.1:8080'), 'none')
  test.match(await fetchTcp(host, 'open', `${HOST}:9090`), /^open /, 'it reaches itself')
  test.equal(await fetchTcp(host, 'closed', `${HOST}:8080`), 'none')
  for (const from of ['secondVm', 'fabric', 'open'])
    test.match(await fetchTcp(host, from, `${HOST}:8080`), /^closed /, from)
  test.equal(await fromLoopback(), 0, 'nothing came from 127.0.0.0/8')
  await delPod(open, 'open')
  test.equal(await routeLocalnet(host), '0', 'the switch goes with the last who needs it')
  test.match(await fetchTcp(host, 'secondVm', `${HOST}:8080`), /^closed /)
  await delPod(closed, 'closed')
  const changes = await host.changesSince(before, { state: false, sysctls: true })
  test.strictSame(changes, [], 'no switch of the host is left changed')
})

// route_localnet would let whoever is on the link use addresses that are the host's own.
t.test('nobody on the network reaches or plays 127.0.0.1', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'web', map(8080, { hostIP: '127.0.0.1' }))
  await serve(host, 'web')
  await addPod(runner, 'other')
  test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), /^web /)
  test.equal(await routeLocalnet(host), '1')
  // The pod sends what is for 127.0.0.2 out by its wire.
  const lo = ['addr', 'del', '127.0.0.1/8', 'dev', 'lo']
  await host.execIn('other', 'ip', lo)
  await host.execIn('other', 'ip', ['route', 'flush', 'table', 'local', '127.0.0.0/8'])
  await host.execIn('other', 'sysctl', ['-qw', 'net.ipv4.conf.eth0.route_localnet=1'])
  const way = ['route', 'add', '127.0.0.1/32', 'via', HOST, 'dev', 'eth0']
  const { code, stderr } = await host.execIn('other', 'ip', way)
  test.equal(code, 0, stderr)
  test.equal(await fetchTcp(host, 'other', '127.0.0.1:8080'), 'none')
})

t.test('the switch for 127.0.0.1 goes with the bridge', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false, sysctls: true })
  const runner = runtime(host)
  await addPod(runner, 'web', map(8080))
  await delPod(runner, 'web')
  const changes = await host.changesSince(before, { state: false, sysctls: true })
  test.strictSame(changes, [], 'no switch of the host is left changed')
})
