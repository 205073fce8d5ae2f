import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { Conflist } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import {
  addPod,
  addressOf,
  assertClean,
  assertSame,
  delPod,
  GO_PLUGINS,
  leases,
  makeHost,
  OUR_PLUGINS,
  refuses,
  runtime,
  seedList,
} from './support/setup.js'
import { fetchTcp, serve } from './support/traffic.js'

// The usual time is for an idle machine.
const cniPath = [OUR_PLUGINS, GO_PLUGINS]

function goBridge(ipam: object, more: Partial<Conflist> = {}): Conflist {
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: false, ipam }
  return { cniVersion: '0.3.1', name: 'peers', plugins: [bridge], ...more }
}

/** host-local over the VM's secondary addresses, its files in the host's folder. */
function hostLocal(host: AzureHost): { type: string; [key: string]: unknown } {
  const range = {
    subnet: '10.0.0.0/24',
    rangeStart: '10.0.0.5',
    rangeEnd: '10.0.0.12',
    gateway: ADDRESS.gateway,
  }
  return { type: 'host-local', dataDir: join(host.folder, 'local'), ranges: [[range]] }
}

/** Addresses that host-local has given out. */
function reservations(host: AzureHost, network = 'azure'): string[] {
  const folder = join(host.folder, 'local', network)
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => /^\d+\./.test(name))
}

t.test('the Go bridge with azure-vnet-ipam', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, goBridge({ type: 'azure-vnet-ipam' }), { cniPath })
  const result = await runner.add('one', await host.addPodNetns('one'))
  test.equal(result.cniVersion, '0.3.1')
  test.match(result.ips, [
    { version: '4', address: '10.0.0.5/24', gateway: ADDRESS.gateway },
  ])
  const second = await runner.add('two', await host.addPodNetns('two'))
  test.equal(addressOf(second), '10.0.0.6')
  test.ok(await host.ping('one', '10.0.0.6'), 'the pods see each other')
  test.strictSame(leases(host), { 'one/eth0': '10.0.0.5', 'two/eth0': '10.0.0.6' })
  await delPod(runner, 'one')
  test.strictSame(leases(host), { 'two/eth0': '10.0.0.6' })
  await delPod(runner, 'one')
  await delPod(runner, 'two')
  test.strictSame(leases(host), {})
})

t.test('azure-vnet-ipam by itself', async (test) => {
  const host = await makeHost(test, { pods: 1 })
  const runner = runtime(host, goBridge({ type: 'azure-vnet-ipam' }), { cniPath })
  const config = { ...runner.configFor(runner.conflist.plugins[0]!), cniVersion: '0.3.0' }
  const call = (containerId: string) => ({ containerId, netns: '/x', ifname: 'eth0' })
  const add = (id: string) => runner.invoke('ADD', 'azure-vnet-ipam', config, call(id))
  const result = await add('one')
  test.strictSame(result, {
    cniVersion: '0.3.0',
    ips: [{ version: '4', address: '10.0.0.5/24', gateway: ADDRESS.gateway }],
    routes: [{ dst: '0.0.0.0/0', gw: ADDRESS.gateway }],
    dns: { nameservers: [ADDRESS.wireserver] },
  })
  test.strictSame(await add('one'), result, 'asked again, it answers the same')
  await refuses(test, add('two'), 100, '1 addresses, 1 in use')
  await runner.invoke('DEL', 'azure-vnet-ipam', config, call('one'))
  await runner.invoke('DEL', 'azure-vnet-ipam', config, call('one'))
  test.strictSame(leases(host), {})
})

t.test('azure-vnet with host-local', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { vnet: { ipam: hostLocal(host) } }, { cniPath })
  const portMappings = [{ hostPort: 8080, containerPort: 80 }]
  const one = await addPod(runner, 'one', { portMappings })
  const two = await addPod(runner, 'two')
  test.strictSame([one, two], ['10.0.0.5', '10.0.0.6'])
  test.strictSame(reservations(host).toSorted(), [one, two])
  for (const [from, to] of [
    ['vm', one],
    ['fabric', two],
    ['one', two],
    ['two', ADDRESS.secondVm],
    ['one', ADDRESS.primary],
  ] as const)
    test.ok(await host.ping(from, to), `${from} → ${to}`)
  await serve(host, 'one')
  test.match(await fetchTcp(host, 'fabric', `${ADDRESS.primary}:8080`), /^one /)
  test.equal(await host.wireserverRequests(), 0, 'the wireserver is not needed')
  await delPod(runner, 'one')
  test.strictSame(reservations(host), [two])
  await delPod(runner, 'two')
  test.strictSame(reservations(host), [])
  await assertClean(test, host, before)
})

t.test('a failing ADD gives the reservation of host-local back', async (test) => {
  const host = await makeHost(test)
  await host.exec('ip', [
    'link',
    'add',
    'azure0',
    'type',
    'veth',
    'peer',
    'name',
    'other',
  ])
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { vnet: { ipam: hostLocal(host) } }, { cniPath })
  const path = await host.addPodNetns('pod')
  await refuses(test, runner.add('pod', path), 108, 'azure0')
  test.strictSame(reservations(host), [])
  await assertSame(test, host, before, { state: false })
})

t.test('an IPAM plug-in that is not there or fails', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const path = await host.addPodNetns('pod')
  const absent = runtime(host, { vnet: { ipam: { type: 'no-such-ipam' } } }, { cniPath })
  await refuses(
    test,
    absent.add('pod', path),
    105,
    'no-such-ipam',
    'ipam.type',
    GO_PLUGINS,
  )
  const ipam = { ...hostLocal(host), ranges: 'wrong' }
  const broken = runtime(host, { vnet: { ipam } }, { cniPath })
  await test.rejects(broken.add('pod', path), { message: /host-local/, exitCode: 1 })
  await assertSame(test, host, before, { state: false })
})

t.test('our portmap after the Go bridge', async (test) => {
  const host = await makeHost(test, { ipForward: true })
  const before = await host.snapshot({ state: false })
  const [, portmap] = seedList().plugins
  const ipam = {
    type: 'host-local',
    dataDir: join(host.folder, 'local'),
    ranges: [[{ subnet: '10.88.0.0/24' }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const [bridge] = goBridge(ipam).plugins
  const plugins = [
    { ...bridge!, isGateway: true, hairpinMode: true, promiscMode: false },
    portmap!,
  ]
  const runner = runtime(host, goBridge(ipam, { plugins }), { cniPath })
  const portMappings = [{ hostPort: 8080, containerPort: 80 }]
  await addPod(runner, 'web', { portMappings })
  await addPod(runner, 'other')
  await serve(host, 'web')
  const at = `${ADDRESS.primary}:8080`
  test.equal(await fetchTcp(host, 'fabric', at), `web ${ADDRESS.gateway}`)
  test.equal(await fetchTcp(host, 'secondVm', at), `web ${ADDRESS.secondVm}`)
  for (const from of ['vm', 'other', 'web'])
    test.match(await fetchTcp(host, from, at), /^web /, `${from} → ${at}`)
  test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), /^web /)
  await delPod(runner, 'web')
  test.equal(await fetchTcp(host, 'fabric', at), 'none')
  await delPod(runner, 'other')
  await host.exec('ip', ['link', 'del', 'cni0'])
  await assertSame(test, host, before, { state: false })
})
