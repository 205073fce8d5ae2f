/**
 * Taking ports. The kernel's exclusive add decides who gets one.
 */
import type { NetNs } from '../../netlink/index.js'
import { nftFamilies, Transaction } from '../../nft/index.js'
import type { PortsRecord } from '../backend.js'
import { HeldPorts, portTaken, type HeldPort } from '../conflict.js'
import type { Mapping } from '../mapping.js'
import { planElements, portsIn, readContents, tagOf } from './held.js'
import {
  ATTEMPTS,
  findLink,
  forgetFlows,
  isKernelError,
  linkTowards,
  routeLocalnet,
} from './kernel.js'
import { removePorts } from './remove.js'
import { ensureTable } from './rules.js'
import {
  addPlaced,
  deletePlaced,
  NEWEST_CHAIN,
  placePorts,
  POD_LINKS,
  PORT_MAPS,
  SNAT_PODS,
  TABLE,
  type Placed,
} from './table.js'

/** How the next commit goes about it; learned from what the one before met. */
interface Approach {
  /** The table is not there, or was made by an older version. */
  readonly ensure: boolean
  /** What another owner left of a pod with the same address. */
  readonly stale: readonly Placed[]
  /** Ports that another interface of the container has. */
  readonly waiting: ReadonlySet<Mapping>
}

interface Job {
  readonly host: NetNs
  readonly tag: string
  readonly ports: PortsRecord
  /** The link that leads to the pod. */
  readonly link: string | undefined
}

/**
 * Takes the host ports and makes them lead to the pod.
 * Throws CniError HostPortTaken naming the holder, NetlinkError; then nothing is left.
 */
export function addPorts(host: NetNs, tag: string, ports: PortsRecord): void {
  // Only 127.0.0.1 of the host depends on the link.
  const link = ports.snat ? linkTowards(host, ports.pod) : findLink(host, ports.pod)
  const job = { host, tag, ports, link }
  try {
    const held = take(job)
    // An address of the host and all of its addresses are different keys to the kernel. Who comes
    // second sees the first here, whoever was faster.
    failIfHeld(new HeldPorts(held), job)
    forgetFlows(host, ports.mappings)
  } catch (error) {
    leaveNothing(job)
    throw error
  }
}

function leaveNothing({ host, tag }: Job): void {
  try {
    removePorts(host, tag)
  } catch {
    // The first error is the one to report, and the runtime calls DEL after it.
  }
}

/** Answers with all ports that are held then. */
function take(job: Job): HeldPort[] {
  let approach: Approach = { ensure: false, stale: [], waiting: new Set() }
  for (let attempt = 1; ; attempt++) {
    try {
      return commit(job, approach)
    } catch (error) {
      if (attempt >= ATTEMPTS) throw error
      if (isKernelError(error, 'EEXIST')) {
        approach = { ...approach, ...makeRoom(job) }
      } else if (isKernelError(error, 'ENOENT')) {
        approach = { ...approach, ensure: true, stale: [] }
      } else {
        throw error
      }
    }
  }
}

function commit(job: Job, { ensure, stale, waiting }: Approach): HeldPort[] {
  const { host, tag, ports, link } = job
  const mappings = ports.mappings.filter((one) => !waiting.has(one))
  const own = placePorts(tag, { ...ports, mappings })
  const plan = host.plan()
  const tx = new Transaction()
  if (ensure) ensureTable(tx)
  else planLayoutCheck(plan)
  if (link) tx.addElements(POD_LINKS, [{ key: [link] }])
  addPlaced(deletePlaced(tx, stale), own)
  plan.nftables.commit(tx, { undo: deletePlaced(new Transaction(), own) })
  // Without it the kernel drops packets from 127.0.0.1 that leave by another link than lo.
  if (link && ports.snat) plan.sysctl.set(routeLocalnet(link), '1')
  const held = planElements(plan, PORT_MAPS)
  return portsIn(held(plan.runSync()))
}

// ENOENT where the rules are not those that the elements are made for.
function planLayoutCheck(plan: ReturnType<NetNs['plan']>): void {
  const family = nftFamilies[TABLE.family]
  plan.raw('nft.chain.get', { family, table: TABLE.name, name: NEWEST_CHAIN })
}

/**
 * What to do about a key that is there: somebody else has the port, and that is the end of it; a
 * former ADD of the same owner left it, and it goes; or a pod that is no more had the same address,
 * and what it left goes too; or the container has the port by another interface, which keeps it. Or
 * it was taken away meanwhile.
 */
function makeRoom(job: Job): Pick<Approach, 'stale' | 'waiting'> {
  const { host, tag, ports } = job
  const { placed } = readContents(host)
  const held = new HeldPorts(portsIn(placed))
  failIfHeld(held, job)
  const waiting = new Set(ports.mappings.filter((one) => held.waits(one, tag)))
  if (placed.some((one) => tagOf(one) === tag)) {
    removePorts(host, tag)
    return { stale: [], waiting }
  }
  const isStale = ({ set, element }: Placed) =>
    set === SNAT_PODS && element.key[0] === ports.pod
  return { stale: ports.snat ? placed.filter(isStale) : [], waiting }
}

function failIfHeld(held: HeldPorts, { tag, ports }: Job): void {
  const conflict = held.conflict(ports.mappings, tag)
  if (conflict) throw portTaken(conflict.mapping, conflict.holder)
}
