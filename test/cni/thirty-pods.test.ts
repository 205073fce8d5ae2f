import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ADDRESS } from '../helpers/fabric.js'
import type { CniResult, CniRunner } from '../helpers/cni-runner.js'
import type { AzureHost } from '../helpers/azure-host.js'
import { BRIEF_MS } from '../helpers/host-ping.js'
import { addressOf, assertClean, inParallel, makeHost, runtime } from './support/setup.js'

// The usual time is for an idle machine.
const COUNT = 30
const WIDTH = 20
const PODS = Array.from({ length: COUNT }, (_, i) => `pod-${i}`)
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/

function checkResult(test: Test, host: AzureHost, pod: string, result: CniResult): void {
  const [bridge, outer, inner, ...more] = result.interfaces ?? []
  test.equal(result.cniVersion, '0.3.0')
  test.strictSame(bridge, { name: 'azure0', mac: host.nic.mac }, `${pod}: the bridge`)
  test.match(outer, { name: /^azv[0-9a-f]{11}$/, mac: MAC }, `${pod}: host side`)
  test.notOk(outer?.sandbox, 'the host side is in no sandbox')
  test.match(inner, { name: 'eth0', mac: MAC, sandbox: host.pods.get(pod)! })
  test.strictSame(more, [], 'no other interface')
  test.strictSame(
    result.ips,
    [
      {
        version: '4',
        interface: 2,
        address: `${addressOf(result)}/24`,
        gateway: ADDRESS.gateway,
      },
    ],
    `${pod}: one address with version, interface and gateway`,
  )
  test.strictSame(result.routes, [{ dst: '0.0.0.0/0', gw: ADDRESS.gateway }])
  test.strictSame(result.dns, { nameservers: [ADDRESS.wireserver] })
}

async function checkInside(test: Test, host: AzureHost, pod: string, result: CniResult) {
  const inner = result.interfaces?.[2]
  const show = await host.podExec(pod, 'ip', ['-j', 'addr', 'show', 'eth0'])
  const [link] = JSON.parse(show.stdout) as {
    address: string
    addr_info: { local: string; prefixlen: number; family: string }[]
  }[]
  test.equal(link?.address, inner?.mac, `${pod}: the MAC is the one of the result`)
  const v4 = link?.addr_info.filter(({ family }) => family === 'inet')
  test.match(v4, [{ local: addressOf(result), prefixlen: 24 }])
  const route = await host.podExec(pod, 'ip', ['-j', 'route', 'show', 'default'])
  test.match(JSON.parse(route.stdout), [{ gateway: ADDRESS.gateway, dev: 'eth0' }])
}

/** Whether pings get through: from, to. */
async function pingAll(test: Test, host: AzureHost, ways: [string, string][]) {
  const answers = await inParallel(ways, 6, ([from, to]) => host.ping(from, to))
  const silent = ways.filter((_, i) => !answers[i])
  test.strictSame(silent, [], `${ways.length} pings are all answered`)
}

async function delAll(runner: CniRunner): Promise<void> {
  await inParallel(PODS, COUNT, (pod) => runner.del(pod, runner.host.pods.get(pod)!))
}

t.test('thirty pods come and go', async (test) => {
  const host = await makeHost(test, { pods: 40 })
  const runner = runtime(host)
  const before = await host.snapshot()
  test.notOk(existsSync(host.stateDir), 'a fresh VM')
  const watch = await host.hostPing()
  for (const pod of PODS) await host.addPodNetns(pod)

  const results = await inParallel(PODS, WIDTH, (pod) =>
    runner.add(pod, host.pods.get(pod)!),
  )
  for (const [i, result] of results.entries()) checkResult(test, host, PODS[i]!, result)
  const addresses = results.map(addressOf)
  const lowest = host.nic.secondaries.slice(0, COUNT)
  test.strictSame(addresses.toSorted(), lowest.toSorted(), 'the lowest of the pool')
  const names = new Set(results.map((result) => result.interfaces?.[1]?.name))
  test.equal(names.size, COUNT, 'host sides have names of their own')

  await test.test('addresses, MACs and routes inside', async (sub) => {
    for (const i of [0, 7, 19, 29])
      await checkInside(sub, host, PODS[i]!, results[i] as CniResult)
  })
  await test.test('packets', async (sub) => {
    const all = addresses.flatMap((address, i): [string, string][] => [
      ['vm', address],
      [PODS[i]!, ADDRESS.primary],
      ['fabric', address],
      [PODS[i]!, ADDRESS.gateway],
    ])
    await pingAll(sub, host, all)
    const pairs = PODS.map((pod, i): [string, string] => [pod, addresses[(i + 7) % 30]!])
    await pingAll(sub, host, pairs)
    const far = [0, 11, 29].flatMap((i): [string, string][] => [
      ['secondVm', addresses[i]!],
      [PODS[i]!, ADDRESS.secondVm],
      ['peeredVm', addresses[i]!],
      [PODS[i]!, ADDRESS.peeredVm],
      [PODS[i]!, ADDRESS.wireserver],
      [PODS[i]!, addresses[i]!],
    ])
    await pingAll(sub, host, far)
  })

  test.equal(await host.fabricDrops('mac'), 0, 'no frame with a foreign MAC')
  test.equal(await host.fabricDrops('address'), 0, 'no packet with a foreign address')
  await delAll(runner)
  await assertClean(test, host, before)
  const report = await watch.stop()
  test.ok(
    report.longestGapMs <= BRIEF_MS,
    `the host kept its network: ${report.lost} lost`,
  )
  test.ok(report.fromVm.sent > 50, 'it was watched')
  test.equal(await host.fabricDrops('mac'), 0, 'nor did DEL send a foreign MAC')
})

t.test('an answer of the source serves many processes', async (test) => {
  const host = await makeHost(test, { pods: 40 })
  const runner = runtime(host, { ipam: { queryInterval: 3600 }, portmap: false })
  const pods = PODS.slice(0, 12)
  for (const pod of pods) await host.addPodNetns(pod)
  const add = (pod: string) => runner.add(pod, host.pods.get(pod)!)
  await add(pods[0]!)
  await inParallel(pods.slice(1), WIDTH, add)
  test.equal(await host.wireserverRequests(), 1, 'one request for 12 ADDs')
  await inParallel(pods, WIDTH, (pod) => runner.del(pod, host.pods.get(pod)!))
  test.equal(await host.wireserverRequests(), 1, 'DEL asks nobody')
})

t.test('the interval of the seed is kept across processes', async (test) => {
  const host = await makeHost(test, { pods: 10 })
  const runner = runtime(host)
  const from = performance.now()
  for (const pod of PODS.slice(0, 6)) {
    await host.addPodNetns(pod)
    await runner.add(pod, host.pods.get(pod)!)
    await runner.del(pod, host.pods.get(pod)!)
  }
  const requests = await host.wireserverRequests()
  // On a machine on which that takes longer than an interval, more are due.
  const due = 1 + Math.floor((performance.now() - from) / 10_000)
  test.ok(requests <= due, `${requests} requests for 6 ADDs and 6 DELs, ${due} due`)
})
