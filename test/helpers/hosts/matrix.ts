import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CniCode } from '../../../dist/esm/cni/spec/errors.js'
import type { AzureHost } from '../azure-host.js'
import { ROOT } from '../build-once.js'
import { CniError, CniRunner, type Conflist, type PortMapping } from '../cni-runner.js'
import type { PrivateSpace } from '../private-space.js'
import { ADDRESS } from '../fabric.js'
import { until } from '../process.js'
import { diffSnapshots, type Snapshot } from '../snapshot.js'
import { Crowd, ECHO } from './crowd.js'
import type { Cell, HostEvent, HostKind, PreparedHost, ZooNetwork } from './host-kind.js'
import { judgeCells, limitsThatHold, ours, PATIENCE_MS, tryAll } from './outcome.js'
import type { HostReport, Phase } from './outcome.js'
import { openStreams, ownProbes, podProbes, type Pod, type Probe } from './probes.js'

/** How a matrix is run. */
export interface MatrixOptions {
  /** Folder with the plug-ins; the build's unless given. */
  cniPath?: string
  /** How many times one more pod comes and goes while the streams are open. */
  cycles?: number
  /** Is told what is being done. */
  progress?: (what: string) => void
}

/** A host that is ready for its matrix. */
export interface ReadyHost {
  kind: HostKind
  host: AzureHost
  space: PrivateSpace
  prepared: PreparedHost
}

/** The list that is shipped. */
export const SHIPPED = join(ROOT, 'conf', '10-azure.conflist')
/** The patience for what may be closed by the host itself. */
const BRIEF_MS = 2500
/** Everything inside Azure is reached with the pod's own address. */
const MASQUERADE = { except: ['10.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16'] }
const PORT = 8080
/** Errors of the kernel and of ours: nothing was refused beforehand. */
const FOUND_LATE: readonly number[] = [CniCode.KernelRefused, CniCode.Internal]

/** The shipped list with a network's changes. */
export function listFor({ name, vnet, ipam }: ZooNetwork): Conflist {
  const list = JSON.parse(readFileSync(SHIPPED, 'utf8')) as Conflist
  const [main, ...rest] = list.plugins
  const own = { ...(main!['ipam'] as object), ...ipam }
  const plugins = [{ masquerade: MASQUERADE, ...main!, ...vnet, ipam: own }, ...rest]
  return { ...list, ...(name && { name }), plugins } as Conflist
}

function warningsOf(host: AzureHost): string[] {
  const path = join(host.logDir, 'azure-vnet.log')
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  const warnings = lines
    .map((line) => JSON.parse(line) as { level?: string; msg?: string })
    .filter(({ level }) => level === 'warn')
    .map(({ msg = '' }) => msg)
  return [...new Set(warnings)]
}

/** What comes and goes: pods, of each network two. */
class Pods {
  readonly all: Pod[] = []
  readonly #runners: CniRunner[]
  readonly #owners = new Map<string, CniRunner>()

