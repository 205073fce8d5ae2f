/**
 * Many pods come and go at once while calls are killed at any moment: who was attached stays so, and
 * in the end nothing is left.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import { CniError, type CniRunner } from '../helpers/cni-runner.js'
import { seeded } from '../helpers/seeded.js'
import { killCall } from './support/doomed.js'
import {
  addressOf,
  assertOver,
  inParallel,
  leases,
  LIFETIMES,
  makeHost,
  runtime,
} from './support/setup.js'

// The usual time is for an idle machine.
const LANES = 14
const PODS_PER_LANE = 2
const TURNS = 8

interface Lane {
  readonly test: Test
  readonly host: AzureHost
  readonly runner: CniRunner
  /** A whole number from 0, below the given one. */
  readonly random: (below: number) => number
  /** Addresses of the pods that are attached. */
  readonly attached: Map<string, string>
  /** How many calls of each verb did not come to their end. */
  readonly killed: Record<'ADD' | 'DEL', number>
}

/** A call that is killed, and the DEL that every runtime calls then. */
async function doomed(lane: Lane, pod: string): Promise<void> {
  const { runner, host, random, attached } = lane
  const command = attached.has(pod) ? 'DEL' : 'ADD'
  const netns = host.pods.get(pod)!
  const moment = { ms: 20 + random(180) }
  const died = await killCall(runner, command, { containerId: pod, netns }, moment)
  if (died) lane.killed[command] += 1
  attached.delete(pod)
  // Not at once: until then another call may be the one that cleans up.
  if (random(2)) await sleep(random(200))
  await runner.del(pod, netns)
}

async function turn(lane: Lane, pod: string): Promise<void> {
  const { test, host, runner, random, attached } = lane
  const netns = host.pods.get(pod)!
  if (random(100) < 35) return doomed(lane, pod)
  const address = attached.get(pod)
  if (address === undefined) {
    attached.set(pod, addressOf(await runner.add(pod, netns)))
    return
  }
  test.ok(await host.ping('vm', address), `${pod} still has its network`)
  await runner.del(pod, netns)
  attached.delete(pod)
}

async function chaos(test: Test, seed: number): Promise<void> {
  const host = await makeHost(test, { pods: LANES * PODS_PER_LANE + 16 })
  // Odd seeds with one lifetime of the bridge, even ones with the other.
  const lifetime = LIFETIMES[(seed + 1) % LIFETIMES.length]!
  const runner = runtime(host, { lifetime, portmap: false })
  const before = await host.snapshot({ state: false })
  const attached = new Map<string, string>()
  const killed = { ADD: 0, DEL: 0 }
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    Array.from({ length: PODS_PER_LANE }, (__, i) => `pod-${lane}-${i}`),
  )
  for (const pod of lanes.flat()) await host.addPodNetns(pod)

  await inParallel([...lanes.entries()], LANES, async ([number, pods]) => {
    const random = seeded(seed * LANES + number)
    for (let i = 0; i < TURNS; i++) {
      const pod = pods[random(pods.length)]!
      try {
        await turn({ test, host, runner, random, attached, killed }, pod)
      } catch (error) {
        if (!(error instanceof CniError)) throw error
        test.fail(`seed ${seed}, ${pod}: ${error.message}`)
      }
    }
  })

  test.ok(killed.ADD > 3 && killed.DEL > 3, `killed: ${JSON.stringify(killed)}`)
  test.ok(attached.size > 3, `${attached.size} pods are attached`)
  for (const [pod, address] of attached) {
    test.ok(await host.ping('fabric', address), `seed ${seed}: ${pod} has its network`)
    test.equal(leases(host)[`${pod}/eth0`], address, 'and its lease')
  }
  test.equal(new Set(attached.values()).size, attached.size, 'no address twice')
  await inParallel(lanes.flat(), LANES, (pod) => runner.del(pod, host.pods.get(pod)!))
  await assertOver(test, host, before, lifetime)
  test.ok(await host.ping('vm', ADDRESS.gateway), 'the host has its network')
  test.equal(await host.fabricDrops('address'), 0, 'no packet with a foreign address')
}

const first = Number(process.env['VNET_CNI_CHAOS_SEED'] ?? 1)
const count = Number(process.env['VNET_CNI_CHAOS_COUNT'] ?? 2)
for (let seed = first; seed < first + count; seed++)
  t.test(`seed ${seed}`, (test) => chaos(test, seed))
