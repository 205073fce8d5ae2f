/**
 * Reading what the table holds.
 */
import type { Done, NetNs, Plan } from '../../netlink/index.js'

import type { SetDef } from '../../nft/index.js'
import type { HeldPort } from '../conflict.js'
import {
  isPort,
  OWNED_SETS,
  POD_LINKS,
  PORT_MAPS,
  TABLE,
  toMapping,
  type Placed,
} from './table.js'

/** Stands for the owner of an element that names none. */
const UNKNOWN = 'unknown'

/** All that the table holds, at one generation of the ruleset. */
export interface Contents {
  /** The ruleset's generation when it was read. */
  readonly generation: number
  /** Whether there is the table. */
  readonly exists: boolean
  /** Elements of owners. */
  readonly placed: readonly Placed[]
  /** Names of the links that lead to pods. */
  readonly links: readonly string[]
}

/** Tag of an element's owner. */
export function tagOf({ element }: Placed): string {
  return element.comment ?? UNKNOWN
}

/** Elements by their keys: a container may have thousands. */
export class PlacedIndex {
  readonly #byKey = new Map<string, Placed>()

  /** @param placed what is there */
  constructor(placed: readonly Placed[]) {
    for (const one of placed) this.add(one)
  }

  /** One more. */
  add(one: Placed): void {
    this.#byKey.set(keyOf(one), one)
  }

  /** The element that has the same key. */
  find(wanted: Placed): Placed | undefined {
    return this.#byKey.get(keyOf(wanted))
  }
}

function keyOf({ set, element }: Placed): string {
  return `${set.name} ${String(element.key)}`
}

/** The elements that are ports. */
export function portsIn(placed: readonly Placed[]): HeldPort[] {
  return placed
    .filter(isPort)
    .map((one) => ({ mapping: toMapping(one), tag: tagOf(one) }))
}

/** Reads elements in a plan; answers with how to get at them. None where there is no table. */
export function planElements(
  plan: Plan,
  sets: readonly SetDef[],
): (done: Done) => Placed[] {
  const dumps = sets.map((set) => ({ set, dump: plan.nftables.elements(set) }))
  return (done) =>
    dumps.flatMap(({ set, dump }) => done.of(dump).map((element) => ({ set, element })))
}

/** Reads all contents in a plan; answers with how to get at them. */
export function planContents(plan: Plan): (done: Done) => Contents {
  const generation = plan.nftables.generation()
  const exists = plan.nftables.tableExists(TABLE)
  const placed = planElements(plan, OWNED_SETS)
  const links = plan.nftables.elements(POD_LINKS)
  return (done) => ({
    generation: done.of(generation),
    exists: done.of(exists),
    placed: placed(done),
    links: done.of(links).map(({ key }) => String(key[0])),
  })
}

/** Reads all contents. */
export function readContents(host: NetNs): Contents {
  const plan = host.plan()
  const contents = planContents(plan)
  return contents(plan.runSync())
}

/** Reads the ports alone. */
export function readPorts(host: NetNs): HeldPort[] {
  const plan = host.plan()
  const placed = planElements(plan, PORT_MAPS)
  return portsIn(placed(plan.runSync()))
}

/** Asks in a plan whether the table is there; answers with how to get at it. */
export function planTable(plan: Plan): (done: Done) => boolean {
  const found = plan.nftables.tableExists(TABLE)
  return (done) => done.of(found)
}
