import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imdsJson, wireserverXml, type NicFacts } from './azure-documents.js'
import { onProcessEnd } from './cleanup.js'
import {
  FabricServers,
  type RequestCounts,
  type WireserverHandler,
  type WireserverMode,
} from './fabric-servers.js'
import {
  ADDRESS,
  SECOND,
  SUBNET,
  buildFabric,
  fabricDrops,
  type FabricNames,
} from './fabric.js'
import { HostPing } from './host-ping.js'
import { NetNs } from '../../dist/esm/index.js'
import { addNamespaces, deleteNamespaces } from './namespaces.js'
import { hasLinkLocal, runIn, startIn } from './namespaces.js'
import { runSync, until, type Outcome, type RunOptions } from './process.js'
import { diffSnapshots, takeSnapshot, type Snapshot } from './snapshot.js'

/** What kind of VM and fabric to simulate. */
export interface AzureHostOptions {
  /** Part of the namespaces' names, letters and digits; unique when left out. */
  name?: string
  /** How many secondary addresses the NIC has, from 10.0.0.5 on; 8 when left out. */
  pods?: number
  /** How many secondary addresses a second NIC has, from 10.0.1.5 on; none is there without. */
  secondNicPods?: number
  /** Replaces the wireserver's document, or answers its requests. */
  wireserver?: string | WireserverHandler
  /** The fabric answers ARP for every address, the VM's own ones too. */
  proxyArp?: boolean
  /** The fabric asks by ARP where the VM's addresses are; else it knows, as Azure does. */
  learnByArp?: boolean
  /** Whether the VM forwards IPv4 packets from the start; a fresh VM does not. */
  ipForward?: boolean
}

/** What a picture of the host is to hold. */
export interface PictureOptions {
  /** Per-link switches too. */
  sysctls?: boolean
  /** The plug-ins' state files; on unless said otherwise. */
  state?: boolean
}

interface Parts {
  names: FabricNames
  nic: NicFacts
  secondNic: NicFacts | undefined
  folder: string
}

function newMac(): string {
  const tail = randomBytes(3).toString('hex').match(/../g)!
  return ['00', '0d', '3a', ...tail].join(':')
}

/** A NIC with addresses that follow its primary one. */
function newNic(prefix: string, primary: string, pods: number): NicFacts {
  const first = primary.slice(0, primary.lastIndexOf('.') + 1)
  const secondaries = Array.from({ length: pods }, (_, i) => `${first}${5 + i}`)
  return { mac: newMac(), prefix, primary, secondaries }
}

/**
 * A simulated Azure VM: a namespace whose eth0 leads to another namespace that behaves
 * like the platform's network, with wireserver, metadata service, a second VM, a peered
 * one and a piece of the Internet. Nothing of it touches the namespace it is made from.
 */
export class AzureHost {
  readonly name: string
  readonly names: FabricNames
  readonly nic: NicFacts
  readonly secondNic: NicFacts | undefined
  /** A private folder that goes away with the host. */
  readonly folder: string
  readonly stateDir: string
  /** Folder of what a reboot keeps. */
  readonly keepDir: string
  /** Where Azure's own plug-ins would have their state. */
  readonly azureDir: string
  readonly logDir: string
  /** The environment that keeps the plug-ins' files of this host apart from others. */
  readonly env: {
    VNET_CNI_STATE_DIR: string
    VNET_CNI_KEEP_DIR: string
    VNET_CNI_AZURE_DIR: string
    VNET_CNI_LOG_DIR: string
    VNET_CNI_RUN_DIR: string
  }
  readonly #pods = new Map<string, string>()
  readonly #closers = new Set<() => void>()
  readonly #forget: () => void
  #servers: FabricServers | undefined
  #destroyed = false

