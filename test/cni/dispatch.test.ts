import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { must } from '../helpers/process.js'
import {
  callProgram,
  complaintOf,
  makeHost,
  seedList,
  type Changes,
  type Env,
} from './support/setup.js'

/** A call that has to be refused before anything happens. */
interface BadCall {
  program?: string
  command?: string
  stdin?: string | object
  env?: Env
  code: number
  /** Words that message or details must have: what is wrong and what helps. */
  words: (string | RegExp)[]
}

/** What azure-vnet reads, with changes. */
function vnetConfig(changes: Changes = {}): Record<string, unknown> {
  const list = seedList(changes)
  const { name, cniVersion } = list
  return { ...list.plugins[0], name, cniVersion }
}

const vnet = (fields: Record<string, unknown>) => ({ ...vnetConfig(), ...fields })
const ipam = (fields: Record<string, unknown>) => vnetConfig({ ipam: fields })

const PREVIOUS = {
  cniVersion: '0.3.0',
  interfaces: [{ name: 'eth0', sandbox: '/run/netns/absent' }],
  ips: [{ version: '4', address: '10.0.0.5/24', interface: 0 }],
}

/** What portmap reads, with one mapping. */
function portmapConfig(mapping: unknown): object {
  const list = seedList()
  const own = { type: 'portmap', snat: true, name: list.name, cniVersion: '0.3.0' }
  return { ...own, prevResult: PREVIOUS, runtimeConfig: { portMappings: [mapping] } }
}

function badPort(mapping: object, ...words: (string | RegExp)[]): BadCall {
  const whole = { hostPort: 80, containerPort: 80, protocol: 'tcp', ...mapping }
  return { program: 'portmap', stdin: portmapConfig(whole), code: 7, words }
}