  constructor(
    readonly host: AzureHost,
    readonly crowd: Crowd,
    readonly networks: readonly ZooNetwork[],
    cniPath: string,
  ) {
    this.#runners = networks.map(
      (network) =>
        new CniRunner({
          ...{ host, cniPath, conflist: listFor(network) },
          delAfterFailedAdd: true,
        }),
    )
  }

  /** Attaches two pods of each network, the first with host ports. */
  async addAll(): Promise<void> {
    for (const [index, runner] of this.#runners.entries()) {
      const { hostPort = PORT + index } = this.networks[index]!
      await this.add(runner, `pod-${2 * index + 1}`, hostPort)
      await this.add(runner, `pod-${2 * index + 2}`)
    }
  }

  async add(runner: CniRunner, name: string, hostPort?: number): Promise<void> {
    const path = this.host.pods.get(name) ?? (await this.host.addPodNetns(name))
    const mapping = (protocol: PortMapping['protocol']) =>
      ({ hostPort: hostPort!, containerPort: ECHO, protocol }) as PortMapping
    const portMappings = hostPort ? [mapping('tcp'), mapping('udp')] : undefined
    const result = await runner.add(name, path, 'eth0', portMappings && { portMappings })
    this.#owners.set(name, runner)
    const [ip] = result.ips ?? []
    const address = ip?.address.split('/')[0] ?? 'no address'
    const gateway = ip?.gateway ?? ADDRESS.gateway
    this.all.push({ name, address, gateway, ...(hostPort && { hostPort }) })
    await this.crowd.join(name, path)
  }

  async remove(name: string): Promise<void> {
    this.crowd.leave(name)
    await this.#owners.get(name)!.del(name, this.host.pods.get(name)!, 'eth0')
    await this.host.removePodNetns(name)
    this.#owners.delete(name)
    this.all.splice(
      this.all.findIndex((pod) => pod.name === name),
      1,
    )
  }

  async removeAll(): Promise<void> {
    for (const { name } of [...this.all]) await this.remove(name)
  }

  /** One more pod of the first network comes and goes. */
  async cycle(): Promise<void> {
    await this.add(this.#runners[0]!, 'passing')
    await this.remove('passing')
  }
}

/** One run of the matrix on one host. */
class Run {
  readonly phases: Phase[] = []
  #kept: Probe[] = []
  #before!: Phase
  #crowd!: Crowd
  #pods!: Pods
  #picture!: Snapshot
  #refused: string | undefined
  #failed: string | undefined
  #drops = 0

  constructor(
    readonly ready: ReadyHost,
    readonly options: MatrixOptions,
  ) {}