  private constructor(name: string, { names, nic, secondNic, folder }: Parts) {
    this.name = name
    this.names = names
    this.nic = nic
    this.secondNic = secondNic
    this.folder = folder
    this.stateDir = join(folder, 'state')
    this.keepDir = join(folder, 'keep')
    this.azureDir = join(folder, 'azure')
    this.logDir = join(folder, 'log')
    this.env = {
      VNET_CNI_STATE_DIR: this.stateDir,
      VNET_CNI_KEEP_DIR: this.keepDir,
      VNET_CNI_AZURE_DIR: this.azureDir,
      VNET_CNI_LOG_DIR: this.logDir,
      VNET_CNI_RUN_DIR: join(folder, 'run'),
    }
    this.#forget = onProcessEnd(() => this.destroySync())
  }

  /** Builds the VM and the fabric and waits until both are ready. */
  static async create(options: AzureHostOptions = {}): Promise<AzureHost> {
    const name = options.name ?? randomBytes(4).toString('hex')
    if (!/^[a-z0-9]+$/i.test(name)) throw new TypeError(`not a name for a host: ${name}`)
    const names: FabricNames = {
      vm: `vm-${name}`,
      fabric: `fabric-${name}`,
      secondVm: `second-${name}`,
      peeredVm: `peered-${name}`,
    }
    const { pods = 8, secondNicPods } = options
    const nic = newNic(SUBNET, ADDRESS.primary, pods)
    const secondNic =
      secondNicPods === undefined
        ? undefined
        : newNic(SECOND.subnet, SECOND.primary, secondNicPods)
    const folder = mkdtempSync(join(tmpdir(), `azure-host-${name}-`))
    const host = new AzureHost(name, { names, nic, secondNic, folder })
    try {
      await host.#build(options)
    } catch (error) {
      await host.destroy()
      throw error
    }
    return host
  }

  /** Where the VM's namespace can be opened. */
  get netnsPath(): string {
    return `/run/netns/${this.names.vm}`
  }

  /** What the platform knows of its NICs. */
  get nics(): NicFacts[] {
    return [this.nic, ...(this.secondNic ? [this.secondNic] : [])]
  }

  /** Pods by the name they were given → path of their namespace. */
  get pods(): ReadonlyMap<string, string> {
    return this.#pods
  }

  /** Runs a program in the VM. */
  exec(command: string, args: readonly string[] = [], options?: RunOptions) {
    return this.execIn(this.names.vm, command, args, options)
  }

  /** Runs a program in the VM and blocks until it ends. */
  execSync(command: string, args: readonly string[] = [], options?: RunOptions): Outcome {
    return runSync('ip', ['netns', 'exec', this.names.vm, command, ...args], options)
  }

  /** Runs a program in the fabric. */
  execFabric(command: string, args: readonly string[] = [], options?: RunOptions) {
    return this.execIn(this.names.fabric, command, args, options)
  }

  /** Runs a program in the namespace of a pod. */
  podExec(pod: string, command: string, args: readonly string[] = [], opt?: RunOptions) {
    return this.execIn(pod, command, args, opt)
  }

