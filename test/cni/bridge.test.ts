import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import { hostLinkName } from '../../lib/cni/spec/owner.js'
import {
  addPod,
  assertClean,
  assertSame,
  delPod,
  leases,
  makeHost,
  refuses,
  runtime,
  settledPicture,
} from './support/setup.js'

// The usual time is for an idle machine.
const ALL = { sysctls: true, state: false }

async function ip(host: AzureHost, ...lines: string[]): Promise<void> {
  const input = `${lines.join('\n')}\n`
  const { code, stderr } = await host.exec('ip', ['-batch', '-'], { input })
  if (code !== 0) throw new Error(stderr)
}

async function linkIndex(host: AzureHost, name: string): Promise<number> {
  const { stdout } = await host.exec('ip', ['-j', 'link', 'show', name])
  return (JSON.parse(stdout) as { ifindex: number }[])[0]?.ifindex ?? 0
}

/** Puts the VM's network on a bridge that is somebody else's. */
async function foreignBridge(host: AzureHost, name: string): Promise<void> {
  await ip(
    host,
    `link add ${name} address ${host.nic.mac} type bridge`,
    `link set ${name} up`,
    `link set eth0 master ${name}`,
    'addr flush dev eth0',
    `addr add ${ADDRESS.primary}/24 dev ${name}`,
    `route add default via ${ADDRESS.gateway} dev ${name}`,
  )
}

async function failsUntouched(
  test: Test,
  host: AzureHost,
  vnet: Record<string, unknown>,
  code: number,
  words: (string | RegExp)[],
): Promise<void> {
  const path = host.pods.get('pod') ?? (await host.addPodNetns('pod'))
  const before = await host.snapshot(ALL)
  await refuses(test, runtime(host, { vnet }).add('pod', path), code, ...words)
  await assertSame(test, host, before, ALL, 'the host is as before')
  test.strictSame(leases(host), {}, 'no lease is left')
  const links = await host.podExec('pod', 'ip', ['-j', 'link'])
  test.equal(JSON.parse(links.stdout).length, 1, 'nothing is left in the container')
}

t.test('without a name the bridge is called after the NIC', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const name = `azure${await linkIndex(host, 'eth0')}`
  const runner = runtime(host, { vnet: { bridge: undefined } })
  const result = await runner.add('one', await host.addPodNetns('one'))
  test.equal(result.interfaces?.[0]?.name, name)
  const address = await addPod(runner, 'two')
  test.ok(await host.ping('fabric', address))
  test.ok((await linkIndex(host, name)) > 0)
  await delPod(runner, 'one')
  await delPod(runner, 'two')
  await assertClean(test, host, before)
})

t.test('mode and bridge of the seed may be left out', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { vnet: { bridge: undefined, mode: undefined } })
  const address = await addPod(runner, 'pod')
  test.ok(await host.ping('secondVm', address))
  await delPod(runner, 'pod')
  await assertClean(test, host, before)
})

t.test('the NIC by its name', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { vnet: { master: 'eth0' } })
  const address = await addPod(runner, 'pod')
  test.ok(await host.ping('fabric', address))
  await delPod(runner, 'pod')
  await assertClean(test, host, before)
})

t.test('a NIC that is not there', async (test) => {
  const host = await makeHost(test)
  await failsUntouched(test, host, { master: 'eth7' }, 7, ['master', 'eth7'])
})

t.test('a link that is no NIC of the pool', async (test) => {
  const host = await makeHost(test)
  await ip(host, 'link add other0 type veth peer name other1')
  await failsUntouched(test, host, { master: 'other0' }, 100, ['other0', '10.0.0.0/24'])
})

t.test('the name of the bridge is taken by something else', async (test) => {
  const host = await makeHost(test)
  await ip(host, 'link add azure0 type veth peer name other1')
  const watch = await host.hostPing()
  await failsUntouched(test, host, {}, 108, ['bridge: azure0', 'Choose another name'])
  test.equal((await watch.stop()).lost, 0, 'the host noticed nothing')
})

t.test('the NIC is the bridge', async (test) => {
  const host = await makeHost(test)
  await failsUntouched(test, host, { bridge: 'eth0' }, 108, ['bridge: eth0'])
})

t.test('the NIC is a port of another bridge', async (test) => {
  const host = await makeHost(test)
  await foreignBridge(host, 'other0')
  await settledPicture(host)
  await failsUntouched(test, host, {}, 108, ['eth0', 'other0', 'Set "bridge"'])
  test.ok(await host.ping('vm', ADDRESS.gateway))
})

t.test("the name of the host's end is taken", async (test) => {
  const host = await makeHost(test)
  const owner = { network: 'azure', containerId: 'pod', ifname: 'eth0' }
  await ip(host, `link add ${hostLinkName(owner)} type veth peer name other1`)
  const watch = await host.hostPing()
  const before = await host.snapshot(ALL)
  const path = await host.addPodNetns('pod')
  await refuses(test, runtime(host, { portmap: false }).add('pod', path), 103, 'EEXIST')
  await assertSame(test, host, before, ALL, 'the bridge is undone again')
  test.strictSame(leases(host), {})
  // What waits for an answer to ARP goes with the bridge; the host itself was never cut off.
  const { fromVm, fromFabric } = await watch.stop()
  for (const { longestGapMs } of [fromVm, fromFabric])
    test.ok(longestGapMs <= 100, `${longestGapMs / 20} pings in a row were lost`)
})

t.test('a bridge that somebody else made is used and stays', async (test) => {
  const host = await makeHost(test)
  await foreignBridge(host, 'other0')
  const before = await settledPicture(host, { state: false })
  const runner = runtime(host, { vnet: { bridge: 'other0' } })
  const address = await addPod(runner, 'pod')
  for (const from of ['vm', 'fabric', 'secondVm'])
    test.ok(await host.ping(from, address), `${from} → pod`)
  test.ok(await host.ping('pod', ADDRESS.secondVm))
  test.equal(await host.fabricDrops(), 0)
  await delPod(runner, 'pod')
  test.ok(await host.ping('vm', ADDRESS.gateway))
  await assertSame(test, host, before, { state: false })
  test.strictSame(leases(host), {})
})

t.test('the switches of the host are as before', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot(ALL)
  const runner = runtime(host, { portmap: false })
  await addPod(runner, 'pod')
  await delPod(runner, 'pod')
  await assertSame(test, host, before, ALL)
})