  async run(): Promise<HostReport> {
    await this.#begin()
    await this.#round([], 'with pods')
    const events = this.ready.prepared.events ?? []
    if (events.length > 0 && this.#refused === undefined && this.#failed === undefined)
      await this.#round(events, 'with pods again')
    const { kind, prepared, host } = this.ready
    const { phases } = this
    const warnings = warningsOf(host)
    const limits = limitsThatHold(prepared.limits ?? [], warnings)
    const judge = { before: this.#before, limits }
    const cells = judgeCells(phases, { ...judge, refused: this.#refused })
    return {
      ...{ host: kind.name, title: kind.title, warnings, cells },
      ...(this.#refused !== undefined && { refused: this.#refused }),
      phases: [this.#before, ...phases],
    }
  }

  async #begin(): Promise<void> {
    const { host, prepared } = this.ready
    this.#tell('before pods')
    this.#crowd = await Crowd.create(host)
    for (const { name, netns } of prepared.others ?? [])
      await this.#crowd.join(name, netns)
    for (const service of prepared.services ?? []) await this.#crowd.serve('vm', service)
    const networks = prepared.networks ?? [{}]
    const { cniPath = join(ROOT, 'dist', 'cni') } = this.options
    this.#pods = new Pods(host, this.#crowd, networks, cniPath)
    this.#picture = await host.snapshot({ sysctls: true, state: false })
    this.#kept.push(...(await openStreams(this.#scene(), true)))
    this.#before = await tryAll('before pods', this.#probes(), () => BRIEF_MS)
  }

  /** Pods come, things happen, pods go; afterwards the host is as it was. */
  async #round(events: readonly HostEvent[], name: string): Promise<void> {
    this.#tell(name)
    const before = new Set(this.#kept)
    if (!(await this.#attach())) return this.#afterRefusal()
    this.#kept.push(...(await openStreams(this.#scene(), false)))
    for (let turn = 0; turn < (this.options.cycles ?? 1); turn += 1)
      await this.#pods.cycle()
    await this.#phase(name)
    for (const event of events) await this.#happen(event)
    await this.#pods.removeAll()
    this.#kept = this.#kept.filter((stream) => before.has(stream))
    await this.#phase('after the last DEL')
    await this.#reset()
    await this.#phase('after reset')
    await this.#givenBack(!events.some(({ lasting = false }) => lasting))
  }

  async #attach(): Promise<boolean> {
    try {
      await this.#pods.addAll()
      return true
    } catch (error) {
      if (!(error instanceof CniError) || error.code === undefined) throw error
      const told = `code ${error.code}: ${error.msg ?? ''}`
      if (FOUND_LATE.includes(error.code)) this.#failed = told
      else this.#refused = told
      await this.#pods.removeAll()
      return false
    }
  }

  async #afterRefusal(): Promise<void> {
    await this.#phase('after the refusal')
    if (this.#failed !== undefined) this.#note('pod ↔ host', 'ADD', [this.#failed])
    await this.#givenBack(true)
  }

  async #happen(event: HostEvent): Promise<void> {
    this.#tell(event.name)
    await event.run()
    const phase = await this.#phase(`after ${event.name}`)
    const { limits = [] } = this.ready.prepared
    if (ours(phase, this.#before, limits).length === 0) return
    phase.beforeNextCall = true
    await this.#pods.cycle()
    this.#drops = await this.ready.host.fabricDrops()
    await this.#phase(`after ${event.name} and the next call`)
  }

  async #phase(name: string): Promise<Phase> {
    this.#tell(name)
    // What has failed once is not waited for as long again.
    const known = new Set(
      [this.#before, ...this.phases].flatMap(({ failures }) =>
        failures.map(({ probe }) => probe),
      ),
    )
    const patience = (probe: Probe) => (known.has(probe.name) ? BRIEF_MS : PATIENCE_MS)
    const phase = await tryAll(name, [...this.#kept, ...this.#probes()], patience)
    this.phases.push(phase)
    const drops = await this.ready.host.fabricDrops()
    const more = drops - this.#drops
    this.#drops = drops
    const told = more === 0 ? [] : [`${more} frames had another MAC than the NIC`]
    this.#note('MACs', 'frames that the fabric drops', told)
    // A connection that broke is broken: the kernel waits longer and longer to try again.
    const failed = new Set(phase.failures.map(({ probe }) => probe))
    this.#kept = this.#kept.filter((stream) => !failed.has(stream.name))
    return phase
  }

  async #reset(): Promise<void> {
    const { cniPath = join(ROOT, 'dist', 'cni') } = this.options
    const { host } = this.ready
    const reset = await host.exec(join(cniPath, 'vnet-cni'), ['reset'], { env: host.env })
    this.#note('given back', 'reset', reset.code === 0 ? [] : [reset.stderr.trim()])
  }

  /** Compares the host with its picture, and looks at what the fabric has dropped. */
  async #givenBack(compare: boolean): Promise<void> {
    const { host } = this.ready
    let changes: string[] = []
    const same = async () => {
      const now = await host.snapshot({ sysctls: true, state: false })
      changes = diffSnapshots(this.#picture, now)
      return changes.length === 0
    }
    if (compare) await until('the old picture', same, 5000, 100).catch(() => false)
    this.#note('given back', 'the host is as before', changes)
  }

  #note(cell: Cell, probe: string, reasons: string[]): void {
    const phase = this.phases.at(-1)!
    phase.tried += 1
    if (!phase.cells.includes(cell)) phase.cells.push(cell)
    phase.failures.push(...reasons.map((reason) => ({ cell, probe, reason })))
  }

  #scene() {
    const { prepared } = this.ready
    return { crowd: this.#crowd, prepared, pods: this.#pods.all }
  }

  #probes(): Probe[] {
    const scene = this.#scene()
    return [...ownProbes(scene), ...podProbes(scene)]
  }

  #tell(what: string): void {
    this.options.progress?.(what)
  }
}

/** Tries everything on a host: before pods, with them, after what happens, and after them. */
export function runMatrix(ready: ReadyHost, options: MatrixOptions = {}) {
  return new Run(ready, options).run()
}
