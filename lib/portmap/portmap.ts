/**
 * Host ports in the kernel's ruleset. The ruleset itself is the record: each element's comment
 * names its owner, a port is taken by the kernel's own exclusive add, and nothing outlives a
 * reboot. So there is no state file and no lock.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { NetlinkError } from '../errors.js'
import type { NetNs, Plan, Done } from '../netlink/index.js'
import { ipProtocols, Transaction, type SetDef, type SetElement } from '../nft/index.js'
import { describeMapping, type Mapping } from './mapping.js'
import { makeTable } from './rules.js'
import { addMappings, ANY, HAIRPIN, ONE, TABLE } from './table.js'

const PORT_MAPS = [ANY, ONE] as const

interface Held {
  readonly set: SetDef
  readonly element: SetElement
}

/** Another commit may come between reading and writing; each round somebody made progress. */
const ATTEMPTS = 50

/** What ADD needs to know. */
export interface PortmapRequest {
  readonly mappings: readonly Mapping[]
  /** IPv4 address of the container, without prefix length. */
  readonly pod: string
  /** Tag of the owner. */
  readonly tag: string
  /** Translate the source where a reply could not come back else. */
  readonly snat: boolean
}

/**
 * Takes the host ports and makes them lead to the container.
 * Throws CniError HostPortTaken naming the holder, NetlinkError; then nothing is left.
 */
export function addPorts(host: NetNs, request: PortmapRequest): void {
  const { mappings, pod, tag, snat } = request
  const flowInterface = snat ? linkTowards(host, pod) : undefined
  let held: readonly Held[]
  for (let attempt = 1; ; attempt++) {
    try {
      held = commit(host, request, attempt % 2 === 0, flowInterface)
      break
    } catch (error) {
      if (!(error instanceof NetlinkError) || attempt >= ATTEMPTS) throw error
      if (error.code === 'EEXIST') failIfHeld(host, mappings, tag, error)
      else if (error.code !== 'ENOENT') throw error
    }
  }
  // An address of the host and all of its addresses are different keys to the kernel. Who comes
  // second sees the first here, whoever was faster.
  const overlap = findOverlap(held, mappings, tag)
  if (!overlap) return
  removePorts(host, tag)
  throw taken(overlap.mapping, overlap.holder)
}

/** Gives all of an owner's ports back; with the last mapping the table goes. Repeats safely. */
export function removePorts(host: NetNs, tag: string): void {
  for (let attempt = 1; ; attempt++) {
    const { held, generation } = readAll(host)
    const own = held.filter((h) => h.element.comment === tag)
    if (own.length === 0) return
    const tx = new Transaction(generation)
    if (own.length === held.length) tx.deleteTable(TABLE)
    else for (const { set, element } of own) tx.deleteElements(set, [element.key])
    try {
      const plan = host.plan()
      plan.nftables.commit(tx)
      flushFlows(plan, own.filter((h) => h.set !== HAIRPIN).map(toMapping))
      plan.runSync()
      return
    } catch (error) {
      const code = error instanceof NetlinkError ? error.code : ''
      if (!['ERESTART', 'ENOENT'].includes(code) || attempt >= ATTEMPTS) throw error
    }
  }
}

// The table is there, or it is not: one of both transactions fits. Answers with all mappings that
// are there then.
function commit(
  host: NetNs,
  r: PortmapRequest,
  make: boolean,
  link: string | undefined,
): Held[] {
  const plan = host.plan()
  const tx = new Transaction()
  if (make) makeTable(tx)
  plan.nftables.commit(addMappings(tx, r.mappings, r.pod, r.tag, r.snat), {
    undo: deletion(r),
  })
  // Without it the kernel drops packets from 127.0.0.1 that leave by another link than lo.
  if (link) plan.sysctl.set(`net/ipv4/conf/${link}/route_localnet`, '1')
  flushFlows(plan, r.mappings)
  const held = planHeld(plan, PORT_MAPS)
  return held(plan.runSync())
}

