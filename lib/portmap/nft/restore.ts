/**
 * Putting ports back that somebody else took away: `nft flush ruleset` is what a firewall's reload
 * does.
 */
import type { NetNs } from '../../netlink/index.js'
import { Transaction } from '../../nft/index.js'
import type { LostPort, OwnedPorts, Restored } from '../backend.js'
import { HeldPorts } from '../conflict.js'
import { PlacedIndex, planContents, portsIn, tagOf, type Contents } from './held.js'
import {
  ATTEMPTS,
  findLink,
  forgetFlows,
  isKernelError,
  routeLocalnet,
} from './kernel.js'
import { damagedChains, ensureTable } from './rules.js'
import {
  addPlaced,
  deletePlaced,
  isPort,
  placePorts,
  POD_LINKS,
  TABLE,
  toMapping,
  type Placed,
} from './table.js'

/** What an owner needs to have all of its ports again. */
interface Repair {
  readonly owner: OwnedPorts
  /** Elements that are missing. */
  readonly missing: readonly Placed[]
  /** Elements with the key of a missing one that lead to something else. */
  readonly wrong: readonly Placed[]
}

/** Puts back what is missing of recorded owners, in one transaction. */
export function restorePorts(host: NetNs, owners: readonly OwnedPorts[]): Restored {
  const recorded = owners.filter(({ ports }) => ports.mappings.length > 0)
  if (recorded.length === 0) return { tags: [], lost: [] }
  for (let attempt = 1; ; attempt++) {
    const plan = host.plan()
    const contents = planContents(plan)
    const rules = plan.nftables.rules({ family: TABLE.family, table: TABLE.name })
    const done = plan.runSync()
    const found = contents(done)
    // Where rules are missing, nobody's ports work.
    const isDamaged = damagedChains(done.of(rules)).length > 0
    const { repairs, lost } = compare(found, recorded)
    const due = repairs.filter(({ missing }) => isDamaged || missing.length > 0)
    if (due.length === 0) return { tags: [], lost }
    try {
      commit(host, found, due)
      return { tags: due.map(({ owner }) => owner.tag), lost }
    } catch (error) {
      if (attempt >= ATTEMPTS || !isKernelError(error, 'ERESTART')) throw error
    }
  }
}

// Two records may want one port, where one lost it to the other: the first has it.
function compare(
  { placed }: Contents,
  owners: readonly OwnedPorts[],
): { repairs: Repair[]; lost: LostPort[] } {
  const there = new PlacedIndex(placed)
  const taken = new PlacedIndex(placed)
  const held = new HeldPorts(portsIn(placed))
  const repairs: Repair[] = []
  const lost: LostPort[] = []
  for (const owner of owners) {
    const { tag, ports } = owner
    const own = findLost(held, owner)
    lost.push(...own)
    const gone = new Set(own.map(({ mapping }) => mapping))
    const mappings = ports.mappings.filter(
      (one) => !gone.has(one) && !held.waits(one, tag),
    )
    if (mappings.length === 0) continue
    const missing = placePorts(tag, { ...ports, mappings }).filter(
      (wanted) => !isThere(taken, wanted),
    )
    const wrong = missing.flatMap((wanted) => there.find(wanted) ?? [])
    repairs.push({ owner, missing, wrong })
    for (const one of missing) taken.add(one)
    for (const one of portsIn(missing)) held.add(one)
  }
  return { repairs, lost }
}

function findLost(held: HeldPorts, { tag, ports }: OwnedPorts): LostPort[] {
  return ports.mappings.flatMap((mapping) => {
    const conflict = held.conflict([mapping], tag)
    return conflict ? [{ tag, ...conflict }] : []
  })
}

function isThere(placed: PlacedIndex, wanted: Placed): boolean {
  const there = placed.find(wanted)
  if (!there) return false
  return (
    tagOf(there) === tagOf(wanted) &&
    String(there.element.data) === String(wanted.element.data)
  )
}

function commit(host: NetNs, { generation }: Contents, repairs: readonly Repair[]): void {
  const plan = host.plan()
  const tx = ensureTable(new Transaction(generation))
  const towards = repairs.map(({ owner: { ports } }) => ({
    link: findLink(host, ports.pod),
    snat: ports.snat,
  }))
  const links = unique(towards.flatMap(({ link }) => link ?? []))
  const open = unique(towards.flatMap(({ link, snat }) => (snat && link ? [link] : [])))
  const missing = repairs.flatMap((repair) => repair.missing)
  tx.addElements(
    POD_LINKS,
    links.map((link) => ({ key: [link] })),
  )
  deletePlaced(
    tx,
    repairs.flatMap(({ wrong }) => wrong),
  )
  plan.nftables.commit(addPlaced(tx, missing))
  for (const link of open) plan.sysctl.set(routeLocalnet(link), '1')
  plan.runSync()
  forgetFlows(host, missing.filter(isPort).map(toMapping))
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