const CONFIGS: Record<string, BadCall> = {
  'not JSON': { stdin: '{"name": "azure",', code: 6, words: ['stdin', 'JSON'] },
  'nothing at all': { stdin: '', code: 6, words: ['stdin is empty'] },
  'a JSON array': { stdin: '[]', code: 6, words: ['stdin', 'object'] },
  'JSON null': { stdin: 'null', code: 6, words: ['stdin', 'object'] },
  'mode is a number': { stdin: vnet({ mode: 5 }), code: 7, words: ['mode: 5', 'bridge'] },
  'mode is unknown': {
    stdin: vnet({ mode: 'teleport' }),
    code: 7,
    words: ['mode: "teleport"', 'use one of', '"bridge"'],
  },
  'ipam is text': { stdin: vnet({ ipam: 'x' }), code: 7, words: ['ipam: "x"', 'object'] },
  'ipam is missing': {
    stdin: vnet({ ipam: undefined }),
    code: 7,
    words: ['ipam', 'use'],
  },
  'ipam.type is missing': { stdin: vnet({ ipam: {} }), code: 7, words: ['ipam.type'] },
  'ipam.type has a folder': {
    stdin: vnet({ ipam: { type: '../evil' } }),
    code: 7,
    words: ['ipam.type', 'without a folder'],
  },
  'bridge is a number': { stdin: vnet({ bridge: 7 }), code: 7, words: ['bridge: 7'] },
  'bridge is too long': {
    stdin: vnet({ bridge: 'a-bridge-too-far' }),
    code: 7,
    words: ['bridge: "a-bridge-too-far"', '15 bytes'],
  },
  'master has a slash': { stdin: vnet({ master: 'e/0' }), code: 7, words: ['master:'] },
  'masquerade is text': {
    stdin: vnet({ masquerade: 'yes' }),
    code: 7,
    words: ['masquerade: "yes"', 'true or false'],
  },
  'masquerade.except is no prefix': {
    stdin: vnet({ masquerade: { except: ['10.0.0.0/24', '10.0.0.0/33'] } }),
    code: 7,
    words: ['masquerade.except[1]: "10.0.0.0/33"', 'prefix length'],
  },
  'masquerade.except has IPv6': {
    stdin: vnet({ masquerade: { except: ['fd00::/64'] } }),
    code: 7,
    words: ['masquerade.except', 'IPv4'],
  },
  'ipam.subnet is no prefix': {
    stdin: ipam({ subnet: '10.0.0.0' }),
    code: 7,
    words: ['ipam.subnet: "10.0.0.0"', 'prefix length'],
  },
  'ipam.ipAddress is no address': {
    stdin: ipam({ ipAddress: '10.0.0.256' }),
    code: 7,
    words: ['ipam.ipAddress: "10.0.0.256"', 'use an IP address'],
  },
  'CNI_ARGS IP is no address': {
    env: { CNI_ARGS: 'IP=ten.zero' },
    code: 7,
    words: ['CNI_ARGS', 'IP', 'ten.zero', 'use an IP address'],
  },
  'queryInterval is text': {
    stdin: ipam({ queryInterval: 'often' }),
    code: 7,
    words: ['ipam.queryInterval: "often"', 'seconds'],
  },
  'dns.nameservers is no list': {
    stdin: vnet({ dns: { nameservers: '10.0.0.1' } }),
    code: 7,
    words: ['dns.nameservers', 'list'],
  },
  'logLevel is unknown': {
    stdin: vnet({ logLevel: 'loud' }),
    code: 7,
    words: ['logLevel'],
  },
  'host port 0': badPort({ hostPort: 0 }, 'portMappings[0].hostPort', '0', '1 to 65535'),
  'host port 65536': badPort({ hostPort: 65536 }, 'hostPort', '65536', '1 to 65535'),
  'host port as text': badPort({ hostPort: '80' }, 'hostPort', '"80"', '1 to 65535'),
  'container port 1.5': badPort({ containerPort: 1.5 }, 'containerPort', '1 to 65535'),
  'unknown protocol': badPort({ protocol: 'smoke' }, 'protocol', 'smoke', 'tcp or udp'),
  'bad hostIP': badPort({ hostIP: '10.0.0' }, 'hostIP', '10.0.0', 'address'),
  'portMappings is an object': {
    program: 'portmap',
    stdin: { ...portmapConfig({}), runtimeConfig: { portMappings: {} } },
    code: 7,
    words: ['runtimeConfig.portMappings', 'list'],
  },
  'portmap without prevResult': {
    program: 'portmap',
    stdin: { ...portmapConfig({}), prevResult: undefined, runtimeConfig: {} },
    code: 7,
    words: ['prevResult'],
  },
}

const VERSIONS_AND_NAMES: Record<string, BadCall> = {
  'version 0.2.1': {
    stdin: vnetConfig({ cniVersion: '0.2.1' }),
    code: 1,
    words: ['0.2.1', '0.3.0'],
  },
  'version 9.9.9': {
    stdin: vnetConfig({ cniVersion: '9.9.9' }),
    code: 1,
    words: ['9.9.9', '0.3.0'],
  },
  'version 9.9.9 of portmap': {
    program: 'portmap',
    stdin: { ...portmapConfig({}), cniVersion: '9.9.9' },
    code: 1,
    words: ['9.9.9', '0.3.0'],
  },
  'version is a number': {
    stdin: vnet({ cniVersion: 0.3 }),
    code: 6,
    words: ['cniVersion'],
  },
  'bad network name': {
    stdin: vnet({ name: 'a network' }),
    code: 7,
    words: ['name: "a network"', 'letters, digits'],
  },
  'network name with a slash': {
    stdin: vnet({ name: 'a/b' }),
    code: 7,
    words: ['name:'],
  },
  'no network name': { stdin: vnet({ name: undefined }), code: 7, words: ['name'] },
}

