import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniRunner } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import { killCall, type Moment } from './support/doomed.js'
import {
  addPod,
  assertOver,
  delPod,
  leases,
  makeHost,
  nodeRecords,
  runtime,
  type Lifetime,
} from './support/setup.js'

// Many rounds, each with calls of its own: a slow machine needs more than the usual time.
type Picture = Awaited<ReturnType<AzureHost['snapshot']>>

/** What a test shares between its rounds. */
interface Room {
  test: Test
  host: AzureHost
  runner: CniRunner
  before: Picture
  lifetime: Lifetime
}

async function enter(test: Test, lifetime: Lifetime = 'pods'): Promise<Room> {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  // Pools that have been fetched serve all rounds: moments do not depend on HTTP then.
  const runner = runtime(host, {
    lifetime,
    ipam: { queryInterval: 3600 },
    portmap: false,
  })
  await addPod(runner, 'first')
  await delPod(runner, 'first')
  await assertOver(test, host, before, lifetime)
  return { test, host, runner, before, lifetime }
}

async function hostWorks({ test, host }: Room): Promise<void> {
  test.ok(await host.ping('vm', ADDRESS.gateway), 'the host reaches the fabric')
  test.ok(await host.ping('fabric', ADDRESS.primary), 'and is reached')
}

type Recovery = (room: Room, pod: string) => Promise<void>

const recoveries: Record<string, Recovery> = {
  'DEL cleans up': async ({ runner }, pod) => {
    await delPod(runner, pod)
  },
  'ADD of the same owner works': async ({ test, host, runner }, pod) => {
    const address = await addPod(runner, pod)
    test.ok(await host.ping('fabric', address), 'the pod works')
    test.strictSame(leases(host), { [`${pod}/eth0`]: address })
    await delPod(runner, pod)
  },
  'ADD of another pod mends': async ({ test, host, runner }, pod) => {
    const address = await addPod(runner, `${pod}x`)
    test.ok(await host.ping('fabric', address), 'the other pod works')
    const links = (await host.exec('ip', ['-br', 'link'])).stdout.match(/^azv/gm) ?? []
    test.equal(links.length, 1, 'of the dead call no link is left')
    test.strictSame(leases(host), { [`${pod}x/eth0`]: address }, 'nor a lease')
    await delPod(runner, `${pod}x`)
  },
}

function isReady(host: AzureHost, pod: string): boolean {
  const records = Object.values(nodeRecords(host).attachments)
  return records.some(
    ({ phase, owner }) => phase === 'ready' && owner.containerId === pod,
  )
}

/** Kills an ADD at a moment and lets the host recover; says how that went. */
async function round(room: Room, moment: Moment, name: string, turn: number) {
  const { test, host, runner, before, lifetime } = room
  const names = Object.keys(recoveries)
  const how = names[turn % names.length]!
  const pod = `pod-${name}`
  const netns = await host.addPodNetns(pod)
  const killed = await killCall(runner, 'ADD', { containerId: pod, netns }, moment)
  await test.test(`killed at ${name}: ${how}`, async (sub) => {
    // An ADD that was faster than the signal, or had nothing left to do but to end, has a pod on
    // record that nobody may take away but DEL.
    if (killed && !isReady(host, pod)) await recoveries[how]!({ ...room, test: sub }, pod)
    else await delPod(runner, pod)
    // A runtime calls DEL for what failed, whatever has happened since.
    await delPod(runner, pod)
    await hostWorks({ ...room, test: sub })
    // Then the next round finds a host without a bridge again: the move is what can go wrong.
    await assertOver(sub, host, before, lifetime)
  })
  await host.removePodNetns(pod)
  await host.removePodNetns(`${pod}x`)
  // On a host that was not mended the next rounds would tell nothing.
  return { killed, mended: test.passing() }
}

// Kernel requests, and the steps of writing state: between two of them nothing changes.
const STEPS = 'sendto,sendmsg,rename,unlink'
const LAST_STEP = 150

for (const [first, lifetime] of [
  [1, 'pods'],
  [2, 'node'],
] as const) {
  const name = `ADD killed before its steps ${first}, ${first + 2}, …`
  t.test(`${name}, bridgeLifetime ${lifetime}`, async (test) => {
    const room = await enter(test, lifetime)
    let nth = first
    for (let turn = 0; nth <= LAST_STEP; nth += 2, turn += 1) {
      const moment = { syscalls: STEPS, nth }
      const { killed, mended } = await round(room, moment, `step${nth}`, turn)
      if (!killed || !mended) break
    }
    test.ok(nth > 12 && nth <= LAST_STEP, `it was killed until step ${nth}`)
  })
}

t.test('ADD killed after some time', async (test) => {
  const room = await enter(test)
  for (const [turn, ms] of [20, 40, 60, 80, 100, 120, 140, 160].entries())
    await round(room, { ms }, `${ms}ms`, turn)
})

t.test('ADD stopped for a while and then killed', async (test) => {
  const room = await enter(test)
  for (const [turn, ms] of [70, 90, 110].entries())
    await round(room, { ms, stopMs: 200 }, `stop${ms}ms`, turn)
})
