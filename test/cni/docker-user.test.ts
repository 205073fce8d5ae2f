/** A host whose firewall is Docker's: what is forwarded is dropped, but for what DOCKER-USER accepts. */
import t, { type Test } from 'tap'
import type { RuleInfo } from '../../dist/esm/index.js'
import { NetNs } from '../../dist/esm/index.js'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import { addPod, delPod, makeHost, runtime, vnetCni } from './support/setup.js'
import { bridgeNetfilter, fetchTcp, fetchUdp, serve } from './support/traffic.js'

const OURS = '-A DOCKER-USER -i azure0 -o azure0 -j ACCEPT'
const portMappings = [
  { hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
  { hostPort: 8080, containerPort: 80, protocol: 'udp' as const },
]

async function iptables(host: AzureHost, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.exec('iptables-nft', args)
  if (code !== 0) throw new Error(`iptables ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** What dockerd makes of the table, as iptables-nft writes it. */
async function startDocker(host: AzureHost, { hasReturn = true } = {}): Promise<void> {
  await host.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
  await iptables(host, '-P', 'FORWARD', 'DROP')
  await iptables(host, '-N', 'DOCKER-USER')
  if (hasReturn) await iptables(host, '-A', 'DOCKER-USER', '-j', 'RETURN')
  await iptables(host, '-I', 'FORWARD', '-j', 'DOCKER-USER')
}

const userRules = async (host: AzureHost) =>
  (await iptables(host, '-S', 'DOCKER-USER')).trim().split('\n').slice(1)

function rulesOf(host: AzureHost): RuleInfo[] {
  using vm = NetNs.openPinned(host.names.vm)
  const plan = vm.plan()
  const rules = plan.nftables.rules({
    family: 'ip',
    table: 'filter',
    chain: 'DOCKER-USER',
  })
  return plan.runSync().of(rules)
}

async function allWays(test: Test, host: AzureHost, pod: string): Promise<void> {
  for (const from of ['secondVm', 'fabric', 'vm', 'two']) {
    test.match(await fetchTcp(host, from, `${pod}:80`), /^one /, `${from} → pod`)
    const port = `${ADDRESS.primary}:8080`
    test.match(await fetchTcp(host, from, port), /^one /, `${from} → its port`)
    test.match(await fetchUdp(host, from, port), /^one /, `udp ${from} → its port`)
  }
  test.match(await fetchTcp(host, 'one', `${ADDRESS.secondVm}:8000`), /^secondVm /)
  test.match(await fetchTcp(host, 'one', `${ADDRESS.internet}:8000`), /^fabric /)
}

async function lists(test: Test, name: string) {
  const host = await makeHost(test)
  await serve(host, 'secondVm', 8000)
  await serve(host, 'fabric', 8000, ADDRESS.internet)
  const runner = runtime(host, { name, vnet: { masquerade: true, bridge: 'azure0' } })
  return { host, runner }
}

for (const filtered of [false, true]) {
  t.test(`Docker first, bridge-nf-call-iptables ${filtered}`, async (test) => {
    const { host, runner } = await lists(test, 'azure')
    await startDocker(host)
    await bridgeNetfilter(host, filtered)
    const before = await iptables(host, '-S')
    const one = await addPod(runner, 'one', { portMappings })
    await addPod(runner, 'two')
    await serve(host, 'one')
    test.strictSame(await userRules(host), [OURS, '-A DOCKER-USER -j RETURN'], 'once')
    await allWays(test, host, one)
    await delPod(runner, 'one')
    test.strictSame((await userRules(host)).length, 2, 'it stays with the bridge')
    await delPod(runner, 'two')
    test.equal(await iptables(host, '-S'), before, 'and goes with it')
  })
}

t.test('Docker comes later, and makes its chain anew', async (test) => {
  const { host, runner } = await lists(test, 'azure')
  const one = await addPod(runner, 'one', { portMappings })
  await serve(host, 'one')
  await startDocker(host, { hasReturn: false })
  await bridgeNetfilter(host, true)
  await addPod(runner, 'two')
  test.strictSame(await userRules(host), [OURS])
  await allWays(test, host, one)
  await iptables(host, '-F', 'DOCKER-USER')
  test.equal((await vnetCni(host, 'repair')).code, 0)
  test.strictSame(await userRules(host), [OURS], 'repair puts it back')
  await iptables(host, '-F', 'DOCKER-USER')
  await addPod(runner, 'three')
  test.strictSame(await userRules(host), [OURS], 'and so does the next ADD')
  const { code, stderr } = await vnetCni(host, 'reset', '--force')
  test.equal(code, 0, stderr)
  test.strictSame(await userRules(host), [], 'reset takes it away')
})

t.test('the rule is one of iptables', async (test) => {
  const { host, runner } = await lists(test, 'azure')
  await startDocker(host)
  await addPod(runner, 'one')
  const [ours] = rulesOf(host)
  const rule = ['DOCKER-USER', '-i', 'azure0', '-o', 'azure0', '-j', 'ACCEPT']
  await iptables(host, '-C', ...rule)
  await iptables(host, '-D', ...rule)
  await iptables(host, '-I', ...rule)
  const [theirs] = rulesOf(host)
  const { handle: _o, ...one } = ours!
  const { handle: _t, ...other } = theirs!
  test.strictSame(one, other, 'byte for byte')
  const saved = await iptables(host, '-S')
  const text = (await host.exec('iptables-nft-save', [])).stdout
  await iptables(host, '-F')
  await host.exec('iptables-nft-restore', [], { input: text })
  test.equal(await iptables(host, '-S'), saved, 'iptables-save and iptables-restore')
  await delPod(runner, 'one')
  test.strictSame(await userRules(host), ['-A DOCKER-USER -j RETURN'])
})

t.test('without Docker nothing is made', async (test) => {
  const { host, runner } = await lists(test, 'azure')
  await addPod(runner, 'one')
  const { stdout } = await host.exec('nft', ['list', 'tables'])
  test.notMatch(stdout, /table ip filter/)
})
