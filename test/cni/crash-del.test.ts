import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { Snapshot } from '../helpers/snapshot.js'
import { ADDRESS } from '../helpers/fabric.js'
import { killCall } from './support/doomed.js'
import {
  addPod,
  assertClean,
  assertNoPods,
  delPod,
  LIFETIMES,
  makeHost,
  resetHost,
  runtime,
  type Lifetime,
} from './support/setup.js'

// The usual time is for an idle machine.
const STEPS = 'sendto,sendmsg,rename,unlink'

async function nothingOfPods(
  test: Test,
  host: AzureHost,
  before: Snapshot,
  lifetime: Lifetime,
): Promise<void> {
  if (lifetime === 'pods') await assertClean(test, host, before)
  else await assertNoPods(test, host)
}

for (const lifetime of LIFETIMES)
  t.test(
    `DEL killed before each of its steps, bridgeLifetime ${lifetime}`,
    async (test) => {
      const host = await makeHost(test)
      const before = await host.snapshot({ state: false })
      const runner = runtime(host, {
        lifetime,
        ipam: { queryInterval: 3600 },
        portmap: false,
      })
      let nth = 1
      for (; nth <= 120; nth += 3) {
        const pod = `pod${nth}`
        await addPod(runner, pod)
        const netns = host.pods.get(pod)!
        const attachment = { containerId: pod, netns }
        const killed = await killCall(runner, 'DEL', attachment, { syscalls: STEPS, nth })
        await delPod(runner, pod)
        test.ok(
          await host.ping('vm', ADDRESS.gateway),
          `${nth}: the host reaches the fabric`,
        )
        test.ok(await host.ping('fabric', ADDRESS.primary), `${nth}: and is reached`)
        await nothingOfPods(test, host, before, lifetime)
        await host.removePodNetns(pod)
        if (!killed) break
      }
      test.ok(nth > 6 && nth <= 120, `it was killed until step ${nth}`)
      if (lifetime === 'node') await resetHost(test, host)
      await assertClean(test, host, before)
    },
  )

for (const lifetime of LIFETIMES)
  t.test(
    `a killed DEL and the next ADD of another, bridgeLifetime ${lifetime}`,
    async (test) => {
      const host = await makeHost(test)
      const before = await host.snapshot({ state: false })
      const runner = runtime(host, {
        lifetime,
        ipam: { queryInterval: 3600 },
        portmap: false,
      })
      for (let nth = 8; nth <= 32; nth += 6) {
        const pod = `pod${nth}`
        await addPod(runner, pod)
        const attachment = { containerId: pod, netns: host.pods.get(pod)! }
        await killCall(runner, 'DEL', attachment, { syscalls: STEPS, nth })
        const address = await addPod(runner, 'next')
        test.ok(await host.ping('fabric', address), `${nth}: the next pod works`)
        test.ok(await host.ping('vm', ADDRESS.gateway), 'so does the host')
        await delPod(runner, pod)
        test.ok(
          await host.ping('fabric', address),
          'and goes on when the DEL is repeated',
        )
        await delPod(runner, 'next')
        await nothingOfPods(test, host, before, lifetime)
        await host.removePodNetns(pod)
      }
      if (lifetime === 'node') await resetHost(test, host)
      await assertClean(test, host, before)
    },
  )
