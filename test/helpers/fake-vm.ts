/** A fake Azure VM: NIC, addresses, wireserver and pods, and the plug-in's door to it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { runPlugin } from '../../dist/esm/cni/plugin/dispatch.js'
import type { Plugin } from '../../dist/esm/cni/plugin/plugin.js'
import type { Owner } from '../../dist/esm/cni/spec/owner.js'
import { engineOf, type Engine } from '../../dist/esm/engine/engine.js'
import type { Host } from '../../dist/esm/host/host.js'
import { Transaction, type NetNs, type Plan } from '../../dist/esm/index.js'
import azureVnet from '../../dist/esm/plugins/azure-vnet/index.js'
import portmap from '../../dist/esm/plugins/portmap/index.js'
import { wireserverXml, type NicFacts } from './azure-documents.js'
import { FakeMachine } from './fake-host.js'

/** The first NIC as the platform tells of it. */
export const NIC: NicFacts = {
  mac: '00:0d:3a:12:ab:34',
  prefix: '10.0.0.0/24',
  primary: '10.0.0.4',
  secondaries: ['10.0.0.5', '10.0.0.6', '10.0.0.7', '10.0.0.8'],
}

/** A second NIC, in a subnet of its own. */
export const SECOND_NIC: NicFacts = {
  mac: '00:0d:3a:12:ab:35',
  prefix: '10.0.1.0/24',
  primary: '10.0.1.4',
  secondaries: ['10.0.1.5', '10.0.1.6'],
}

/** A network configuration of azure-vnet; the bridge goes with its last pod. */
export const CONFIG = {
  cniVersion: '0.3.1',
  name: 'azure',
  type: 'azure-vnet',
  bridge: 'azure0',
  bridgeLifetime: 'pods',
  ipam: { type: 'azure-vnet-ipam' },
}

/** A network configuration, or what a test puts in its place. */
export type Config = Record<string, unknown>

/** What a plug-in answered. */
export interface Answer {
  readonly status: number
  /** The document on stdout; empty for none. */
  readonly json: Record<string, any>
  readonly stderr: string
}

/** How a call differs from the plain one. */
export interface CallOptions {
  readonly config?: Config
  readonly plugin?: Plugin
  readonly env?: Record<string, string>
  /** Puts something in the way of the call. */
  readonly host?: (host: Host) => Host
}

const SYSCTLS = ['ipv4/conf/*/forwarding', 'ipv6/conf/*/accept_dad']

/** The VM. */
export class FakeVm extends FakeMachine {
  /** The NICs that the wireserver tells of. */
  nics: readonly NicFacts[]
  /** How often the wireserver was asked. */
  asked = 0

  constructor({ nics = [NIC] }: { nics?: readonly NicFacts[] } = {}) {
    super()
    this.nics = nics
    const plan = this.host.plan()
    plan.link.set(plan.link.get('lo'), { up: true })
    nics.forEach((nic, i) => addNic(plan, nic, i))
    plan.runSync()
    this.kernel.reset()
    this.http = async () => {
      this.asked++
      return wireserverXml(this.nics)
    }
    // What containers find of other plug-ins; see `program`.
    mkdirSync(join(this.folder, 'bin'))
  }

  /** Has a foreign plug-in of this name found in CNI_PATH; `exec` answers for it. */
  program(name: string): void {
    const file = join(this.folder, 'bin', name)
    writeFileSync(file, '')
    chmodSync(file, 0o755)
  }

  /** The pod's namespace: made when it is first named. */
  sandbox(id: string): NetNs {
    return this.namespaces.get(pathOf(id)) ?? this.pod(pathOf(id))
  }

  /** Runs ADD for a pod by the door. */
  add(id: string, options: CallOptions = {}): Promise<Answer> {
    this.sandbox(id)
    return this.run('ADD', id, options)
  }

  /** Runs DEL for a pod by the door. */
  del(id: string, options: CallOptions = {}): Promise<Answer> {
    return this.run('DEL', id, options)
  }

