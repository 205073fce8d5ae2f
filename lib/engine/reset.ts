/**
 * Gives the host its network back as it was before the first pod, and forgets everything: for
 * uninstalling, and for a host that nothing else helps.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { ownerTag } from '../cni/spec/owner.js'
import { ipamStore } from '../ipam/state.js'
import type { NetNs } from '../netlink/index.js'
import { nftFamilies, Transaction, type NftFamily } from '../nft/index.js'
import { portBackend } from '../portmap/backend.js'
import { removeFiles } from '../state/files.js'
import { readFacts } from '../vnet/index.js'
import type { Engine } from './engine.js'
import { releaseNetwork } from './host-network.js'
import { foundNetworks, tagsOfPods, type FoundNetwork } from './networks.js'
import { removeRemains, remainsOf } from './removal.js'
import type { NodeState } from './records.js'

/** Told of each step when it is done. */
export type Progress = (
  what: 'endpoint' | 'bridge' | 'table' | 'file',
  name: string,
) => void

const OUR_TABLES = 'azure_vnet_'
const OUR_FILES = /^(azure-vnet|ipam)\.json($|\.)|^attachments$/

/** Owners (`network/container/interface`) that still have an attachment, an address or a port. */
export async function attachedOwners({ host, kernel, store }: Engine): Promise<string[]> {
  const state = store.read()
  const leases = ipamStore(host)
    .read()
    .leases.map(({ owner }) => ownerTag(owner))
  const recorded = Object.values(state.attachments).map(({ owner }) => ownerTag(owner))
  const mapped = tagsOfPods(kernel, state)
  const ports = await (await portBackend()).holders(kernel)
  return [...new Set([...recorded, ...mapped, ...leases, ...ports])].sort()
}

/**
 * Takes all attachments, host networks, tables and state files away; the host's addresses and
 * routes go back to its NICs first. Repeats safely.
 * Throws NetlinkError, SyscallError, StateError, CniError at the first thing that stays.
 */
export async function resetHost(
  engine: Engine,
  progress: Progress = () => undefined,
): Promise<void> {
  const { host, kernel, store } = engine
  await removeAttachments(engine, progress)
  removeStrays(kernel, store.read(), progress)
  const networks = foundNetworks(kernel, store.read())
  for (const found of networks) {
    // Written down before it happens, as when the last pod goes.
    await store.update((state) => markForRelease(kernel, state, found))
    await store.update((state) => release(engine, state, found.name))
    checkGone(kernel, found)
    progress('bridge', found.name)
  }
  removeTables(kernel, progress)
  for (const folder of new Set([host.stateDir, host.keepDir])) {
    removeFiles(folder, OUR_FILES, (path) => progress('file', path))
  }
}

async function removeAttachments(engine: Engine, progress: Progress): Promise<void> {
  const { store } = engine
  // Each update makes a lock file: none where there is nothing to do.
  if (Object.keys(store.read().attachments).length === 0) return
  const owners = await store.update((state) => {
    const all = Object.values(state.attachments).map(({ owner }) => owner)
    for (const owner of all) removeRemains(engine, remainsOf(engine, state, owner))
    state.attachments = {}
    return all
  })
  const backend = await portBackend()
  for (const owner of owners) {
    await backend.remove(engine.kernel, ownerTag(owner))
    progress('endpoint', ownerTag(owner))
  }
}

// Pods whose records are lost: they would keep their network.
function removeStrays(kernel: NetNs, state: NodeState, progress: Progress): void {
  const { links } = readFacts(kernel)
  for (const { mode, name, link } of foundNetworks(kernel, state)) {
    const plan = kernel.plan()
    const strays = link ? mode.hostLinks(links, link) : []
    for (const stray of strays) plan.link.delIfExists(stray.name)
    mode.planDetach(plan, kernel, {
      network: name,
      record: state.networks[name],
      addresses: mode.pods(kernel, name),
      siblings: [],
      masqueraded: true,
    })
    plan.runSync()
    for (const stray of strays) progress('endpoint', stray.name)
  }
}

function markForRelease(
  kernel: NetNs,
  state: NodeState,
  { mode, name }: FoundNetwork,
): void {
  // A network whose record is lost gets one, so that it can be released like any other.
  const record = state.networks[name] ?? mode.adopt(kernel, name)
  if (record) state.networks[name] = mode.prepareRelease(kernel, record)
}

function release(engine: Engine, state: NodeState, name: string): void {
  const record = state.networks[name]
  if (!record) return
  releaseNetwork(engine, state, record)
  delete state.networks[name]
}

// Without its NIC it stays: the host's addresses may be on it, and have nowhere to go.
function checkGone(kernel: NetNs, { mode, name }: FoundNetwork): void {
  const { links } = readFacts(kernel)
  if (!links.some((link) => link.name === name && mode.isOurs(link))) return
  throw new CniError(
    CniCode.UnexpectedHost,
    `bridge: ${name} has no NIC that its addresses could go back to`,
    `Look at "ip address show ${name}", take it away with "ip link del ${name}", and reset again.`,
  )
}

// A table may be left without its bridge, where somebody deleted that by hand.
function removeTables(kernel: NetNs, progress: Progress): void {
  const families = Object.entries(nftFamilies) as [NftFamily, number][]
  const plan = kernel.plan()
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
  const removal = kernel.plan()
  removal.nftables.commit(tx)
  removal.runSync()
  for (const { family, name } of ours) progress('table', `${family} ${name}`)
}
