/**
 * An ADD that cannot succeed leaves the host alone: not as it was again, but untouched. What can be
 * known is known before the first link, address or route changes.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import {
  addPod,
  leases,
  LIFETIMES,
  makeHost,
  nodeRecords,
  OUR_PLUGINS,
  refuses,
  runtime,
  settledPicture,
  type Changes,
} from './support/setup.js'
import { watchNetwork } from './support/watch.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const ALL = { sysctls: true, state: false }

interface Hopeless {
  readonly changes?: Changes
  /** What the IPAM plug-in answers, when it is a foreign one. */
  readonly ips?: object[] | undefined
  readonly args?: string
  readonly ifname?: string
  readonly code: number
  readonly words: (string | RegExp)[]
}

const answer = (ip: object, code: number, ...words: (string | RegExp)[]): Hopeless => ({
  ips: [{ version: '4', ...ip }],
  code,
  words,
})

const CASES: Record<string, Hopeless> = {
  'a subnet of IPv6': {
    changes: { ipam: { subnet: 'fd00::/64' } },
    code: 7,
    words: ['ipam.subnet', 'fd00::/64', 'IPv4'],
  },
  'an address of IPv6': {
    changes: { ipam: { ipAddress: 'fd00::5' } },
    code: 7,
    words: ['ipam.ipAddress', 'fd00::5', 'IPv4'],
  },
  'an address of IPv6 by CNI_ARGS': {
    args: 'IP=fd00::5',
    code: 4,
    words: ['CNI_ARGS: IP', 'fd00::5', 'IPv4'],
  },
  'a subnet that no NIC has': {
    changes: { ipam: { subnet: '10.99.0.0/24' } },
    code: 100,
    words: ['10.99.0.0/24'],
  },
  'a NIC that is not there': {
    changes: { vnet: { master: 'eth7' } },
    code: 7,
    words: ['master', 'eth7'],
  },
  'an interface that the container has': { ifname: 'lo', code: 104, words: ['lo'] },
  'a foreign IPAM: IPv6': answer(
    { version: '6', address: 'fd00::5/64', gateway: 'fd00::1' },
    105,
    'ipam.type: fake-ipam',
    'IPv4',
  ),
  'a foreign IPAM: a gateway outside of the subnet': answer(
    { address: '10.0.0.12/24', gateway: '10.9.0.1' },
    106,
    '10.9.0.1',
    'subnet',
  ),
  'a foreign IPAM: a gateway of IPv6': answer(
    { address: '10.0.0.12/24', gateway: 'fd00::1' },
    106,
    'fd00::1',
  ),
  'a foreign IPAM: the pod as its own gateway': answer(
    { address: '10.0.0.12/24', gateway: '10.0.0.12' },
    106,
    'own gateway',
  ),
  'a foreign IPAM: an address without prefix length': answer(
    { address: '10.0.0.12' },
    105,
    'fake-ipam',
    '10.0.0.12',
  ),
  'a foreign IPAM: no address': {
    ips: [],
    code: 105,
    words: ['fake-ipam', /no .*address/],
  },
}

/** A folder with an IPAM plug-in that gives what a file says. */
function fakeIpam(host: AzureHost): { folder: string; answer: (ips: object[]) => void } {
  const folder = join(host.folder, 'fake')
  mkdirSync(folder)
  const file = join(folder, 'answer.json')
  const program = join(folder, 'fake-ipam')
  writeFileSync(program, `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && cat ${file}\nexit 0\n`)
  chmodSync(program, 0o755)
  return {
    folder,
    answer: (ips) => writeFileSync(file, JSON.stringify({ cniVersion: '0.3.1', ips })),
  }
}

async function untouched(test: Test, host: AzureHost, names: string[]): Promise<void> {
  const ipam = fakeIpam(host)
  const netns = await host.addPodNetns('hopeless')
  const before = await settledPicture(host, ALL)
  const records = nodeRecords(host)
  const held = leases(host)
  for (const name of names) {
    const { changes, ips, args = '', ifname = 'eth0', code, words } = CASES[name]!
    if (ips) ipam.answer(ips)
    const foreign = ips && { vnet: { ipam: { type: 'fake-ipam' } } }
    for (const lifetime of LIFETIMES) {
      const list = { lifetime, portmap: false as const, ...changes, ...foreign }
      const runner = runtime(host, list, { cniPath: [OUR_PLUGINS, ipam.folder] })
      const events = watchNetwork(host)
      await refuses(test, runner.add('hopeless', netns, ifname, { args }), code, ...words)
      test.strictSame(await events.stop(), [], `${name}: nothing changed for a moment`)
      test.strictSame(leases(host), held, 'no lease is left')
      test.strictSame(nodeRecords(host), records, 'nor a record')
    }
  }
  test.strictSame(await host.changesSince(before, ALL), [], 'the host is as before')
  const inside = await host.podExec('hopeless', 'ip', ['-j', 'link'])
  test.equal(JSON.parse(inside.stdout).length, 1, 'so is the container')
}

t.test('on a host without pods', async (test) => {
  const host = await makeHost(test)
  await untouched(test, host, Object.keys(CASES))
})

t.test('on a host with a pod', async (test) => {
  const host = await makeHost(test)
  const address = await addPod(runtime(host, { lifetime: 'node' }), 'pod')
  // A lifetime that differs is a change by itself, which has no part in what is refused here.
  await untouched(test, host, Object.keys(CASES))
  test.ok(await host.ping('fabric', address), 'who is there goes on')
})
