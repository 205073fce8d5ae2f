import { ADDRESS } from '../fabric.js'
import { ECHO, type Answer, type Crowd, type Question } from './crowd.js'
import type { Cell, OtherContainer, PreparedHost } from './host-kind.js'

/** One way between two places, or another thing that has to work. */
export interface Probe {
  cell: Cell
  name: string
  /** Whether it is there without pods: then it is compared with how it was before them. */
  own: boolean
  /** Rejects with the reason when it does not work. */
  run(patience: number): Promise<unknown>
}

/** A pod that is attached. */
export interface Pod {
  name: string
  address: string
  /** The first router on its way, which the fabric answers for. */
  gateway: string
  /** Host port that leads to its echo service; the pod has none without. */
  hostPort?: number
}

/** Who is there to be asked. */
export interface Scene {
  crowd: Crowd
  prepared: PreparedHost
  pods: readonly Pod[]
}

const PROTOCOLS = ['tcp', 'udp'] as const
/** More than an Ethernet frame carries. */
const FRAGMENTED = 3000

const PLACES = { fabric: 'gateway', secondVm: 'second VM', peeredVm: 'peered VM' }
const AROUND = [
  ['fabric', ADDRESS.gateway],
  ['secondVm', ADDRESS.secondVm],
  ['peeredVm', ADDRESS.peeredVm],
] as const

function called(who: string): string {
  return (PLACES as Record<string, string>)[who] ?? (who === 'vm' ? 'host' : who)
}

/** The page of wireserver that the plug-ins ask for. */
const WIRESERVER = `http://${ADDRESS.wireserver}/machine/plugins?comp=nmagent&type=getinterfaceinfov1`

/** Makes the probes of one scene. */
class Probes {
  readonly list: Probe[] = []

  constructor(
    readonly scene: Scene,
    readonly own: boolean,
  ) {}

  add(cell: Cell, name: string, run: Probe['run']): void {
    this.list.push({ cell, name, own: this.own, run })
  }

  /** Who answers has to be `to`, and has to see the question come from `seen`. */
  way(cell: Cell, from: string, to: string, way: Way): void {
    const { seen, label = called(to), ...question } = way
    const size = question.size ? ` ${question.size} bytes` : ''
    const name = `${called(from)} → ${label} ${question.protocol}${size}`
    this.add(cell, name, async (patience) => {
      const answer = await this.scene.crowd.ask(from, { ...question, patience })
      judge(answer, to, seen)
    })
  }

  /** {@link way} by TCP and by UDP. */
  ways(cell: Cell, from: string, to: string, way: Omit<Way, 'protocol'>): void {
    for (const protocol of PROTOCOLS) this.way(cell, from, to, { ...way, protocol })
  }

  names(from: string): void {
    this.add('DNS', `${called(from)} asks the platform`, (patience) =>
      this.scene.crowd.resolve(from, ADDRESS.wireserver, patience),
    )
  }

  internet(cell: Cell, from: string): void {
    const url = `http://${ADDRESS.internet}/`
    this.add(cell, `${called(from)} → Internet`, async (patience) => {
      const seen = await this.scene.crowd.fetch(from, url, patience)
      if (seen !== ADDRESS.primary) throw new Error(`seen there as ${seen}`)
    })
  }

  platform(cell: Cell, from: string): void {
    this.add(cell, `${called(from)} → wireserver`, async (patience) => {
      const page = await this.scene.crowd.fetch(from, WIRESERVER, patience)
      if (!page.includes('<Interfaces>')) throw new Error('another page')
    })
  }
}

type Way = Omit<Question, 'patience'> & { seen?: string; label?: string }

function judge({ name, seen }: Answer, to: string, from?: string): void {
  if (name !== to) throw new Error(`${called(name)} answered`)
  if (from !== undefined && seen !== from) throw new Error(`it sees ${seen}, not ${from}`)
}

function hostItself(probes: Probes): void {
  const seen = ADDRESS.primary
  for (const [place, address] of AROUND) {
    probes.ways('host → outside', 'vm', place, { address, seen })
    probes.ways('outside → host', place, 'vm', {
      address: ADDRESS.primary,
      seen: address,
    })
  }
  for (const address of probes.scene.prepared.addresses ?? [])
    probes.ways('outside → host', 'fabric', 'vm', { address, label: address })
  probes.platform('host → outside', 'vm')
  probes.internet('host → outside', 'vm')
  probes.names('vm')
}

function hostServices(probes: Probes): void {
  for (const service of probes.scene.prepared.services ?? []) {
    const { name, protocol, port, at = ADDRESS.primary } = service
    const label = `${name}, port ${port}`
    for (const from of ['fabric', 'secondVm'])
      probes.way('services', from, 'vm', { protocol, port, address: at, label })
  }
}

function otherContainer(probes: Probes, other: OtherContainer): void {
  for (const [place, address] of AROUND)
    probes.ways('others → outside', other.name, place, { address })
  probes.internet('others → outside', other.name)
  probes.names(other.name)
  for (const { protocol, hostPort: port, hostIP = ADDRESS.primary } of other.ports ??
    []) {
    const label = `${other.name}’s port ${port}`
    const way = { protocol, port, address: hostIP, label }
    for (const from of ['fabric', 'secondVm', 'peeredVm', 'vm'])
      probes.way('others’ ports', from, other.name, way)
  }
}

