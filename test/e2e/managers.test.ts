/**
 * Hosts whose network somebody manages, by the real programs: pods come, the manager restarts or
 * reloads or renews, the host keeps its network, and at the end it has it back as it was.
 */
import t, { type Test } from 'tap'
import { ADDRESS } from '../helpers/fabric.js'
import { buildHost } from '../helpers/hosts/zoo.js'
import { missingPackages } from '../helpers/hosts/keeper.js'
import { dhclient } from '../helpers/hosts/dhclient.js'
import type { HostKind } from '../helpers/hosts/host-kind.js'
import { networkManager } from '../helpers/hosts/network-manager.js'
import { networkd, networkdStatic } from '../helpers/hosts/networkd.js'
import { static32 } from '../helpers/hosts/static32.js'
import type { AzureHost } from '../helpers/azure-host.js'
import { addPod, delPod, runtime } from '../cni/support/setup.js'

async function isWhole(t: Test, host: AzureHost, when: string): Promise<void> {
  const { stdout: nic } = await host.exec('ip', ['-o', 'link', 'show', 'eth0'])
  t.match(nic, / master azure\d+ /, `${when}: the NIC is in the bridge`)
  const { stdout: own } = await host.exec('ip', ['-4', '-o', 'address', 'show', 'eth0'])
  t.equal(own, '', `${when}: and has no address`)
  await isOnline(t, host, when)
}

async function isOnline(t: Test, host: AzureHost, when: string): Promise<void> {
  t.ok(await host.ping('host', ADDRESS.gateway, 2), `${when}: host → gateway`)
  t.ok(await host.ping('host', ADDRESS.internet, 2), `${when}: host → Internet`)
  t.ok(await host.ping('fabric', ADDRESS.primary, 2), `${when}: gateway → host`)
}

async function tryKind(t: Test, kind: HostKind): Promise<void> {
  t.same(missingPackages(kind), [], 'what it needs is installed')
  const { host, prepared } = await buildHost(kind)
  t.teardown(() => host.destroy())
  const before = await host.snapshot({ sysctls: true, state: false })
  const runner = runtime(host)
  await addPod(runner, 'first')
  await isWhole(t, host, 'with a pod')
  t.ok(await host.ping('first', ADDRESS.gateway, 2), 'pod → gateway')
  t.ok(await host.ping('host', '10.0.0.5', 2), 'host → pod')
  let count = 0
  for (const { name, run } of prepared.events ?? []) {
    await run()
    await isOnline(t, host, name)
    const pod = `pod${count++}`
    await addPod(runner, pod)
    await isWhole(t, host, `${name}, and the next call`)
    t.ok(await host.ping(pod, ADDRESS.gateway, 2), `${name}: pod → gateway`)
    t.ok(await host.ping('first', ADDRESS.gateway, 2), `${name}: first pod → gateway`)
    await delPod(runner, pod)
  }
  await delPod(runner, 'first')
  await isOnline(t, host, 'after the last DEL')
  const changes = await host.changesSince(before, { sysctls: true, state: false })
  // A lease's lifetime goes on by itself; all else is as it was.
  t.same(changes, [], 'as it was before the first pod')
}

for (const kind of [networkManager, networkdStatic, networkd, dhclient, static32]) {
  t.test(kind.title, (t) => tryKind(t, kind))
}
