/** CHECK, GC and STATUS with the real kernel, alone and beside the reference plug-ins. */
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniRunner, Conflist } from '../helpers/cni-runner.js'
import {
  addPod,
  addressOf,
  assertClean,
  callProgram,
  complaintOf,
  GO_PLUGINS,
  leases,
  makeHost,
  OUR_PLUGINS,
  refuses,
  runtime,
  seedList,
} from './support/setup.js'
import { fetchTcp, serve } from './support/traffic.js'

const OPTIONS = { portMappings: [{ hostPort: 8080, containerPort: 80 }] }

/** Adds, checks, serves, finds the list's own CHECK broken by an accident, and deletes. */
async function lifeOf(test: Test, runner: CniRunner, what: string): Promise<void> {
  const { host } = runner
  const path = await host.addPodNetns('web')
  const result = await runner.add('web', path, 'eth0', OPTIONS)
  const check = () => runner.check('web', path, 'eth0', OPTIONS)
  await check()
  await serve(host, 'web')
  test.match(await fetchTcp(host, 'fabric', '10.0.0.4:8080'), /\S/, what)
  const address = `${addressOf(result)}/24`
  await host.execIn('web', 'ip', ['address', 'del', address, 'dev', 'eth0'])
  const found = await refuses(test, check(), 109)
  test.match(found?.msg, address, 'the difference is named')
  await runner.del('web', path, 'eth0', OPTIONS)
  await refuses(test, check(), 7)
  await host.removePodNetns('web')
}

t.test(
  'a list in each version, with and without the reference firewall',
  async (test) => {
    const host = await makeHost(test)
    const before = await host.snapshot()
    for (const cniVersion of ['0.4.0', '1.0.0', '1.1.0']) {
      await lifeOf(test, runtime(host, { cniVersion }), cniVersion)
      await assertClean(test, host, before)
    }
    const cniPath = [OUR_PLUGINS, GO_PLUGINS]
    for (const cniVersion of ['0.4.0', '1.0.0']) {
      const list = seedList({ cniVersion })
      list.plugins.push({ type: 'firewall' })
      await lifeOf(test, runtime(host, list, { cniPath }), `firewall ${cniVersion}`)
    }
  },
)

t.test('a MAC that tuning changes behind us is named', async (test) => {
  const host = await makeHost(test)
  const list = seedList({ cniVersion: '1.0.0' })
  list.plugins.push({ type: 'tuning', mac: '02:00:00:00:00:01' })
  const cniPath = [OUR_PLUGINS, GO_PLUGINS]
  const runner = runtime(host, list, { cniPath })
  const path = await host.addPodNetns('web')
  await runner.add('web', path)
  const found = await refuses(test, runner.check('web', path), 109)
  test.match(found?.msg, '02:00:00:00:00:01')
})

/** A call of GC or STATUS. */
function call(host: AzureHost, program: string, command: string, more: object = {}) {
  const [vnet] = seedList({ cniVersion: '1.1.0' }).plugins
  const own = { ...vnet, cniVersion: '1.1.0', name: 'azure', type: program }
  const stdin = program === 'azure-vnet' ? own : { ...own, ipam: vnet!['ipam'] }
  const none = { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' }
  return callProgram(host, program, { command, stdin: { ...stdin, ...more }, env: none })
}

t.test(
  'GC after a crash of the node: namespaces are gone, and no DEL came',
  async (test) => {
    const host = await makeHost(test)
    const before = await host.snapshot()
    const runner = runtime(host, { cniVersion: '1.1.0' })
    for (const pod of ['one', 'two', 'three']) {
      const options = pod === 'one' ? {} : { portMappings: [] }
      await addPod(runner, pod, pod === 'two' ? OPTIONS : options)
    }
    await host.removePodNetns('two')
    await host.removePodNetns('three')
    const valid = {
      'cni.dev/valid-attachments': [{ containerID: 'one', ifname: 'eth0' }],
    }
    const nothing = await call(host, 'azure-vnet', 'GC')
    test.strictSame([nothing.code, nothing.stdout], [0, ''])
    test.equal(Object.keys(leases(host)).length, 3, 'without a list nothing goes')
    for (const program of [
      'portmap',
      'azure-vnet',
      'portmap',
      'azure-vnet',
      'loopback',
    ]) {
      const done = await call(host, program, 'GC', valid)
      test.strictSame([done.code, done.stdout], [0, ''], program)
    }
    test.strictSame(leases(host), { 'one/eth0': '10.0.0.5' })
    const { stdout } = await host.exec('nft', ['list', 'ruleset'])
    test.notMatch(stdout, /two|three/)
    test.ok(await host.ping('one', '10.0.0.1'), 'the valid one has its network')
    const all = await call(host, 'azure-vnet', 'GC', { 'cni.dev/valid-attachments': [] })
    test.equal(all.code, 0, all.stdout)
    await assertClean(test, host, before)
  },
)

t.test('STATUS, from an empty node to a full pool and a broken bridge', async (test) => {
  const host = await makeHost(test, { pods: 1 })
  const asked = () => host.wireserverRequests()
  const well = async (when: string) => {
    for (const program of ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback']) {
      const { code, stdout } = await call(host, program, 'STATUS')
      test.strictSame([code, stdout], [0, ''], `${program} ${when}`)
    }
  }
  await well('before the first pod')
  test.equal(await asked(), 0, 'the source is not asked')
  const runner = runtime(host, { cniVersion: '1.1.0', lifetime: 'node' })
  await addPod(runner, 'one')
  const full = complaintOf(test, await call(host, 'azure-vnet', 'STATUS'))
  test.match(full, { code: 50, cniVersion: '1.1.0', msg: /1 of 1 in use/ })
  await host.exec('ip', ['link', 'del', 'azure0'])
  const broken = complaintOf(test, await call(host, 'azure-vnet', 'STATUS'))
  test.match(broken, { code: 51, msg: /host network azure0 over eth0/ })
})

t.test('an addon that cannot be loaded is told by STATUS', async (test) => {
  const host = await makeHost(test)
  const [vnet] = seedList().plugins
  const stdin = { ...vnet, cniVersion: '1.1.0', name: 'azure' }
  const env = { VNET_CNI_ADDON: '/absent.node' }
  const outcome = await callProgram(host, 'azure-vnet', { command: 'STATUS', stdin, env })
  test.match(complaintOf(test, outcome), { code: 50, msg: /absent\.node/ })
})

const NERDCTL: Conflist = {
  cniVersion: '1.0.0',
  name: 'azure',
  nerdctlID: '1',
  plugins: [...seedList({ cniVersion: '1.0.0' }).plugins, { type: 'firewall' }],
}

t.test('a list as nerdctl writes it', async (test) => {
  const host = await makeHost(test)
  const cniPath = [OUR_PLUGINS, GO_PLUGINS]
  await lifeOf(test, runtime(host, NERDCTL, { cniPath }), 'nerdctl')
})
