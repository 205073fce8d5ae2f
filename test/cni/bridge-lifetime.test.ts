/**
 * The bridge that stays: what is left of pods, what is not done again, and how it goes.
 */
import t, { type Test } from 'tap'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import { readState, type Snapshot } from '../helpers/snapshot.js'
import {
  addPod,
  assertClean,
  assertNoPods,
  assertSame,
  delPod,
  makeHost,
  mapAddresses,
  nodeRecords,
  refuses,
  resetHost,
  runtime,
  settledPicture,
  vnetCni,
  type Lifetime,
} from './support/setup.js'
import { bridgeNetfilter, fetchTcp, serve } from './support/traffic.js'
import { watchNetwork } from './support/watch.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const ALL = { sysctls: true, state: false }

interface Shown {
  ifname: string
  master?: string
  addr_info: { family: string; local: string }[]
}

async function shown(host: AzureHost, name: string): Promise<Shown | undefined> {
  const { stdout } = await host.exec('ip', ['-j', 'addr', 'show', name])
  return (JSON.parse(stdout || '[]') as Shown[])[0]
}

/** Asserts that the host's network is on the bridge, and that it works. */
async function standsOnBridge(test: Test, host: AzureHost, name = 'azure0') {
  const bridge = await shown(host, name)
  const own = bridge?.addr_info.filter(({ family }) => family === 'inet')
  test.match(own, [{ local: ADDRESS.primary }], 'the bridge has the address of the host')
  test.match(await shown(host, 'eth0'), { master: name, addr_info: [] })
  test.strictSame(await mapAddresses(host, name), [ADDRESS.primary], 'its map too')
  test.ok(await host.ping('vm', ADDRESS.gateway), 'the host reaches the fabric')
  test.ok(await host.ping('secondVm', ADDRESS.primary), 'and is reached')
}

t.test('by default the bridge stays, and nothing of any pod', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot(ALL)
  const runner = runtime(host, { lifetime: undefined, vnet: { masquerade: true } })
  const portMappings = [{ hostPort: 8080, containerPort: 80 }]
  await addPod(runner, 'a', { portMappings })
  await addPod(runner, 'b')
  for (const pod of ['a', 'b']) await delPod(runner, pod)
  await assertNoPods(test, host)
  await standsOnBridge(test, host)
  test.match(nodeRecords(host).networks, { azure0: { phase: 'ready', lifetime: 'node' } })

  const empty = await settledPicture(host, ALL)
  const watch = await host.hostPing()
  const events = watchNetwork(host)
  for (const pod of ['c', 'd']) {
    const address = await addPod(runner, pod, pod === 'c' ? { portMappings } : {})
    test.ok(await host.ping('fabric', address), `${pod} works`)
    await delPod(runner, pod)
  }
  const moved = (await events.stop()).filter((event) => !isOfPods(event))
  test.strictSame(moved, [], "no link, address or route of the host's own was touched")
  test.equal((await watch.stop()).lost, 0, 'the host lost no packet')
  await assertSame(test, host, empty, ALL, 'after each last DEL it is as after the first')

  await resetHost(test, host)
  await assertSame(test, host, before, ALL, 'reset gives the host back')
  test.strictSame(readState(host.keepDir), {})
})

// A port that comes or goes changes the bridge's own features: nothing that anybody would notice.
function isOfPods(event: string): boolean {
  return /\bazv[0-9a-f]{11}\b/.test(event) || /^link set azure0$/.test(event)
}

t.test('connections of the host outlive pods that come and go', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, { lifetime: 'node', portmap: false })
  await serve(host, 'vm', 8000)
  await addPod(runner, 'first')
  await delPod(runner, 'first')
  const at = `${ADDRESS.primary}:8000`
  const fetches = (async () => {
    const answers: string[] = []
    for (let i = 0; i < 40; i += 1) answers.push(await fetchTcp(host, 'secondVm', at))
    return answers
  })()
  for (const pod of ['a', 'b', 'c', 'd']) {
    await addPod(runner, pod)
    await delPod(runner, pod)
  }
  test.strictSame([...new Set(await fetches)], [`vm ${ADDRESS.secondVm}`])
})

