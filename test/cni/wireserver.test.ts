import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { WireserverMode } from '../helpers/fabric-servers.js'
import {
  addPod,
  delPod,
  leases,
  logLines,
  makeHost,
  refuses,
  runtime,
} from './support/setup.js'

// The usual time is for an idle machine.
const FAILURES: [WireserverMode, RegExp][] = [
  ['status500', /500/],
  ['garbage', /answer|document|XML/i],
  ['entityBomb', /answer|document|XML|entit/i],
  ['down', /reached|ECONNREFUSED/],
  ['hang', /did not answer/],
]

async function failsCold(test: Test, host: AzureHost, words: RegExp): Promise<void> {
  const before = await host.snapshot({ state: false, sysctls: true })
  const runner = runtime(host, { portmap: false })
  const path = host.pods.get('cold') ?? (await host.addPodNetns('cold'))
  await refuses(test, runner.add('cold', path), 101, 'wireserver', '168.63.129.16', words)
  const changes = await host.changesSince(before, { state: false, sysctls: true })
  test.strictSame(changes, [], 'the host is as before')
  test.strictSame(leases(host), {}, 'no lease')
}

async function worksWarm(test: Test, host: AzureHost): Promise<void> {
  const runner = runtime(host, { ipam: { queryInterval: 0 } })
  const before = logLines(host, 'azure-vnet').length
  const address = await addPod(runner, 'warm')
  test.ok(host.nic.secondaries.includes(address), 'an address of the earlier pool')
  test.ok(await host.ping('fabric', address), 'the pod works')
  const said = logLines(host, 'azure-vnet').slice(before)
  const warning = said.find(
    ({ level, msg }) => level === 'warn' && /wireserver/.test(`${msg}`),
  )
  test.match(warning, { msg: /wireserver/ }, 'the log has a warning')
  await delPod(runner, 'warm')
}

for (const [mode, words] of FAILURES) {
  t.test(`wireserver: ${mode}`, async (test) => {
    const host = await makeHost(test)
    await host.wireserverMode(mode)
    await test.test('without an earlier answer', (sub) => failsCold(sub, host, words))

    await host.wireserverMode('ok')
    rmSync(host.stateDir, { recursive: true, force: true })
    const runner = runtime(host, { portmap: false })
    await addPod(runner, 'early')
    await host.wireserverMode(mode)
    await test.test('with an earlier answer', (sub) => worksWarm(sub, host))
    await delPod(runner, 'early')
  })
}

t.test('wireserver: answers nothing', async (test) => {
  const host = await makeHost(test, { wireserver: () => ({ body: '' }) })
  await failsCold(test, host, /empty|answer|document|XML/i)
})

t.test('wireserver: answers with an endless document', async (test) => {
  const body = `<Interfaces>${' '.repeat(2 * 1024 * 1024)}</Interfaces>`
  const host = await makeHost(test, { wireserver: () => ({ body }) })
  await failsCold(test, host, /more than/)
})

t.test('wireserver: knows no NIC of this host', async (test) => {
  const host = await makeHost(test)
  await host.serveWireserver(
    '<Interfaces><Interface MacAddress="000000000001" IsPrimary="true">' +
      '<IPSubnet Prefix="10.0.0.0/24"><IPAddress Address="10.0.0.5" IsPrimary="false"/>' +
      '</IPSubnet></Interface></Interfaces>',
  )
  const runner = runtime(host, { portmap: false })
  const path = await host.addPodNetns('pod')
  const words = ['no NIC', '00:00:00:00:00:01', host.nic.mac]
  await refuses(test, runner.add('pod', path), 100, ...words)
})

t.test('wireserver: a recovery is noticed at the next ADD', async (test) => {
  const host = await makeHost(test)
  await host.wireserverMode('down')
  const runner = runtime(host, { portmap: false })
  const path = await host.addPodNetns('pod')
  await refuses(test, runner.add('pod', path), 101)
  await host.wireserverMode('ok')
  test.equal(await addPod(runner, 'pod'), '10.0.0.5')
  await delPod(runner, 'pod')
})
