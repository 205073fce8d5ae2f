/**
 * A node whose pods were attached by version 0.1.0, which wrote version 1 of the state file: the file
 * and the rules are those that it made (test/fixtures/state-v1).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import type { Snapshot } from '../helpers/snapshot.js'
import {
  addPod,
  assertClean,
  assertNoPods,
  delPod,
  LIFETIMES,
  nodeRecords,
  resetHost,
  runtime,
  vnetCni,
} from './support/setup.js'
import { listeningHost, MASQUERADE_TABLE, seenBy } from './support/internet.js'
import { hasTable } from './support/traffic.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const EXCEPT = { except: ['10.0.0.0/16'] }

type Kind = 'plain' | 'masquerade'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/state-v1/${name}`, import.meta.url))

/** A VM with the pod `old` as that version left it. */
async function oldNode(
  test: Test,
  kind: Kind,
): Promise<{ host: AzureHost; before: Snapshot; address: string }> {
  const host = await listeningHost(test)
  const before = await host.snapshot({ state: false })
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const show = await host.exec('ip', ['-j', '-6', 'addr', 'show', 'eth0'])
  const [nic] = JSON.parse(show.stdout) as { addr_info: { local: string }[] }[]
  const placed = (name: string) =>
    readFileSync(fixture(name), 'utf8')
      .replaceAll('BOOT_ID', bootId)
      .replaceAll('NIC_MAC', host.nic.mac)
      .replaceAll('NIC_LINK_LOCAL', nic!.addr_info[0]!.local)
  // Links, addresses, routes and neighbours are made as that version made them.
  const address = await addPod(runtime(host, { portmap: false }), 'old')
  const input = `flush ruleset\n${placed(`azure-vnet-${kind}.nft`)}`
  const { code, stderr } = await host.exec('nft', ['-f', '-'], { input })
  if (code !== 0) throw new Error(stderr)
  writeFileSync(join(host.stateDir, 'azure-vnet.json'), placed(`azure-vnet-${kind}.json`))
  return { host, before, address }
}

async function works(test: Test, host: AzureHost, address: string, when: string) {
  for (const from of ['vm', 'fabric', 'secondVm'])
    test.ok(await host.ping(from, address), `${when}: ${from} → ${address}`)
  test.ok(await host.ping('vm', ADDRESS.gateway), `${when}: the host works`)
}

const internet = async (host: AzureHost, pod: string) =>
  (await seenBy(host, pod))['internet']

for (const kind of ['plain', 'masquerade'] as const) {
  const masquerade = kind === 'masquerade' ? EXCEPT : undefined

  t.test(`${kind}: DEL takes the pod away, and the bridge with it`, async (test) => {
    const { host, before, address } = await oldNode(test, kind)
    await works(test, host, address, 'before')
    await delPod(runtime(host, { vnet: { masquerade }, portmap: false }), 'old')
    await assertClean(test, host, before)
  })

  for (const lifetime of LIFETIMES) {
    t.test(`${kind}: an ADD beside it, bridgeLifetime ${lifetime}`, async (test) => {
      const { host, before, address } = await oldNode(test, kind)
      const runner = runtime(host, { lifetime, vnet: { masquerade }, portmap: false })
      const added = await addPod(runner, 'new')
      test.match(nodeRecords(host), {
        networks: { azure0: { mode: 'bridge', phase: 'ready', lifetime } },
        attachments: { 'azure/old/eth0': { phase: 'ready' }, 'azure/new/eth0': {} },
      })
      for (const [pod, own] of [['old', address] as const, ['new', added] as const]) {
        await works(test, host, own, pod)
        test.equal(await internet(host, pod), masquerade ? ADDRESS.primary : own, pod)
      }
      await delPod(runner, 'old')
      test.notOk(await host.ping('vm', address), 'the old one is gone')
      await works(test, host, added, 'the new one')
      await delPod(runner, 'new')
      if (lifetime === 'node') {
        await assertNoPods(test, host)
        await resetHost(test, host)
      }
      await assertClean(test, host, before)
    })
  }

  t.test(`${kind}: reset and repair`, async (test) => {
    const { host, before, address } = await oldNode(test, kind)
    const repaired = await vnetCni(host, 'repair')
    test.equal(repaired.code, 0, repaired.stderr)
    await works(test, host, address, 'after a repair')
    const seen = await internet(host, 'old')
    test.equal(seen, masquerade ? ADDRESS.primary : address)
    const reset = await vnetCni(host, 'reset', '--force')
    test.equal(reset.code, 0, reset.stderr)
    await assertClean(test, host, before)
  })
}

t.test('an ADD of a network without SNAT leaves the old pod its own', async (test) => {
  const { host, before, address } = await oldNode(test, 'masquerade')
  const other = runtime(host, { name: 'other', portmap: false })
  const added = await addPod(other, 'new')
  test.equal(await internet(host, 'old'), ADDRESS.primary)
  test.equal(await internet(host, 'new'), added)
  test.ok(await host.ping('fabric', address))
  const own = runtime(host, { vnet: { masquerade: EXCEPT }, portmap: false })
  await delPod(own, 'old')
  test.equal(await internet(host, 'new'), added)
  await delPod(other, 'new')
  test.notOk(await hasTable(host, 'ip', MASQUERADE_TABLE))
  await assertClean(test, host, before)
})
