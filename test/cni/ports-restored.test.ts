/** Host ports come back with whatever mends the rest, and the log says so. */
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import {
  addPod,
  assertClean,
  assertOver,
  delPod,
  logLines,
  makeHost,
  nodeRecords,
  runtime,
  vnetCni,
} from './support/setup.js'
import { fetchTcp, fetchUdp, hasTable, serve } from './support/traffic.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const TABLE = 'azure_vnet_portmap'
const PORTS = {
  portMappings: [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 8053, containerPort: 80, protocol: 'udp' as const },
  ],
}
const at = `${ADDRESS.primary}:8080`

/** Asserts that both ports of a pod work from everywhere. */
async function portsWork(test: Test, host: AzureHost, pod: string, when: string) {
  const words = new RegExp(`^${pod} `)
  for (const from of ['secondVm', 'vm', pod])
    test.match(await fetchTcp(host, from, at), words, `${when}: TCP from ${from}`)
  test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), words, `${when}: 127.0.0.1`)
  const udp = await fetchUdp(host, 'secondVm', `${ADDRESS.primary}:8053`)
  test.match(udp, words, `${when}: UDP`)
}

/** Lines of the log about ports that were gone. */
function told(host: AzureHost): unknown[] {
  return logLines(host, 'azure-vnet')
    .filter(({ msg }) => /host ports? w/.test(String(msg)))
    .map(({ level, owners }) => ({ level, owners }))
}

const BACK = { level: 'warn', owners: ['azure/web/eth0'] }

for (const flush of [
  ['flush', 'ruleset'],
  ['flush', 'ruleset', 'ip'],
  ['delete', 'table', 'ip', TABLE],
]) {
  t.test(`nft ${flush.join(' ')}, then an ADD of another pod`, async (test) => {
    const host = await makeHost(test)
    const before = await host.snapshot({ state: false })
    const runner = runtime(host, { lifetime: 'node', vnet: { masquerade: true } })
    await addPod(runner, 'web', PORTS)
    await serve(host, 'web', 80)
    await portsWork(test, host, 'web', 'before')
    test.strictSame(told(host), [])
    await host.exec('nft', flush)
    test.notOk(await hasTable(host, 'ip', TABLE), 'they are gone')
    await addPod(runner, 'other')
    await portsWork(test, host, 'web', 'after the ADD')
    test.strictSame(told(host), [BACK], 'the log says so, once')
    await delPod(runner, 'other')
    await addPod(runner, 'third')
    test.equal(told(host).length, 1, 'what is there is not put back again')
    for (const pod of ['web', 'third']) await delPod(runner, pod)
    test.equal(await fetchTcp(host, 'secondVm', at), 'none')
    await assertOver(test, host, before, 'node')
  })
}

t.test('a repair puts them back too', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'web', PORTS)
  await serve(host, 'web', 80)
  await host.exec('nft', ['flush', 'ruleset'])
  const { code, stderr } = await vnetCni(host, 'repair')
  test.equal(code, 0, stderr)
  await portsWork(test, host, 'web', 'after a repair')
})

t.test('ports of a pod that is gone do not come back', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const runner = runtime(host)
  await addPod(runner, 'web', PORTS)
  await addPod(runner, 'stays')
  await host.exec('nft', ['flush', 'ruleset'])
  await delPod(runner, 'web')
  await addPod(runner, 'next')
  test.notOk(await hasTable(host, 'ip', TABLE), 'there are no ports')
  test.strictSame(told(host), [])
  await host.removePodNetns('web')
  await addPod(runner, 'web2', PORTS)
  await serve(host, 'web2', 80)
  await portsWork(test, host, 'web2', 'another pod has them')
  for (const pod of ['stays', 'next', 'web2']) await delPod(runner, pod)
  await assertClean(test, host, before)
})

t.test(
  'after a flush nobody takes the port of a pod that has it on record',
  async (test) => {
    const host = await makeHost(test)
    const runner = runtime(host)
    await addPod(runner, 'web', PORTS)
    await host.exec('nft', ['delete', 'table', 'ip', TABLE])
    const path = await host.addPodNetns('fast')
    const [, portmap] = runner.conflist.plugins
    const fast = await runner.add('fast', path)
    test.match(nodeRecords(host).attachments, { 'azure/web/eth0': { ports: {} } })
    test.match(told(host), [BACK])
    const config = runner.configFor(portmap!, PORTS, fast)
    const call = { containerId: 'fast', netns: path, ifname: 'eth0' }
    await test.rejects(runner.invoke('ADD', 'portmap', config, call), {
      message: /8080.*azure\/web\/eth0|azure\/web\/eth0.*8080/,
    })
    await serve(host, 'web', 80)
    await portsWork(test, host, 'web', 'the first has them')
  },
)
