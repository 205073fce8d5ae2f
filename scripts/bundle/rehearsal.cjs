// Runs a program's usual calls against the fake kernel, so that V8 compiles what they need. No
// root, no network: the same functions on every machine.
'use strict'
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const NIC = '00:0d:3a:12:ab:34'
const GATEWAY = '10.0.0.1'
const NEIGHBOUR = '00:0d:3a:12:ab:35'
const ADDRESSES = ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7']

const VNET = {
  mode: 'bridge',
  bridge: 'azure0',
  ipam: { type: 'azure-vnet-ipam' },
  // Some runtimes hand every plug-in the ports.
  runtimeConfig: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
  },
}
const port = (hostPort) => ({
  snat: true,
  runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }] },
})

/** Of each program the config by container. */
const CONFIG = {
  'azure-vnet': { a: VNET, b: VNET },
  'azure-vnet-ipam': { a: { ipam: VNET.ipam } },
  portmap: { a: port(8080), b: port(8081) },
  loopback: { a: {} },
}

/** A pod with a host port is there. */
const NODE = ['azure-vnet ADD a', 'portmap ADD a']

/**
 * Of each program its usual calls by verb: how the node came to be as they find it, then they
 * themselves. Most pods come to a node that has others, and leave others when they go; what only the
 * first and the last one need is not usual. A runtime may repeat a DEL.
 */
const CALLS = {
  'azure-vnet': {
    ADD: { before: NODE, calls: ['ADD b'] },
    DEL: { before: [...NODE, 'azure-vnet ADD b'], calls: ['DEL b', 'DEL b'] },
  },
  'azure-vnet-ipam': {
    ADD: { calls: ['ADD a'] },
    DEL: { before: ['azure-vnet-ipam ADD a'], calls: ['DEL a'] },
  },
  portmap: {
    ADD: { before: [...NODE, 'azure-vnet ADD b'], calls: ['ADD b'] },
    DEL: { before: [...NODE, 'azure-vnet ADD b', 'portmap ADD b'], calls: ['DEL b'] },
  },
  loopback: {
    ADD: { calls: ['ADD a'] },
    DEL: { calls: ['DEL a'] },
  },
}

/** The verbs with parts of their own; all other calls of a program take that of VERSION. */
exports.VERBS = ['ADD', 'DEL', 'VERSION']

/**
 * @param {object} job
 * @param {string} job.program
 * @param {string} job.verb one of VERBS
 * @param {Function} job.part the part of our code that rehearses, as the loader calls it
 * @param {(program: string) => Function} job.stagehand other copies of the programs, which prepare the
 *   node
 * @param {object} job.testing the fake kernel's module
 * @param {Function} [job.note] what the part that rehearses calls with each late value
 */
exports.rehearse = async function rehearse(job) {
  const { program, verb, part, stagehand, testing, note } = job
  const folder = fs.mkdtempSync(join(tmpdir(), 'vnet-cni-rehearsal-'))
  const kernel = new testing.FakeKernel()
  const host = kernel.netns()
  const addon = addonOf(kernel, host, { a: kernel.netns(), b: kernel.netns() })
  prepareHost(host)
  fs.writeFileSync(join(folder, 'ipam.json'), knownAddresses())
  const { before = [], calls } = CALLS[program][verb] ?? { calls: [verb] }
  const play = async (actor, line) => {
    const [name, command, container] = line.split(' ')
    const members = CONFIG[name][container] ?? {}
    const call = { program: name, command, container, members, folder }
    const status = await perform((embedded) => actor(require, embedded), call, addon)
    if (status.code !== 0) throw new Error(`${name} ${command}: ${status.output}`)
  }
  const rehearsing = (load, embedded) => part(load, { ...embedded, note })
  try {
    for (const line of before) await play(stagehand(line.split(' ')[0]), line)
    for (const line of calls) await play(rehearsing, `${program} ${line}`)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

/** The host has a NIC with the subnet, as Azure's agent configures it, and has talked to somebody. */
function prepareHost(host) {
  const { link, address, route, neighbour } = host.sync
  link.addVeth({ name: 'eth0', mac: NIC, up: true }, { name: 'fabric', up: true })
  address.add({ link: 'eth0', address: `${ADDRESSES[0]}/24` })
  route.add({ to: 'default', via: GATEWAY, link: 'eth0' })
  neighbour.add({ link: 'eth0', address: GATEWAY, mac: NEIGHBOUR, state: 'reachable' })
}

/** The state of a node that has asked the wire server a moment ago. */
function knownAddresses() {
  const addresses = ADDRESSES.map((address, i) => ({ address, primary: i === 0 }))
  const interfaces = [
    { mac: NIC, primary: true, subnets: [{ prefix: '10.0.0.0/24', addresses }] },
  ]
  const data = { fetchedAt: Date.now(), failedAt: 0, interfaces, leases: [], freed: {} }
  const bootId = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return JSON.stringify({ version: 1, bootId, data })
}

function addonOf(kernel, host, pods) {
  const { backend } = host
  return {
    runSync: (...plan) => backend.runSync(...plan),
    run: (...plan) => backend.run(...plan),
    // A handle for each opening: whoever opened one closes it.
    openNetns: (path) => kernel.open(pods[path.slice(1)] ?? host).native,
    lockFile: () => ({ close() {} }),
    exitNow() {},
  }
}

/** One call of the program in this process; answers when it would exit. */
function perform(part, { program, command, container = '', members, folder }, addon) {
  const prevResult = program === 'portmap' ? resultFor(container) : undefined
  const config = {
    cniVersion: '0.3.1',
    name: 'azure',
    type: program,
    prevResult,
    ...members,
  }
  const input = join(folder, 'stdin')
  fs.writeFileSync(input, JSON.stringify(config))
  const output = join(folder, 'output')
  const streams = { in: fs.openSync(input, 'r'), out: fs.openSync(output, 'w') }
  return new Promise((resolve) => {
    const exit = (code) => {
      for (const fd of Object.values(streams)) fs.closeSync(fd)
      resolve({ code, output: fs.readFileSync(output, 'utf8') })
    }
    const world = {
      argv0: program,
      argv: [program],
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: `rehearsal-${container}`,
        CNI_IFNAME: program === 'loopback' ? 'lo' : 'eth0',
        CNI_NETNS: `/${container}`,
        CNI_PATH: '/opt/cni/bin',
        VNET_CNI_STATE_DIR: folder,
        VNET_CNI_KEEP_DIR: folder,
        VNET_CNI_LOG_DIR: folder,
      },
      streams: { ...streams, err: streams.out },
      exit,
    }
    // What loads the addon takes of the process.
    const loader = {
      dlopen: (module) => {
        module.exports = addon
      },
      on: () => {},
    }
    part({ addon: () => new Uint8Array(1), world, process: loader })
  })
}

/** What azure-vnet answers. */
function resultFor(container) {
  const address = `${ADDRESSES[container === 'a' ? 1 : 2]}/24`
  return {
    cniVersion: '0.3.1',
    interfaces: [{ name: 'eth0', mac: '0a:58:0a:00:00:05', sandbox: `/${container}` }],
    ips: [{ version: '4', address, gateway: GATEWAY, interface: 0 }],
    routes: [{ dst: '0.0.0.0/0', gw: GATEWAY }],
    dns: { nameservers: ['168.63.129.16'] },
  }
}