function deletion({ mappings, pod, snat }: PortmapRequest): Transaction {
  const tx = new Transaction()
  for (const m of mappings) {
    const key = [ipProtocols[m.protocol], m.hostPort]
    if (m.hostAddress) tx.deleteElements(ONE, [[m.hostAddress, ...key]])
    else tx.deleteElements(ANY, [key])
  }
  return snat ? tx.deleteElements(HAIRPIN, [[pod, pod]]) : tx
}

// UDP has no connection that ends: a flow that the kernel remembers would go on to where the
// port led before.
function flushFlows(plan: Plan, mappings: readonly Mapping[]): void {
  for (const { protocol, hostPort, hostAddress } of mappings) {
    if (protocol !== 'udp') continue
    const original = {
      protocol: ipProtocols.udp,
      destinationPort: hostPort,
      ...(hostAddress && { destination: hostAddress }),
    }
    plan.conntrack.flush({ family: 'ipv4', original })
  }
}

/** Name of the link that packets to the pod leave by. */
function linkTowards(host: NetNs, pod: string): string {
  const plan = host.plan()
  const route = plan.route.get(pod)
  const { link } = plan.runSync().of(route)
  return link === undefined ? '' : (host.sync.link.read(link)?.name ?? '')
}

// Adds the reading of maps to a plan; answers with how to get at what was read.
function planHeld(plan: Plan, sets: readonly SetDef[]): (done: Done) => Held[] {
  const dumps = sets.map((set) => ({ set, dump: plan.nftables.elements(set) }))
  return (done) =>
    dumps.flatMap(({ set, dump }) => done.of(dump).map((element) => ({ set, element })))
}

function readAll(host: NetNs): { held: Held[]; generation: number } {
  const plan = host.plan()
  const generation = plan.nftables.generation()
  const held = planHeld(plan, [...PORT_MAPS, HAIRPIN])
  const done = plan.runSync()
  return { held: held(done), generation: done.of(generation) }
}

function heldPorts(host: NetNs): Held[] {
  const plan = host.plan()
  const held = planHeld(plan, PORT_MAPS)
  return held(plan.runSync())
}

/** Tags of the owners of all mappings. Throws NetlinkError, SyscallError. */
export function portHolders(host: NetNs): string[] {
  return heldPorts(host).map(({ element }) => element.comment ?? 'unknown')
}

function toMapping({ set, element }: Held): Mapping {
  const [protocol, hostPort] = element.key.slice(-2)
  return {
    protocol: protocol === ipProtocols.udp ? 'udp' : 'tcp',
    hostPort: Number(hostPort),
    containerPort: Number(element.data?.[1]),
    hostAddress: set === ONE ? String(element.key[0]) : undefined,
  }
}

function findOverlap(held: readonly Held[], mappings: readonly Mapping[], tag: string) {
  for (const mapping of mappings) {
    const other = held.find((h) => {
      if (h.element.comment === tag) return false
      const m = toMapping(h)
      return (
        m.protocol === mapping.protocol &&
        m.hostPort === mapping.hostPort &&
        (!m.hostAddress || !mapping.hostAddress || m.hostAddress === mapping.hostAddress)
      )
    })
    if (other) return { mapping, holder: other.element.comment ?? 'unknown' }
  }
  return undefined
}

function failIfHeld(
  host: NetNs,
  mappings: readonly Mapping[],
  tag: string,
  cause: NetlinkError,
): void {
  const held = heldPorts(host)
  const overlap = findOverlap(held, mappings, tag)
  if (overlap) throw taken(overlap.mapping, overlap.holder)
  // A repeated ADD of the same owner: what is left of the first goes away.
  if (held.some((h) => h.element.comment === tag)) removePorts(host, tag)
  else if (cause.attribute.startsWith('elements')) throw cause
}

function taken(mapping: Mapping, holder: string): CniError {
  return new CniError(
    CniCode.HostPortTaken,
    `host port ${describeMapping(mapping)} is held by ${holder}`,
    'Choose another hostPort, or remove that container first. ' +
      'A holder is named network/container/interface.',
  )
}