t.test(
  'an ADD that fails takes away the bridge that it made, and no other',
  async (test) => {
    const host = await makeHost(test)
    const taken = hostLinkName({ network: 'azure', containerId: 'pod', ifname: 'eth0' })
    await host.exec('ip', [
      'link',
      'add',
      taken,
      'type',
      'veth',
      'peer',
      'name',
      'other1',
    ])
    const before = await host.snapshot(ALL)
    const runner = runtime(host, { lifetime: 'node', portmap: false })
    const path = await host.addPodNetns('pod')
    await refuses(test, runner.add('pod', path), 103, 'EEXIST')
    await assertSame(test, host, before, ALL, 'the host is as before')
    test.strictSame(nodeRecords(host), { networks: {}, attachments: {} })
    await addPod(runner, 'good')
    await delPod(runner, 'good')
    const stays = await settledPicture(host, ALL)
    await refuses(test, runner.add('pod', path), 103, 'EEXIST')
    await assertSame(test, host, stays, ALL, 'what was there before stays')
  },
)

t.test('reset', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot(ALL)
  const runner = runtime(host, { lifetime: 'node', vnet: { masquerade: true } })
  const nothing = await vnetCni(host, 'reset')
  test.match(nothing, { code: 0, stdout: /nothing to remove/ }, 'of a fresh host')
  await assertSame(test, host, before, ALL)
  const portMappings = [{ hostPort: 8080, containerPort: 80 }]
  const address = await addPod(runner, 'pod', { portMappings })
  const refused = await vnetCni(host, 'reset')
  test.match(refused, { code: 3, stderr: /azure\/pod\/eth0/ }, 'not while a pod is there')
  test.ok(await host.ping('fabric', address), 'which goes on')
  const forced = await vnetCni(host, 'reset', '--force')
  test.equal(forced.code, 0, forced.stderr)
  await assertSame(test, host, before, ALL, 'by force')
  const again = await vnetCni(host, 'reset')
  test.equal(again.code, 0, 'and again')
  await delPod(runner, 'pod')
  await assertSame(test, host, before, ALL, 'the DEL that comes late finds nothing')
  await addPod(runner, 'pod')
  await delPod(runner, 'pod')
  await standsOnBridge(test, host)
  await host.exec('sh', ['-c', `rm -rf ${host.stateDir}`])
  const lost = await vnetCni(host, 'reset')
  test.equal(lost.code, 0, lost.stderr)
  await assertSame(test, host, before, ALL, 'without any record')
})

async function changes(test: Test, from: Lifetime, to: Lifetime): Promise<Snapshot> {
  const host = await makeHost(test)
  await bridgeNetfilter(host, false)
  const before = await host.snapshot({ state: false })
  const [old, changed] = [from, to].map((lifetime) =>
    runtime(host, { lifetime, portmap: false }),
  )
  const a = await addPod(old!, 'a')
  const watch = await host.hostPing()
  await addPod(changed!, 'b')
  test.match(nodeRecords(host).networks, { azure0: { lifetime: to } })
  test.ok(await host.ping('fabric', a), 'who is there goes on')
  test.equal((await watch.stop()).lost, 0, 'as does the host')
  await delPod(old!, 'b')
  test.ok(await host.ping('fabric', a))
  // The list of the DEL does not count: runtimes keep the one of the ADD.
  await delPod(old!, 'a')
  if (to === 'node') {
    await assertNoPods(test, host)
    await standsOnBridge(test, host)
    await resetHost(test, host)
  }
  await assertClean(test, host, before)
  return before
}

t.test('node → pods takes effect with the next ADD', (test) =>
  changes(test, 'node', 'pods'),
)
t.test('pods → node takes effect with the next ADD', (test) =>
  changes(test, 'pods', 'node'),
)