  /** Runs a verb of a plug-in. */
  async run(
    verb: string,
    id: string,
    { config = CONFIG, plugin = azureVnet, env = {}, host = (one) => one }: CallOptions,
  ): Promise<Answer> {
    const all = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: id,
      CNI_IFNAME: 'eth0',
      CNI_NETNS: pathOf(id),
      CNI_PATH: join(this.folder, 'bin'),
      ...env,
    }
    let stdout = ''
    let stderr = ''
    const io = {
      env: all,
      stdin: () => JSON.stringify(config),
      stdout: (text: string) => void (stdout += text),
      stderr: (text: string) => void (stderr += text),
    }
    const status = await runPlugin(plugin, io, async () => host(this.call(all)))
    return { status, json: stdout ? JSON.parse(stdout) : {}, stderr }
  }

  /** Maps host ports of a pod, as portmap does behind azure-vnet in a list. */
  addPorts(id: string, prevResult: object, hostPort: number): Promise<Answer> {
    const portMappings = [{ hostPort, containerPort: 80, protocol: 'tcp' }]
    const config = { ...CONFIG, type: 'portmap', prevResult }
    return this.run('ADD', id, {
      plugin: portmap,
      config: { ...config, runtimeConfig: { portMappings } },
    })
  }

  /** Runs something with the engine of a call, and ends the call. */
  async withEngine<T>(
    use: (engine: Engine) => T | Promise<T>,
    change: (host: Host) => Host = (host) => host,
  ): Promise<T> {
    using host = change(this.call())
    return await use(engineOf(host, this.log))
  }

  /** What the engine said. */
  readonly said: { level: string; msg: string; fields?: Record<string, unknown> }[] = []

  readonly log = {
    debug: this.#sayer('debug'),
    info: this.#sayer('info'),
    warn: this.#sayer('warn'),
    error: this.#sayer('error'),
  }

  #sayer(level: string) {
    return (msg: string, fields?: Record<string, unknown>) =>
      void this.said.push({ level, msg, ...(fields && { fields }) })
  }

  /** Puts addresses of the first NIC's subnet on it, as cloud-init does. */
  hold(...addresses: string[]): void {
    const plan = this.host.plan()
    const link = plan.link.get('eth0')
    for (const address of addresses) plan.address.add({ link, address: `${address}/24` })
    plan.runSync()
    this.kernel.reset()
  }

  /** Path of a file in the state folder. */
  file(name: string): string {
    return join(this.folder, 'state', name)
  }

  /** A state file's data; undefined when it is not there. */
  data(name: 'azure-vnet.json' | 'ipam.json'): any {
    const path = this.file(name)
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).data : undefined
  }

  /** What a firewall's reload does: `nft flush ruleset`. */
  flushRuleset(): void {
    const plan = this.host.plan()
    const tables = plan.nftables.tables()
    const tx = new Transaction()
    for (const { family, name } of plan.runSync().of(tables))
      tx.deleteTable({ family, name })
    const flush = this.host.plan()
    flush.nftables.commit(tx)
    flush.runSync()
  }

  /** Takes a state file away. */
  lose(name: string): void {
    rmSync(this.file(name))
  }

  /** Lines of the plug-in's log file. */
  logLines(plugin = 'azure-vnet'): Record<string, any>[] {
    const path = join(this.folder, 'log', `${plugin}.log`)
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    return lines.map((line) => JSON.parse(line) as Record<string, any>)
  }

  /** The addresses with a lease, in order. */
  leased(): string[] {
    const leases = (this.data('ipam.json')?.leases ?? []) as { address: string }[]
    return leases.map(({ address }) => address).sort()
  }

  /** The containers on record, with their phase. */
  recorded(): Record<string, string> {
    const records = Object.values(this.data('azure-vnet.json')?.attachments ?? {})
    return Object.fromEntries(
      (records as { owner: Owner; phase: string }[]).map(({ owner, phase }) => [
        owner.containerId,
        phase,
      ]),
    )
  }

  /** The containers that have a lease and no record. */
  forgotten(): string[] {
    const leases = (this.data('ipam.json')?.leases ?? []) as { owner: Owner }[]
    const known = this.recorded()
    return leases
      .map(({ owner }) => owner.containerId)
      .filter((id) => known[id] === undefined)
  }

  /** The host's links by name. */
  links(): string[] {
    return this.host.sync.link.dump().map(({ name }) => name)
  }

  /** A picture of the host's network that stays equal while nothing changes. */
  picture(): object {
    return pictureOf(this.host)
  }

  /** A picture of a pod's namespace. */
  pictureOf(id: string): object {
    return pictureOf(this.sandbox(id))
  }

  /** What is on record: files by name, less locks and what has no content. */
  records(): object {
    const { networks = {}, attachments = {} } = this.data('azure-vnet.json') ?? {}
    return { networks, attachments, leases: this.data('ipam.json')?.leases ?? [] }
  }

  /** Names of files in the state folder, less locks. */
  files(): string[] {
    const all = readdirSync(join(this.folder, 'state'))
    return all.filter((name) => !name.endsWith('.lock')).sort()
  }
}

