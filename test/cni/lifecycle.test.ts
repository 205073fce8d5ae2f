import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ownerKey } from '../../dist/esm/cni/spec/owner.js'
import { nodeStore } from '../../dist/esm/engine/state.js'
import { diffSnapshots } from '../helpers/snapshot.js'
import {
  addPod,
  addressOf,
  assertClean,
  assertSame,
  delPod,
  leases,
  makeHost,
  mapAddresses,
  outsideOf,
  podLinks,
  refuses,
  runtime,
  settledPicture,
} from './support/setup.js'

// The usual time is for an idle machine.
const LONG_ID = 'f'.repeat(200)

t.test('a second ADD on an interface is refused and changes nothing', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  const address = await addPod(runner, 'pod')
  const path = host.pods.get('pod')!
  const before = await settledPicture(host, { sysctls: true })
  await refuses(test, runner.add('pod', path), 104, 'eth0', 'DEL')
  await refuses(test, runner.add('another', path), 104, 'eth0')
  await assertSame(test, host, before, { sysctls: true })
  test.ok(await host.ping('fabric', address), 'the pod still works')
  test.strictSame(leases(host), { 'pod/eth0': address })
})

t.test(
  'an ADD beside another one of the same interface is told to wait',
  async (test) => {
    const host = await makeHost(test)
    const runner = runtime(host, { portmap: false })
    await addPod(runner, 'first')
    const path = await host.addPodNetns('pod')
    const owner = { network: 'azure', containerId: 'pod', ifname: 'eth0' }
    // This process plays the other ADD, which lives on and has not come far.
    using other = outsideOf(host)
    const store = nodeStore(other, (message) => test.fail(message))
    await store.update((state) => {
      state.attachments[ownerKey(owner)] = { phase: 'adding', owner, adder: other.self }
    })
    const before = await settledPicture(host)
    await refuses(test, runner.add('pod', path), 11, `process ${process.pid}`, 'DEL')
    await assertSame(test, host, before)
    const dead = { ...other.self, start: '1' }
    await store.update((state) => {
      state.attachments[ownerKey(owner)] = { phase: 'adding', owner, adder: dead }
    })
    const address = await addPod(runner, 'pod')
    test.ok(await host.ping('fabric', address), 'after one that died it works')
    await delPod(runner, 'pod')
    await delPod(runner, 'first')
  },
)

t.test('container IDs are told apart in full', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  const ids = ['deadbeef00', 'deadbeef01', 'deadbeef', 'x', LONG_ID, `${LONG_ID}0`]
  const addresses: string[] = []
  for (const [i, id] of ids.entries()) {
    const result = await runner.add(id, await host.addPodNetns(`pod${i}`))
    addresses.push(addressOf(result))
  }
  test.strictSame(addresses, host.nic.secondaries.slice(0, ids.length))
  test.equal(new Set(await podLinks(host)).size, ids.length)
  // One goes, its near namesakes stay.
  for (const [i, id] of ids.entries()) {
    await runner.del(id, host.pods.get(`pod${i}`)!)
    test.notOk(leases(host)[`${id}/eth0`], 'its lease is over')
    for (const other of addresses.slice(i + 1))
      test.ok(await host.ping('vm', other), `${other} still answers`)
  }
  await assertClean(test, host, before)
})

async function twoInterfaces(test: Test, order: [string, string]): Promise<void> {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  const path = await host.addPodNetns('pod')
  const eth0 = addressOf(await runner.add('pod', path, 'eth0'))
  const net1 = addressOf(await runner.add('pod', path, 'net1'))
  test.not(eth0, net1, 'two leases')
  test.strictSame(leases(host), { 'pod/eth0': eth0, 'pod/net1': net1 })
  test.equal((await podLinks(host)).length, 2)
  for (const address of [eth0, net1])
    test.ok(await host.ping('vm', address), `${address} answers`)
  const [first, second] = order
  const left = second === 'eth0' ? eth0 : net1
  await runner.del('pod', path, first)
  test.strictSame(leases(host), { [`pod/${second}`]: left })
  test.ok(await host.ping('vm', left), `${second} still answers`)
  test.equal((await podLinks(host)).length, 1)
  await runner.del('pod', path, second)
  await assertClean(test, host, before)
}

