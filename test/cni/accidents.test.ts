import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import {
  addPod,
  assertOver,
  delPod,
  leases,
  LIFETIMES,
  logLines,
  makeHost,
  runtime,
  type Lifetime,
} from './support/setup.js'

// The usual time is for an idle machine.
/** Pods by name with their addresses. */
type Pods = Record<string, string>

async function allWork(test: Test, host: AzureHost, pods: Pods, when: string) {
  for (const [pod, address] of Object.entries(pods)) {
    test.ok(await host.ping('vm', address), `${when}: host → ${pod}`)
    test.ok(await host.ping('fabric', address), `${when}: fabric → ${pod}`)
    test.ok(await host.ping(pod, ADDRESS.primary), `${when}: ${pod} → host`)
    test.ok(await host.ping(pod, ADDRESS.secondVm), `${when}: ${pod} → second VM`)
    for (const other of Object.values(pods))
      test.ok(await host.ping(pod, other), `${when}: ${pod} → ${other}`)
  }
  test.ok(await host.ping('vm', ADDRESS.gateway), `${when}: host → fabric`)
  test.ok(await host.ping('secondVm', ADDRESS.primary), `${when}: second VM → host`)
}

/** One accident for each lifetime of the bridge. */
function accident(name: string, run: (test: Test, lifetime: Lifetime) => Promise<void>) {
  for (const lifetime of LIFETIMES)
    t.test(`${name}, bridgeLifetime ${lifetime}`, (test) => run(test, lifetime))
}

accident('the ruleset is flushed while pods run', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, portmap: false })
  const pods: Pods = { a: await addPod(runner, 'a'), b: await addPod(runner, 'b') }
  await host.exec('nft', ['flush', 'ruleset'])
  pods['c'] = await addPod(runner, 'c')
  await allWork(test, host, pods, 'after the next ADD')
  test.equal(new Set(Object.values(pods)).size, 3)
  for (const pod of Object.keys(pods)) await delPod(runner, pod)
  await assertOver(test, host, before, lifetime)
})

accident('the ruleset is flushed and no pod comes any more', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, vnet: { masquerade: true } })
  const portMappings = [{ hostPort: 8080, containerPort: 80 }]
  for (const pod of ['a', 'b'])
    await addPod(runner, pod, pod === 'a' ? { portMappings } : {})
  await host.exec('nft', ['flush', 'ruleset'])
  for (const pod of ['a', 'b']) await delPod(runner, pod)
  await assertOver(test, host, before, lifetime)
})

accident('the bridge is deleted while pods run', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, portmap: false })
  const pods: Pods = { a: await addPod(runner, 'a'), b: await addPod(runner, 'b') }
  await host.exec('ip', ['link', 'del', 'azure0'])
  pods['c'] = await addPod(runner, 'c')
  await allWork(test, host, pods, 'after the next ADD')
  for (const pod of Object.keys(pods)) await delPod(runner, pod)
  await assertOver(test, host, before, lifetime)
})

accident('the bridge is deleted and no pod comes any more', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, portmap: false })
  for (const pod of ['a', 'b']) await addPod(runner, pod)
  await host.exec('ip', ['link', 'del', 'azure0'])
  for (const pod of ['a', 'b']) await delPod(runner, pod)
  await assertOver(test, host, before, lifetime)
})

accident('the NIC is taken out of the bridge while pods run', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, portmap: false })
  const pods: Pods = { a: await addPod(runner, 'a') }
  await host.exec('ip', ['link', 'set', 'eth0', 'nomaster'])
  pods['b'] = await addPod(runner, 'b')
  await allWork(test, host, pods, 'after the next ADD')
  for (const pod of Object.keys(pods)) await delPod(runner, pod)
  await assertOver(test, host, before, lifetime)
})

accident('the state is wiped while pods run', async (test, lifetime) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, { lifetime, portmap: false })
  const pods: Pods = { a: await addPod(runner, 'a'), b: await addPod(runner, 'b') }
  rmSync(host.stateDir, { recursive: true, force: true })
  const third = await addPod(runner, 'c')
  test.notOk(Object.values(pods).includes(third), `${third} is nobody else's`)
  pods['c'] = third
  await allWork(test, host, pods, 'after the next ADD')
  const warned = logLines(host, 'azure-vnet').some(({ level }) => level === 'warn')
  test.ok(warned, 'the log tells of it')
  await delPod(runner, 'c')
  delete pods['c']
  await allWork(test, host, pods, 'after its DEL')
  for (const pod of Object.keys(pods)) await delPod(runner, pod)
  test.strictSame(leases(host), {})
  await assertOver(test, host, before, lifetime)
})

accident('the state is wiped and the ruleset flushed', async (test, lifetime) => {
  const host = await makeHost(test)
  const runner = runtime(host, { lifetime, portmap: false })
  await addPod(runner, 'a')
  rmSync(host.stateDir, { recursive: true, force: true })
  await host.exec('nft', ['flush', 'ruleset'])
  const address = await addPod(runner, 'b')
  test.ok(await host.ping('fabric', address), 'the new pod works')
  test.ok(await host.ping('vm', ADDRESS.gateway), 'so does the host')
})

accident('the state files are damaged while pods run', async (test, lifetime) => {
  const host = await makeHost(test)
  const runner = runtime(host, { lifetime, portmap: false })
  const pods: Pods = { a: await addPod(runner, 'a'), b: await addPod(runner, 'b') }
  for (const file of ['azure-vnet.json', 'ipam.json'])
    await host.exec('sh', ['-c', `printf '{"vers' > ${host.stateDir}/${file}`])
  pods['c'] = await addPod(runner, 'c')
  test.equal(new Set(Object.values(pods)).size, 3, 'no address is given out twice')
  await allWork(test, host, pods, 'after the next ADD')
  for (const pod of Object.keys(pods)) await delPod(runner, pod)
  test.ok(await host.ping('vm', ADDRESS.gateway), 'the host works')
})