/** What there is to try while no pod is there. */
export function ownProbes(scene: Scene): Probe[] {
  const probes = new Probes(scene, true)
  hostItself(probes)
  hostServices(probes)
  for (const other of scene.prepared.others ?? []) otherContainer(probes, other)
  for (const { cell, name, run } of scene.prepared.checks ?? [])
    probes.add(cell, name, run)
  return probes.list
}

function pod(probes: Probes, { name, address, gateway }: Pod): void {
  probes.ways('pod ↔ host', name, 'vm', { address: ADDRESS.primary, seen: address })
  probes.ways('pod ↔ host', 'vm', name, { address })
  for (const [place, there] of AROUND) {
    const its = place === 'fabric' ? gateway : there
    probes.ways('pod ↔ VNet', name, place, { address: its, seen: address })
    probes.ways('pod ↔ VNet', place, name, { address, seen: its })
  }
  probes.platform('pod → platform', name)
  probes.internet('pod → Internet', name)
  probes.names(name)
}

function hostPorts(probes: Probes, to: Pod, port: number): void {
  const { pods, prepared } = probes.scene
  const strangers = (prepared.others ?? []).map(({ name }) => name)
  const around = AROUND.map(([place]) => place)
  const froms = [...around, 'vm', ...pods.map(({ name }) => name), ...strangers]
  const label = `${to.name}’s port ${port}`
  for (const from of froms) {
    probes.ways('host ports', from, to.name, { address: ADDRESS.primary, port, label })
    const big = { address: ADDRESS.primary, port, label, size: FRAGMENTED }
    probes.way('host ports', from, to.name, { ...big, protocol: 'udp' })
  }
  for (const address of prepared.addresses ?? [])
    probes.ways('host ports', 'fabric', to.name, {
      ...{ address, port, label: `${address}, ${label}` },
    })
  const local = { address: '127.0.0.1', port, label: `127.0.0.1, ${label}` }
  probes.ways('host ports', 'vm', to.name, local)
}

function podsAndOthers(probes: Probes, other: OtherContainer): void {
  for (const one of probes.scene.pods)
    probes.ways('others → outside', other.name, one.name, { address: one.address })
  for (const { protocol, hostPort: port, hostIP = ADDRESS.primary } of other.ports ??
    []) {
    const way = { protocol, port, address: hostIP, label: `${other.name}’s port ${port}` }
    for (const { name } of probes.scene.pods)
      probes.way('others’ ports', name, other.name, way)
  }
}

/** What there is to try because pods are there. */
export function podProbes(scene: Scene): Probe[] {
  const probes = new Probes(scene, false)
  for (const one of scene.pods) {
    pod(probes, one)
    for (const { name, address } of scene.pods.filter((other) => other !== one))
      probes.ways('pod ↔ pod', one.name, name, { address, seen: one.address })
    if (one.hostPort !== undefined) hostPorts(probes, one, one.hostPort)
  }
  for (const other of scene.prepared.others ?? []) podsAndOthers(probes, other)
  return probes.list
}

/** A connection that is kept open over everything that happens. */
interface Stream {
  cell: Cell
  from: string
  name: string
  address: string
  port: number
}

function ownStreams({ prepared }: Scene): Stream[] {
  const others = prepared.others ?? []
  return [
    ...AROUND.flatMap(([place, address]): Stream[] => {
      const [out, into] = [`host → ${called(place)}`, `${called(place)} → host`]
      const cell = 'host TCP kept open'
      return [
        { cell, from: 'vm', name: out, address, port: ECHO },
        { cell, from: place, name: into, address: ADDRESS.primary, port: ECHO },
      ]
    }),
    ...others.flatMap(({ name, ports = [] }): Stream[] => {
      const cell = 'others’ TCP kept open'
      const out = {
        cell,
        name: `${name} → second VM`,
        address: ADDRESS.secondVm,
      } as const
      const into = ports
        .filter(({ protocol }) => protocol === 'tcp')
        .map(({ hostPort: port, hostIP: address = ADDRESS.primary }) => {
          const way = `second VM → ${name}’s port ${port}`
          return { cell, from: 'secondVm', name: way, address, port } as const
        })
      return [{ ...out, from: name, port: ECHO }, ...into]
    }),
  ]
}

function podStreams({ pods }: Scene): Stream[] {
  return pods.flatMap(({ name, address }): Stream[] => [
    {
      ...{ cell: 'pod ↔ VNet', from: name, name: `${name} → second VM, kept open` },
      ...{ address: ADDRESS.secondVm, port: ECHO },
    },
    {
      ...{ cell: 'pod ↔ VNet', from: 'fabric', name: `gateway → ${name}, kept open` },
      ...{ address, port: ECHO },
    },
  ])
}

/** Opens the connections that are to be kept; those that cannot be opened are none. */
export async function openStreams(scene: Scene, own: boolean): Promise<Probe[]> {
  const { crowd } = scene
  const streams = own ? ownStreams(scene) : podStreams(scene)
  const opened = await Promise.all(
    streams.map(async ({ cell, from, name, address, port }) => {
      const probe: Probe = {
        ...{ cell, name, own },
        run: (patience) => crowd.held(from, name, patience),
      }
      const open = crowd.hold(from, { key: name, address, port })
      return open.then(
        () => [probe],
        () => [],
      )
    }),
  )
  return opened.flat()
}
