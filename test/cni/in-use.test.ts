import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { azureIpamState, azureNetworkState } from '../helpers/azure-documents.js'
import type { AzureHost } from '../helpers/azure-host.js'
import { must } from '../helpers/process.js'
import { callProgram, complaintOf, logLines, makeHost } from './support/setup.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const CONFIG = {
  cniVersion: '0.3.1',
  name: 'azure',
  type: 'somebody',
  ipam: { type: 'azure-vnet-ipam' },
}

function call(
  host: AzureHost,
  id: string,
  more: { command?: string; args?: string } = {},
) {
  const { command = 'ADD', args = '' } = more
  const env = { CNI_CONTAINERID: id, CNI_ARGS: args }
  return callProgram(host, 'azure-vnet-ipam', { command, env, stdin: CONFIG })
}

/** Runs ADD of azure-vnet-ipam alone and answers with the address. */
async function give(t: Test, host: AzureHost, id: string): Promise<string> {
  const { code, stdout } = await call(host, id)
  t.equal(code, 0, stdout)
  const { ips } = JSON.parse(stdout) as { ips: { address: string }[] }
  return ips[0]?.address ?? 'none'
}

const ip = (host: AzureHost, line: string) =>
  must('ip', ['-n', host.names.vm, ...line.split(' ')])

function azureState(host: AzureHost, name: string, text: string): void {
  mkdirSync(host.azureDir, { recursive: true })
  writeFileSync(join(host.azureDir, name), text)
}

function warnings(host: AzureHost): string {
  const lines = logLines(host, 'azure-vnet-ipam')
  const grave = lines.filter(({ level }) => level === 'warn')
  return grave.map(({ msg }) => String(msg)).join('\n')
}

const USES: Record<string, [(host: AzureHost) => unknown, RegExp]> = {
  'a neighbour entry': [
    async (host) => {
      await ip(host, 'link add azv1 type bridge')
      await ip(host, 'link set azv1 up')
      await ip(host, 'neigh add 10.0.0.5 dev azv1 lladdr 02:00:00:00:00:05 nud stale')
    },
    /10\.0\.0\.5 \(neighbour entry on azv1\)/,
  ],
  'a static neighbour entry': [
    async (host) => {
      await ip(host, 'link add azv1 type bridge')
      await ip(host, 'link set azv1 up')
      await ip(host, 'neigh add 10.0.0.5 dev azv1 lladdr 02:00:00:00:00:05')
    },
    /10\.0\.0\.5 \(neighbour entry on azv1\)/,
  ],
  'a route': [
    async (host) => {
      await ip(host, 'link add azv2 type bridge')
      await ip(host, 'link set azv2 up')
      await ip(host, 'route add 10.0.0.5/32 dev azv2')
    },
    /10\.0\.0\.5 \(host route on azv2\)/,
  ],
  'an address of the host': [
    (host) => ip(host, 'addr add 10.0.0.5/24 dev eth0'),
    /10\.0\.0\.5 \(host address on eth0\)/,
  ],
  'the state of Azure’s azure-vnet': [
    (host) =>
      azureState(host, 'azure-vnet.json', azureNetworkState({ c1: ['10.0.0.5'] })),
    /10\.0\.0\.5 \(endpoint c1 in .*azure-vnet\.json\)/,
  ],
  'the state of Azure’s azure-vnet-ipam': [
    (host) =>
      azureState(host, 'azure-vnet-ipam.json', azureIpamState({ '10.0.0.5': true })),
    /10\.0\.0\.5 \(in use in .*azure-vnet-ipam\.json\)/,
  ],
}

for (const [name, [use, reason]] of Object.entries(USES)) {
  t.test(`${name} keeps an address from being given`, async (t) => {
    const host = await makeHost(t, { pods: 2 })
    await use(host)
    t.equal(await give(t, host, 'a'), '10.0.0.6/24')
    t.match(warnings(host), reason)
    const full = complaintOf(t, await call(host, 'b'))
    t.match(full, { code: 100, msg: /2 addresses, 1 in use, 1 used outside of this/ })
    t.match(full.msg, reason)
    const wanted = complaintOf(t, await call(host, 'b', { args: 'IP=10.0.0.5' }))
    t.match(wanted, { code: 106, msg: /10\.0\.0\.5 is in use outside of this plug-in/ })
    t.equal((await call(host, 'a', { command: 'DEL' })).code, 0)
    t.equal(await give(t, host, 'b'), '10.0.0.6/24', 'there is no other one')
  })
}

t.test('the network that answers for every address is no pod', async (t) => {
  const host = await makeHost(t, { pods: 2, proxyArp: true })
  // Nobody has it: the fabric answers in its own name.
  await host.ping('host', '10.0.0.5')
  const { stdout } = await host.exec('ip', ['neigh', 'show', '10.0.0.5', 'nud', 'all'])
  t.match(stdout, '12:34:56:78:9a:bc', 'the host has an entry for it')
  t.equal(await give(t, host, 'a'), '10.0.0.5/24')
  t.equal(warnings(host), '')
})

t.test('an address that the host got to know rests no longer than its pod', async (t) => {
  const host = await makeHost(t, { pods: 1 })
  await ip(host, 'link add cni0 type bridge')
  await ip(host, 'link set cni0 up')
  for (const id of ['a', 'b', 'c']) {
    t.equal(await give(t, host, id), '10.0.0.5/24')
    // As after a packet to the pod; the kernel keeps it when the pod is gone.
    await ip(host, 'neigh replace 10.0.0.5 dev cni0 lladdr 02:00:00:00:00:05 nud stale')
    t.equal((await call(host, id, { command: 'DEL' })).code, 0)
  }
  t.equal(warnings(host), '')
})