  /** Runs a program in a namespace: one of this host's, a pod, or a path. */
  execIn(
    where: string,
    command: string,
    args: readonly string[] = [],
    options?: RunOptions,
  ): Promise<Outcome> {
    return runIn(this.#resolve(where), command, args, options)
  }

  /** Makes a namespace for a pod, with nothing but `lo`, and returns its path. */
  async addPodNetns(pod: string, { loUp = true } = {}): Promise<string> {
    const namespace = `pod-${this.name}-${pod}`
    addNamespaces([namespace])
    using netns = NetNs.openPinned(namespace)
    if (loUp) await netns.link.set('lo', { up: true })
    const path = `/run/netns/${namespace}`
    this.#pods.set(pod, path)
    return path
  }

  /** Takes a pod's namespace away. */
  async removePodNetns(pod: string): Promise<void> {
    const path = this.#pods.get(pod)
    if (path === undefined) return
    this.#pods.delete(pod)
    deleteNamespaces([path.slice('/run/netns/'.length)])
  }

  /** A comparable picture of the VM's network and of the plug-ins' state. */
  snapshot({ sysctls, state = true }: PictureOptions = {}): Promise<Snapshot> {
    return takeSnapshot((command, args) => this.exec(command, args), {
      sysctls,
      stateDirs: state ? [this.stateDir, this.keepDir] : [],
    })
  }

  /**
   * What is other than in `before`: none as soon as a picture equals it, else the last
   * differences. An address or a link may need a moment to come back.
   */
  async changesSince(before: Snapshot, options: PictureOptions = {}): Promise<string[]> {
    let changes: string[] = []
    const same = async () => {
      changes = diffSnapshots(before, await this.snapshot(options))
      return changes.length === 0
    }
    await until('the same picture', same, undefined, 100).catch(() => false)
    return changes
  }

  /** Whether every one of `count` pings is answered; `from` as in {@link execIn}. */
  async ping(from: string, to: string, count = 1): Promise<boolean> {
    const pace = ['-n', '-q', '-c', String(count), '-i', '0.05', '-W', '1']
    const { code, stdout } = await this.execIn(from, 'ping', [...pace, to])
    return code === 0 && stdout.includes(`${count} received`)
  }

  /** Watches the VM's own network with 50 pings a second each way. */
  async hostPing(): Promise<HostPing> {
    const watch = new HostPing(this.names)
    this.onDestroy(() => watch.kill())
    await watch.started()
    return watch
  }

  /** Starts a program in a namespace and leaves it running until the host goes. */
  start(where: string, command: string, args: readonly string[] = []): void {
    const child = startIn(this.#resolve(where), command, args, { stdio: 'ignore' })
    child.unref()
    this.onDestroy(() => child.kill('SIGKILL'))
  }

  /** Frames that the fabric dropped for a foreign source MAC, or IPv4 source address. */
  fabricDrops(kind: 'mac' | 'address' = 'mac'): Promise<number> {
    return fabricDrops(this.names, kind)
  }

  /** Switches the wireserver's behaviour. */
  wireserverMode(mode: WireserverMode): Promise<void> {
    return this.#running().mode(mode)
  }

  /** Has the wireserver answer with another document or handler; the NIC's without one. */
  serveWireserver(answer: string | WireserverHandler = wireserverXml(this.nics)) {
    return this.#running().serve(
      typeof answer === 'string' ? { xml: answer } : { handler: answer },
    )
  }

  /** How often the wireserver was asked. */
  async wireserverRequests(): Promise<number> {
    return (await this.requests()).wireserver
  }

  /** How often each of the fabric's servers was asked. */
  requests(): Promise<RequestCounts> {
    return this.#running().counts()
  }

  /** Runs `close` when the host goes; returns a function that takes it back. */
  onDestroy(close: () => void): () => void {
    this.#closers.add(close)
    return () => this.#closers.delete(close)
  }

  /** Ends all that runs in the host's namespaces and takes them away; may be repeated. */
  async destroy(): Promise<void> {
    this.destroySync()
  }

  /** {@link destroy} for the end of the process. */
  destroySync(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    for (const close of [...this.#closers].reverse()) close()
    this.#servers?.kill()
    const pods = [...this.#pods.values()].map((path) => path.slice('/run/netns/'.length))
    deleteNamespaces([...pods, ...Object.values(this.names)])
    rmSync(this.folder, { recursive: true, force: true })
    this.#forget()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }

  async #build(options: AzureHostOptions): Promise<void> {
    const { names, nic } = this
    addNamespaces(Object.values(names))
    await buildFabric({
      names,
      mac: nic.mac,
      secondaries: nic.secondaries,
      proxyArp: options.proxyArp ?? false,
      learnByArp: options.learnByArp ?? false,
      ipForward: options.ipForward ?? false,
      second: this.secondNic,
    })
    this.#servers = await FabricServers.start(this.name, this.folder)
    await this.#servers.serve({ imds: imdsJson(this.nics) })
    await this.serveWireserver(options.wireserver)
    await until('the link-local address of eth0', () => hasLinkLocal(names.vm))
  }

  #running(): FabricServers {
    if (!this.#servers) throw new Error('the host is not ready yet')
    return this.#servers
  }

  #resolve(where: string): string {
    const own = { ...this.names, host: this.names.vm } as Record<string, string>
    const known = this.#pods.get(where) ?? own[where] ?? where
    return known.startsWith('/run/netns/') ? known.slice('/run/netns/'.length) : known
  }
}
