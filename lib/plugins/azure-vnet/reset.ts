/**
 * Gives the host its network back as it was before the first pod, and forgets everything: for
 * uninstalling, and for a host that nothing else helps.
 */
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ownerKey, ownerTag } from '../../cni/spec/owner.js'
import { ipamStore } from '../../ipam/state.js'
import type { Link, NetNs } from '../../netlink/index.js'
import { nftFamilies, Transaction, type NftFamily } from '../../nft/index.js'
import { portHolders } from '../../portmap/index.js'
import { stateDir, type Store } from '../../state/index.js'
import {
  BRIDGE_ALIAS,
  endpointsInMap,
  planEndpointRemoval,
  readFacts,
} from '../../vnet/index.js'
import { dissolveBridge, markLeaving, newBridgeRecord } from './network.js'
import { removeEndpoint } from './removal.js'
import type { NodeState } from './state.js'

/** Told of each step when it is done. */
export type Progress = (
  what: 'endpoint' | 'bridge' | 'table' | 'file',
  name: string,
) => void

const OUR_TABLES = 'azure_vnet_'
const OUR_FILES = /^(azure-vnet|ipam)\.json($|\.)|^attachments$/
const OUR_LINK = /^azv[0-9a-f]{11}$/

/** Owners (`network/container/interface`) that still have an endpoint, an address or a port. */
export function attachedOwners(host: NetNs, store: Store<NodeState>): string[] {
  const state = store.read()
  const leases = ipamStore()
    .read()
    .leases.map(({ owner }) => ownerTag(owner))
  const recorded = Object.values(state.endpoints).map(({ owner }) => ownerTag(owner))
  const mapped = bridgesOf(state, ourBridges(host))
    .flatMap((bridge) => endpointsInMap(host, bridge))
    .map(({ tag }) => tag)
  return [...new Set([...recorded, ...mapped, ...leases, ...portHolders(host)])].sort()
}

/**
 * Takes all endpoints, bridges, tables and state files away; the host's addresses and routes go
 * back to its NICs first. Repeats safely.
 * Throws NetlinkError, SyscallError, StateError, CniError at the first thing that stays.
 */
export function resetHost(
  host: NetNs,
  store: Store<NodeState>,
  progress: Progress = () => undefined,
): void {
  removeEndpoints(host, store, progress)
  const bridges = ourBridges(host)
  // Each update makes a lock file: none where there is nothing to do.
  if (bridges.length > 0) store.update((state) => adopt(host, state, bridges))
  for (const bridge of bridgesOf(store.read(), bridges)) {
    // Written down before it happens, as when the last pod goes.
    store.update((state) => markLeaving(host, state, bridge))
    store.update((state) => dissolveBridge(host, state, bridge))
    progress('bridge', bridge)
  }
  removeTables(host, progress)
  removeFiles(progress)
}

function ourBridges(host: NetNs): Link[] {
  return readFacts(host).links.filter(
    (link) => link.kind === 'bridge' && link.alias === BRIDGE_ALIAS,
  )
}

function bridgesOf(state: NodeState, found: readonly Link[]): string[] {
  return [...new Set([...Object.keys(state.bridges), ...found.map(({ name }) => name)])]
}

function removeEndpoints(host: NetNs, store: Store<NodeState>, progress: Progress): void {
  const isEmpty = Object.keys(store.read().endpoints).length === 0
  const remove = (state: NodeState) => {
    const owners = Object.values(state.endpoints).map(({ owner }) => owner)
    for (const owner of owners) {
      removeEndpoint(host, state, owner, [])
      delete state.endpoints[ownerKey(owner)]
    }
    return owners
  }
  for (const owner of isEmpty ? [] : store.update(remove))
    progress('endpoint', ownerTag(owner))
  // Azure's own plug-in names its links likewise: only those on our bridges are ours.
  const { links } = readFacts(host)
  const bridges = new Set(ourBridges(host).map(({ index }) => index))
  const strays = links.filter(
    ({ name, master }) => OUR_LINK.test(name) && master && bridges.has(master),
  )
  const plan = host.plan()
  for (const { name } of strays) plan.link.delIfExists(name)
  // The map knows pods whose records are lost, and would keep their bridge.
  for (const { name: bridge, index } of ourBridges(host)) {
    for (const { address } of endpointsInMap(host, bridge)) {
      planEndpointRemoval(plan, { bridge, address }, index)
    }
  }
  plan.runSync()
  for (const { name } of strays) progress('endpoint', name)
}

/** Makes records for bridges whose records are lost, so that they can be undone like any other. */
function adopt(host: NetNs, state: NodeState, bridges: readonly Link[]): void {
  const facts = readFacts(host)
  for (const bridge of bridges) {
    if (state.bridges[bridge.name]) continue
    const nic = facts.links.find(
      (link) => link.master === bridge.index && !OUR_LINK.test(link.name),
    )
    if (!nic) continue
    const record = newBridgeRecord(host, facts, nic, bridge.name, undefined)
    state.bridges[bridge.name] = { ...record, phase: 'ready' }
  }
}

// A table may be left without its bridge, where somebody deleted that by hand.
function removeTables(host: NetNs, progress: Progress): void {
  const families = Object.entries(nftFamilies) as [NftFamily, number][]
  const plan = host.plan()
  const dumps = families.map(([family, number]) => ({
    family,
    dump: plan.raw<{ name: string }[]>('nft.table.dump', { family: number }),
  }))
  const done = plan.runSync()
  const tables = dumps.flatMap(({ family, dump }) =>
    done.of(dump).map(({ name }) => ({ family, name })),
  )
  const ours = tables.filter(({ name }) => name.startsWith(OUR_TABLES))
  if (ours.length === 0) return
  const tx = new Transaction()
  for (const table of ours) tx.deleteTable(table)
  const removal = host.plan()
  removal.nftables.commit(tx)
  removal.runSync()
  for (const { family, name } of ours) progress('table', `${family} ${name}`)
}

function removeFiles(progress: Progress): void {
  const folder = stateDir()
  const names = list(folder).filter((name) => OUR_FILES.test(name))
  for (const name of names) {
    rmSync(join(folder, name), { recursive: true, force: true })
    progress('file', join(folder, name))
  }
  // The folder is ours when nothing else is in it.
  if (names.length > 0 && list(folder).length === 0) rmdirSync(folder)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
