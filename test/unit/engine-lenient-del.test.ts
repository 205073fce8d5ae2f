/**
 * DEL with every member of the configuration broken in turn: all of the pod is released. What ADD
 * would refuse must not keep an address for ever.
 */
import t, { type Test } from 'tap'
import portmap from '../../dist/esm/plugins/portmap/index.js'
import { CONFIG, FakeVm, type Config } from '../helpers/fake-vm.js'

/** Values that fit no member. */
const JUNK: Record<string, unknown> = {
  null: null,
  'a number': 7,
  'an empty text': '',
  'a text': '\u0000 ../ü',
  'a list': [[]],
  'an object': { type: [], except: 'x' },
}

interface Broken {
  readonly fields?: Config
  readonly ipam?: Config
  readonly env?: Record<string, string>
}

function junk(member: string): [string, Broken][] {
  return Object.entries(JUNK).map(([name, value]) => [
    `${member} is ${name}`,
    { fields: { [member]: value } },
  ])
}

const MEMBERS: [string, Broken][] = [
  ...[
    'mode',
    'bridge',
    'ipam',
    'masquerade',
    'bridgeLifetime',
    'spoofGuard',
    'strictHost',
  ].flatMap(junk),
  ['mode is one that is not there yet', { fields: { mode: 'transparent' } }],
  ['master is not there', { fields: { master: 'eth7' } }],
  ['master is a list', { fields: { master: ['eth0'] } }],
  ['bridge is another', { fields: { bridge: 'other0' } }],
  ['bridge has a slash', { fields: { bridge: '../azure0' } }],
  ['ipam is missing', { fields: { ipam: undefined } }],
  ['ipam.type is missing', { ipam: { type: undefined } }],
  ['ipam.type is a number', { ipam: { type: 5 } }],
  ['ipam.type has a folder', { ipam: { type: '../evil' } }],
  ['ipam.type is another', { ipam: { type: 'other-ipam' } }],
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
  ['an empty CNI_NETNS', { env: { CNI_NETNS: '' } }],
  ['CNI_NETNS is no namespace', { env: { CNI_NETNS: '/dev/null' } }],
  ['an empty CNI_PATH', { env: { CNI_PATH: '' } }],
]

const PORTS: [string, Broken][] = [
  ...['runtimeConfig', 'prevResult', 'snat'].flatMap(junk),
  ['a port of 0', { fields: { runtimeConfig: { portMappings: [{ hostPort: 0 }] } } }],
  ['portMappings is text', { fields: { runtimeConfig: { portMappings: 'x' } } }],
  ['conditions', { fields: { conditionsV4: ['-s', '10.0.0.0/8'] } }],
  ['a backend', { fields: { backend: 'carrier pigeon' } }],
  ['version 9.9.9', { fields: { cniVersion: '9.9.9' } }],
]

const GOOD: Config = { ...CONFIG, masquerade: true }
const GOOD_PORTS: Config = { ...GOOD, type: 'portmap', snat: true }
/** The owner's tag, as pictures show bytes. */
const TAG = Buffer.from('azure/web/eth0').toString('hex')
const PREVIOUS = {
  cniVersion: '0.3.1',
  interfaces: [{ name: 'eth0', sandbox: '/run/netns/web' }],
  ips: [{ version: '4', address: '10.0.0.5/24', interface: 0 }],
}

function broken(config: Config, { fields, ipam }: Broken): Config {
  const section = ipam && { ipam: { ...(config['ipam'] as object), ...ipam } }
  return { ...config, ...section, ...fields }
}

async function releases(
  test: Test,
  which: 'azure-vnet' | 'portmap',
  how: Broken,
  lose: boolean,
): Promise<void> {
  const vm = new FakeVm()
  // A list that was changed names another: whoever gave the address gets it back.
  vm.program('other-ipam')
  vm.exec = async () => ({ status: 0, signal: null, stdout: '', stderr: '' })
  const before = vm.picture()
  const inside = (vm.sandbox('web'), vm.pictureOf('web'))
  test.equal((await vm.add('web', { config: GOOD })).status, 0)
  test.equal((await vm.addPorts('web', PREVIOUS, 8080)).status, 0)
  // The address manager's file stays: without it nobody knows of a lease.
  if (lose) vm.lose('azure-vnet.json')
  const { env = {} } = how
  for (const plugin of ['portmap', 'azure-vnet'] as const) {
    const good = plugin === 'portmap' ? GOOD_PORTS : GOOD
    const config = plugin === which ? broken(good, how) : good
    const options = { config, env: plugin === which ? env : {} }
    const { status, json, stderr } = await vm.del('web', {
      ...options,
      ...(plugin === 'portmap' && { plugin: portmap }),
    })
    test.strictSame({ status, json, stderr }, { status: 0, json: {}, stderr: '' }, plugin)
  }
  test.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] })
  test.strictSame(vm.pictureOf('web'), inside, 'nothing is left in the container')
  if (!lose) {
    test.strictSame(vm.picture(), before, 'the host is as before')
    return
  }
  // Nobody knows any more that the bridge was to go with its last pod: it stays until a reset.
  const links = vm.links().filter((name) => name.startsWith('azv'))
  test.strictSame(links, [], 'no link of the pod')
  test.notOk(JSON.stringify(vm.picture()).includes(TAG), 'no element of the pod')
}

t.test('each member of azure-vnet', async (t) => {
  for (const [name, how] of MEMBERS) {
    await t.test(name, (test) => releases(test, 'azure-vnet', how, false))
  }
})

t.test('each member of azure-vnet, when the record is lost', async (t) => {
  for (const [name, how] of MEMBERS) {
    await t.test(name, (test) => releases(test, 'azure-vnet', how, true))
  }
})

t.test('each member of portmap', async (t) => {
  for (const [name, how] of PORTS) {
    await t.test(name, (test) => releases(test, 'portmap', how, false))
    await t.test(`${name}, record lost`, (test) => releases(test, 'portmap', how, true))
  }
})