const ENVIRONMENTS: Record<string, BadCall> = {
  'all variables missing': {
    env: { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined },
    code: 4,
    words: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  },
  'all variables empty': {
    env: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' },
    code: 4,
    words: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  },
  'DEL without container': {
    command: 'DEL',
    env: { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined },
    code: 4,
    words: [/missing: CNI_CONTAINERID,CNI_IFNAME:/],
  },
  'unknown verb': {
    command: 'JUMP',
    code: 4,
    words: ['CNI_COMMAND: "JUMP"', 'ADD, DEL'],
  },
  'bad container ID': {
    env: { CNI_CONTAINERID: '../etc' },
    code: 4,
    words: ['CNI_CONTAINERID: "../etc"', 'letters, digits'],
  },
  'interface name too long': {
    env: { CNI_IFNAME: 'eth0123456789abc' },
    code: 4,
    words: ['CNI_IFNAME: "eth0123456789abc"', '15 bytes'],
  },
  'interface name ..': { env: { CNI_IFNAME: '..' }, code: 4, words: ['CNI_IFNAME'] },
  'CNI_ARGS without =': { env: { CNI_ARGS: 'IP' }, code: 4, words: ['CNI_ARGS'] },
  'CNI_ARGS unknown key': {
    env: { CNI_ARGS: 'COLOUR=red' },
    code: 4,
    words: ['CNI_ARGS', 'COLOUR', 'IgnoreUnknown=1'],
  },
}

async function refused(test: Test, host: AzureHost, bad: BadCall): Promise<void> {
  const { program = 'azure-vnet', stdin = vnetConfig(), command = 'ADD', env } = bad
  const outcome = await callProgram(host, program, { command, stdin, env: env ?? {} })
  const complaint = complaintOf(test, outcome)
  test.equal(complaint.code, bad.code, complaint.msg)
  const text = `${complaint.msg} ${complaint.details ?? ''}`
  for (const word of bad.words) test.match(text, word)
  test.match(complaint.cniVersion, /^\d+\.\d+\.\d+$/)
}

async function refusedAll(test: Test, calls: Record<string, BadCall>): Promise<void> {
  const host = await makeHost(test)
  const CNI_NETNS = await host.addPodNetns('pod')
  const before = await host.snapshot({ sysctls: true })
  const inside = (await host.podExec('pod', 'ip', ['-j', 'link'])).stdout
  for (const [name, bad] of Object.entries(calls)) {
    const env = { CNI_NETNS, ...bad.env }
    await test.test(name, (sub) => refused(sub, host, { ...bad, env }))
  }
  const changes = await host.changesSince(before, { sysctls: true })
  test.strictSame(changes, [], 'host and state are as before')
  test.equal((await host.podExec('pod', 'ip', ['-j', 'link'])).stdout, inside)
  test.equal(await host.wireserverRequests(), 0, 'nobody was asked for addresses')
}

t.test('configurations', (test) => refusedAll(test, CONFIGS))
t.test('versions and names', (test) => refusedAll(test, VERSIONS_AND_NAMES))
t.test('environments', (test) => refusedAll(test, ENVIRONMENTS))

t.test('what is no namespace of a container', async (test) => {
  const host = await makeHost(test)
  const file = `${host.folder}/file`
  const fifo = `${host.folder}/fifo`
  await must('touch', [file])
  await must('mkfifo', [fifo])
  const before = await host.snapshot()
  const calls: Record<string, BadCall> = {
    'a plain file': { env: { CNI_NETNS: file }, code: 4, words: [file, 'Give the path'] },
    'a FIFO': { env: { CNI_NETNS: fifo }, code: 4, words: [fifo, 'Give the path'] },
    'a folder': { env: { CNI_NETNS: '/tmp' }, code: 4, words: ['/tmp', 'Give the path'] },
    'another kind of namespace': {
      env: { CNI_NETNS: '/proc/self/ns/uts' },
      code: 4,
      words: ['/proc/self/ns/uts', 'Give the path'],
    },
    'a path that is not there': {
      env: { CNI_NETNS: '/run/netns/not-there' },
      code: 4,
      words: ['/run/netns/not-there', 'ENOENT'],
    },
    "the host's own": {
      env: { CNI_NETNS: host.netnsPath },
      code: 8,
      words: [host.netnsPath, 'of the container'],
    },
  }
  for (const [name, bad] of Object.entries(calls)) {
    await test.test(name, (sub) => refused(sub, host, bad))
    test.strictSame(await host.changesSince(before), [], `${name}: nothing changed`)
  }
})
