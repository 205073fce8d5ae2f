/**
 * DEL with every member of the configuration broken in turn: all of the pod is released. What ADD
 * would refuse must not keep an address for ever.
 */
import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniRunner } from '../helpers/cni-runner.js'
import {
  addPod,
  assertNoPods,
  callProgram,
  makeHost,
  resetHost,
  runtime,
  type Env,
} from './support/setup.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

/** Values that fit no member. */
const JUNK: Record<string, unknown> = {
  null: null,
  'a number': 7,
  'an empty text': '',
  'a text': '\u0000 ../ü',
  'a list': [[]],
  'an object': { type: [], except: 'x' },
}

type Config = Record<string, unknown>

interface Broken {
  readonly fields?: Config
  readonly ipam?: Config
  readonly env?: Env
}

function junk(member: string): [string, Broken][] {
  return Object.entries(JUNK).map(([name, value]) => [
    `${member} is ${name}`,
    { fields: { [member]: value } },
  ])
}

const MEMBERS: [string, Broken][] = [
  ...['mode', 'bridge', 'ipam', 'masquerade', 'bridgeLifetime'].flatMap(junk),
  ['mode is one that is not there yet', { fields: { mode: 'transparent' } }],
  ['master is not there', { fields: { master: 'eth7' } }],
  ['master is a list', { fields: { master: ['eth0'] } }],
  ['bridge is another', { fields: { bridge: 'other0' } }],
  ['bridge has a slash', { fields: { bridge: '../azure0' } }],
  ['ipam is missing', { fields: { ipam: undefined } }],
  ['ipam.type is missing', { ipam: { type: undefined } }],
  ['ipam.type is a number', { ipam: { type: 5 } }],
  ['ipam.type has a folder', { ipam: { type: '../evil' } }],
  ['ipam.type is another', { ipam: { type: 'host-local' } }],
  ['ipam.subnet is IPv6', { ipam: { subnet: 'fd00::/64' } }],
  ['ipam.subnet is text', { ipam: { subnet: 'ten' } }],
  ['ipam.ipAddress is text', { ipam: { ipAddress: 'ten', queryInterval: 'often' } }],
  ['masquerade has a typing error', { fields: { masquerade: { exept: [] } } }],
  ['dns has a host name', { fields: { dns: { nameservers: ['ns.example'] } } }],
  ['dns is text', { fields: { dns: 'x' } }],
  ['logLevel is unknown', { fields: { logLevel: 'loud' } }],
  ['logLevel is an object', { fields: { logLevel: {} } }],
  ['prevResult is text', { fields: { prevResult: 'x' } }],
  [
    'prevResult is of no version',
    { fields: { prevResult: { cniVersion: '7', ips: 5 } } },
  ],
  ['runtimeConfig is a list', { fields: { runtimeConfig: [] } }],
  ['args is a number', { fields: { args: 5 } }],
  ['a field that would change access', { fields: { multiTenancy: true } }],
  ['a typing error', { fields: { masquarade: true } }],
  ['version 9.9.9', { fields: { cniVersion: '9.9.9' } }],
  ['version 0.2.0', { fields: { cniVersion: '0.2.0' } }],
  ['version is a number', { fields: { cniVersion: 0.3 } }],
  ['no version', { fields: { cniVersion: undefined } }],
  ['CNI_ARGS without =', { env: { CNI_ARGS: 'garbage' } }],
  ['CNI_ARGS with an unknown key', { env: { CNI_ARGS: 'COLOUR=red;IP=x' } }],
  ['no CNI_NETNS', { env: { CNI_NETNS: undefined } }],
  ['CNI_NETNS is no namespace', { env: { CNI_NETNS: '/dev/null' } }],
  ['no CNI_PATH', { env: { CNI_PATH: undefined } }],
]

const PORTS: [string, Broken][] = [
  ...['runtimeConfig', 'prevResult', 'snat'].flatMap(junk),
  ['a port of 0', { fields: { runtimeConfig: { portMappings: [{ hostPort: 0 }] } } }],
  ['portMappings is text', { fields: { runtimeConfig: { portMappings: 'x' } } }],
  ['conditions', { fields: { conditionsV4: ['-s', '10.0.0.0/8'] } }],
  ['a backend', { fields: { backend: 'carrier pigeon' } }],
  ['version 9.9.9', { fields: { cniVersion: '9.9.9' } }],
]

/** Runs DEL of a program of the list with a broken configuration; it has to succeed in silence. */
async function del(
  test: Test,
  runner: CniRunner,
  program: 'azure-vnet' | 'portmap',
  { fields, ipam, env }: Broken,
): Promise<void> {
  const { host } = runner
  const conf = runner.conflist.plugins.find(({ type }) => type === program)!
  const config = runner.configFor(conf)
  const stdin = {
    ...config,
    ...(ipam && { ipam: { ...(config['ipam'] as object), ...ipam } }),
    ...fields,
  }
  const call = { CNI_CONTAINERID: 'pod', CNI_NETNS: host.pods.get('pod')! }
  const outcome = await callProgram(host, program, {
    command: 'DEL',
    stdin,
    env: { ...call, ...env },
  })
  test.match(outcome, { code: 0, stdout: '', stderr: '' })
}

const portMappings = [{ hostPort: 8080, containerPort: 80 }]

// The bridge stays between the cases: none of them is about the move.
async function eachReleases(
  test: Test,
  program: 'azure-vnet' | 'portmap',
  cases: readonly [string, Broken][],
  between: (host: AzureHost) => void = () => {},
): Promise<void> {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const vnet = { masquerade: true }
  const runner = runtime(host, { lifetime: 'node', vnet, ipam: { queryInterval: 3600 } })
  for (const [name, broken] of cases) {
    await test.test(name, async (sub) => {
      await addPod(runner, 'pod', { portMappings })
      between(host)
      for (const other of ['portmap', 'azure-vnet'] as const)
        await del(sub, runner, other, other === program ? broken : {})
      await assertNoPods(sub, host)
      const inside = await host.podExec('pod', 'ip', ['-j', 'link'])
      sub.equal(JSON.parse(inside.stdout).length, 1, 'nothing is left in the container')
    })
  }
  await resetHost(test, host)
  test.strictSame(await host.changesSince(before, { state: false }), [])
}

t.test('each member of azure-vnet', (test) => eachReleases(test, 'azure-vnet', MEMBERS))
t.test('each member of portmap', (test) => eachReleases(test, 'portmap', PORTS))

t.test('nothing of the record is left either', (test) => {
  const cases = MEMBERS.filter(([name]) => /^(mode|bridge|ipam|version)\b/.test(name))
  return eachReleases(test, 'azure-vnet', cases, (host) =>
    rmSync(`${host.stateDir}/azure-vnet.json`),
  )
})