t.test('two interfaces, DEL in order', (test) => twoInterfaces(test, ['eth0', 'net1']))
t.test('two interfaces, DEL in reverse', (test) => twoInterfaces(test, ['net1', 'eth0']))

t.test('DEL again and again, and of nothing', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  await runner.del('never-added', '/run/netns/never-there')
  await assertClean(test, host, before)
  const address = await addPod(runner, 'stays')
  const path = await host.addPodNetns('goes')
  await addPod(runner, 'goes')
  const withOne = { 'stays/eth0': address }
  for (let i = 0; i < 3; i += 1) {
    await runner.del('goes', path)
    test.strictSame(leases(host), withOne)
  }
  await runner.del('never-added', path)
  await runner.del('stays', path, 'net7')
  test.strictSame(leases(host), withOne, 'another interface is another owner')
  test.ok(await host.ping('fabric', address), 'the other pod never noticed')
  await delPod(runner, 'stays')
  await assertClean(test, host, before)
})

t.test('DEL without the namespace', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  await addPod(runner, 'empty')
  await addPod(runner, 'gone')
  const other = host.pods.get('gone')!
  await runner.del('empty', '')
  test.notOk(leases(host)['empty/eth0'], 'CNI_NETNS may be empty')
  const links = await host.podExec('empty', 'ip', ['-j', 'link'])
  test.equal(JSON.parse(links.stdout).length, 1, 'the interface went all the same')
  await host.removePodNetns('gone')
  await runner.del('gone', other)
  await assertClean(test, host, before)
})

t.test('DEL without any state takes the link and the map element', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  const staying = await addPod(runner, 'stays')
  const address = await addPod(runner, 'goes')
  test.ok((await mapAddresses(host)).includes(address))
  rmSync(host.stateDir, { recursive: true, force: true })
  await delPod(runner, 'goes')
  test.notOk((await mapAddresses(host)).includes(address), 'the element is gone')
  test.ok((await mapAddresses(host)).includes(staying), "another pod's is not")
  test.equal((await podLinks(host)).length, 1, 'the link is gone')
  test.notOk(await host.ping('vm', address), 'the address is dead')
  test.ok(await host.ping('fabric', staying), 'the other pod works')
  const neighbours = await host.exec('ip', ['neigh', 'show', 'nud', 'permanent'])
  test.notMatch(neighbours.stdout, `${address} `, 'no neighbour entry is left')
})

t.test('arguments of Kubernetes and podman', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  const kubernetes =
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;' +
    'K8S_POD_INFRA_CONTAINER_ID=a;K8S_POD_UID=9f'
  const podman = 'IgnoreUnknown=1;PODMAN_THING=x;K8S_POD_NAMESPACE=n;K8S_POD_NAME=c'
  for (const [i, args] of [kubernetes, podman, '', 'IgnoreUnknown=true'].entries()) {
    const address = await addPod(runner, `pod${i}`, { args })
    test.equal(address, host.nic.secondaries[i], `with "${args}"`)
  }
  const path = await host.addPodNetns('unknown')
  const strict = runner.add('unknown', path, 'eth0', { args: 'PODMAN_THING=x' })
  await refuses(test, strict, 4, 'PODMAN_THING', 'IgnoreUnknown')
})

t.test('what ADD and DEL of one pod do to another', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'first')
  const before = await settledPicture(host, { state: false })
  await addPod(runner, 'second')
  const changes = diffSnapshots(before, await host.snapshot({ state: false }))
  const taken = changes.filter((line) => /^- (?!nft )/.test(line))
  test.strictSame(taken, [], 'nothing is taken away')
  await delPod(runner, 'second')
  await assertSame(test, host, before, { state: false })
})
