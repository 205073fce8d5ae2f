/**
 * Host networks as the record and the kernel have them.
 */
import type { Link, NetNs } from '../netlink/index.js'
import {
  allModes,
  lazyFacts,
  modeOf,
  readFacts,
  type HostNetwork,
  type Mode,
} from '../vnet/index.js'
import type { NodeState } from './records.js'

/** A host network that is on record or in the kernel. */
export interface FoundNetwork {
  readonly mode: Mode
  readonly name: string
  /** The link in the kernel; absent when it is on record alone. */
  readonly link: Link | undefined
}

/** All host networks that there are: a state that was lost knows of none. */
export function foundNetworks(kernel: NetNs, state: NodeState): FoundNetwork[] {
  const { links } = readFacts(kernel)
  const recorded = Object.values(state.networks).map(({ mode, name }) => ({
    mode: modeOf(mode),
    name,
    link: links.find((link) => link.name === name),
  }))
  const known = new Set(recorded.map(({ name }) => name))
  const unknown = allModes().flatMap((mode) =>
    links
      .filter((link) => mode.isOurs(link) && !known.has(link.name))
      .map((link) => ({ mode, name: link.name, link })),
  )
  return [...recorded, ...unknown]
}

/** Tags of the owners of all pods that the kernel knows on them. */
export function tagsOfPods(kernel: NetNs, state: NodeState): string[] {
  return foundNetworks(kernel, state).flatMap(({ mode, name }) =>
    mode.pods(kernel, name).map(({ tag }) => tag),
  )
}

/** Whether the host has what a network's record says. */
export function isWhole(kernel: NetNs, network: HostNetwork): boolean {
  const facts = lazyFacts(kernel, [{ bridge: network.name, nic: network.nic }])
  return modeOf(network.mode).isWhole(facts, network)
}
