import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import {
  addPod,
  addressOf,
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
t.test('an address asked for in the configuration', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { ipam: { ipAddress: '10.0.0.9' } })
  test.equal(await addPod(runner, 'pod'), '10.0.0.9')
  test.ok(await host.ping('fabric', '10.0.0.9'))
  const path = await host.addPodNetns('late')
  const picture = await settledPicture(host, { sysctls: true })
  await refuses(test, runner.add('late', path), 106, '10.0.0.9', 'in use')
  await assertSame(test, host, picture, { sysctls: true })
  await delPod(runner, 'pod')
  test.equal(await addPod(runner, 'late'), '10.0.0.9', 'at once when asked for by name')
  await delPod(runner, 'late')
  await assertClean(test, host, before)
})

t.test('an address asked for in CNI_ARGS', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, { portmap: false })
  test.equal(await addPod(runner, 'pod', { args: 'IP=10.0.0.8' }), '10.0.0.8')
  test.equal(
    await addPod(runner, 'cidr', { args: 'IgnoreUnknown=1;IP=10.0.0.7/24' }),
    '10.0.0.7',
    'as podman writes it',
  )
  const path = await host.addPodNetns('late')
  const asked = (IP: string) => runner.add('late', path, 'eth0', { args: `IP=${IP}` })
  await refuses(test, asked('10.0.0.8'), 106, '10.0.0.8', 'in use')
  await refuses(test, asked('10.0.0.200'), 106, '10.0.0.200', '10.0.0.0/24')
  await refuses(test, asked('10.0.0.4'), 106, '10.0.0.4')
  const links = await host.podExec('late', 'ip', ['-j', 'link'])
  test.equal(JSON.parse(links.stdout).length, 1, 'nothing is left in the container')
  test.equal(Object.keys(leases(host)).length, 2)
  test.equal(await addPod(runner, 'late'), '10.0.0.5', 'the lowest is still free')
})

t.test('an address on the first bridge is refused without a trace', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ sysctls: true, state: false })
  const runner = runtime(host, { portmap: false })
  const path = await host.addPodNetns('pod')
  const outside = runner.add('pod', path, 'eth0', { args: 'IP=10.9.9.9' })
  await refuses(test, outside, 106, '10.9.9.9')
  const changes = await host.changesSince(before, { sysctls: true, state: false })
  test.strictSame(changes, [], 'no bridge was made for nothing')
})

t.test('the pool by its subnet', async (test) => {
  const host = await makeHost(test)
  test.equal(
    await addPod(runtime(host, { ipam: { subnet: '10.0.0.0/24' } }), 'a'),
    '10.0.0.5',
  )
  const path = await host.addPodNetns('b')
  const other = runtime(host, { ipam: { subnet: '10.7.0.0/24' } })
  await refuses(test, other.add('b', path), 100, '10.7.0.0/24', '10.0.0.0/24')
})

t.test('a pool that is used up', async (test) => {
  const host = await makeHost(test, { pods: 3 })
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { portmap: false })
  for (const pod of ['a', 'b', 'c']) await addPod(runner, pod)
  const path = await host.addPodNetns('d')
  const picture = await settledPicture(host, { state: false })
  const words = ['10.0.0.0/24', '3 addresses', '3 in use', 'ip-config']
  await refuses(test, runner.add('d', path), 100, ...words)
  await assertSame(test, host, picture, { state: false })
  await delPod(runner, 'b')
  const again = addressOf(await runner.add('d', path))
  test.equal(again, '10.0.0.6', 'the one that was freed: there is no other')
  test.ok(await host.ping('fabric', again))
  for (const pod of ['a', 'c', 'd']) await delPod(runner, pod)
  await assertClean(test, host, before)
})

t.test('a NIC without secondary addresses', async (test) => {
  const host = await makeHost(test, { pods: 0 })
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { portmap: false })
  const path = await host.addPodNetns('pod')
  await refuses(test, runner.add('pod', path), 100, 'no secondary', 'ip-config')
  test.strictSame(await host.changesSince(before, { state: false }), [])
})

t.test('ip-configs that are added later', async (test) => {
  const host = await makeHost(test, { pods: 3 })
  const { nic } = host
  const xml = (addresses: readonly string[]) =>
    `<Interfaces><Interface MacAddress="${nic.mac.replaceAll(':', '')}" IsPrimary="true">` +
    `<IPSubnet Prefix="10.0.0.0/24"><IPAddress Address="10.0.0.4" IsPrimary="true"/>${addresses
      .map((address) => `<IPAddress Address="${address}" IsPrimary="false"/>`)
      .join('')}</IPSubnet></Interface></Interfaces>`
  await host.serveWireserver(xml(['10.0.0.5']))
  const runner = runtime(host, { ipam: { queryInterval: 0 } })
  test.equal(await addPod(runner, 'a'), '10.0.0.5')
  const path = await host.addPodNetns('b')
  await refuses(test, runner.add('b', path), 100, '1 addresses')
  await host.serveWireserver(xml(['10.0.0.5', '10.0.0.6']))
  test.equal(await addPod(runner, 'b'), '10.0.0.6')
})

/** Has the record say how many seconds ago addresses were given back. */
function freedAgo(host: AzureHost, seconds: Record<string, number>): void {
  const path = join(host.stateDir, 'ipam.json')
  const document = JSON.parse(readFileSync(path, 'utf8')) as {
    data: { freed: Record<string, number> }
  }
  const times = Object.entries(seconds).map(([address, ago]) => [
    address,
    Date.now() - ago * 1000,
  ])
  document.data.freed = Object.fromEntries(times) as Record<string, number>
  writeFileSync(path, JSON.stringify(document))
}

t.test('a freed address rests while others are free', async (test) => {
  const host = await makeHost(test, { pods: 4 })
  const runner = runtime(host, { portmap: false })
  test.equal(await addPod(runner, 'a'), '10.0.0.5')
  await delPod(runner, 'a')
  test.equal(await addPod(runner, 'b'), '10.0.0.6', 'not the one just freed')
  freedAgo(host, { '10.0.0.5': 1, '10.0.0.7': 9, '10.0.0.8': 2 })
  test.equal(await addPod(runner, 'c'), '10.0.0.7', 'all rest: the one that did longest')
  freedAgo(host, { '10.0.0.5': 60, '10.0.0.8': 90 })
  test.equal(await addPod(runner, 'd'), '10.0.0.5', 'rested enough: the lowest again')
})

t.test('the pod has the DNS of its configuration', async (test) => {
  const host = await makeHost(test)
  const dns = { nameservers: ['10.0.0.53'], search: ['corp.example'], domain: 'example' }
  const runner = runtime(host, { vnet: { dns } })
  const result = await runner.add('pod', await host.addPodNetns('pod'))
  test.strictSame(result.dns, dns)
})