/** The owner of a container's first interface in the network of CONFIG. */
export function ownerOf(id: string, network = CONFIG.name): Owner {
  return { network, containerId: id, ifname: 'eth0' }
}

function pathOf(id: string): string {
  return `/run/netns/${id}`
}

function addNic(plan: Plan, nic: NicFacts, i: number): void {
  const { mac, primary, prefix } = nic
  const link = plan.link.add({ kind: 'dummy', name: `eth${i}`, mac, up: true })
  const [network = '', length] = prefix.split('/')
  plan.address.add({ link, address: `${primary}/${length}` })
  plan.address.add({ link, address: `fd00:${i}::4/64` })
  plan.address.add({ link, address: `fe80::20d:3aff:fe12:${i}/64` })
  if (i > 0) return
  const via = network.replace(/0$/, '1')
  plan.route.add({ to: 'default', via, link, protocol: 'dhcp', priority: 100 })
  plan.route.add({ to: '168.63.129.16/32', via, link, protocol: 'dhcp', priority: 100 })
  plan.route.add({ to: 'default', family: 'ipv6', via: 'fd00:0::1', link, priority: 100 })
}

// Handles grow with every change, undone or not.
const VOLATILE = new Set(['handle', 'id', 'lifetime'])

function steady(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(steady)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([key]) => !VOLATILE.has(key))
  return Object.fromEntries(entries.map(([key, inner]) => [key, steady(inner)]))
}

/** In an order that does not tell when something was made. */
function sorted(list: readonly unknown[]): unknown[] {
  const texts = list.map((item) => JSON.stringify(steady(item)))
  return texts.sort().map((item) => JSON.parse(item) as unknown)
}

const NFT_OBJECTS = ['table', 'chain', 'rule', 'set'] as const

function pictureOf(netns: NetNs): object {
  const plan = netns.plan()
  const links = plan.link.dump()
  const addresses = plan.address.dump()
  const routes = [
    plan.route.dump({ family: 'ipv4' }),
    plan.route.dump({ family: 'ipv6' }),
  ]
  const neighbours = plan.neighbour.dump()
  const nft = NFT_OBJECTS.map((what) => plan.raw<object[]>(`nft.${what}.dump`, {}))
  const done = plan.runSync()
  const names = done.of(links).map(({ name }) => name)
  return {
    links: sorted(done.of(links)),
    // Their order decides about source addresses.
    addresses: steady(done.of(addresses)),
    routes: sorted(routes.flatMap((ref) => done.of(ref))),
    neighbours: sorted(done.of(neighbours)),
    nft: nft.map((ref) => sorted(done.of(ref))),
    elements: elementsOf(netns, done.of(nft[3]!)),
    sysctls: sysctlsOf(netns, names),
  }
}

function elementsOf(netns: NetNs, sets: readonly object[]): unknown[] {
  const plan = netns.plan()
  const dumps = (sets as { family: number; table: string; name: string }[]).map(
    ({ family, table, name }) =>
      plan.raw<object[]>('nft.elements.dump', { family, table, set: name }),
  )
  const done = plan.runSync()
  return sorted(dumps.flatMap((ref) => done.of(ref)))
}

function sysctlsOf(netns: NetNs, links: readonly string[]): Record<string, string> {
  const plan = netns.plan()
  const names = SYSCTLS.flatMap((name) =>
    links.map((link) => `net/${name.replace('*', link)}`),
  )
  const values = names.map((name) => plan.sysctl.get(name))
  const done = plan.runSync()
  return Object.fromEntries(names.map((name, i) => [name, done.of(values[i]!)]))
}
