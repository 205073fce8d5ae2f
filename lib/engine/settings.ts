/**
 * A host network's settings, as they were before an attachment's list changed them.
 */
import { ownerKey, type Owner } from '../cni/spec/owner.js'
import { modeOf, type HostNetwork } from '../vnet/index.js'
import type { Engine } from './engine.js'
import type { NodeState } from './records.js'
import { ensureNetwork } from './host-network.js'

/** What an attachment found when it changed the settings of a host network. */
export interface FormerSettings {
  readonly network: HostNetwork
  /** Keys of the attachments that the owner's network had, on whatever host network. */
  readonly known: ReadonlySet<string>
}

/** To be taken before the settings change. */
export function formerSettings(
  state: NodeState,
  network: HostNetwork,
  owner: Owner,
): FormerSettings {
  return { network: structuredClone(network), known: siblings(state, owner) }
}

/** Whether the settings are others than they were. */
export function isChanged({ network }: FormerSettings, now: HostNetwork): boolean {
  return JSON.stringify(network) !== JSON.stringify(now)
}

function siblings({ attachments }: NodeState, owner: Owner): Set<string> {
  const own = ownerKey(owner)
  const all = Object.entries(attachments)
  const others = all.filter(
    ([key, one]) => key !== own && one.owner.network === owner.network,
  )
  return new Set(others.map(([key]) => key))
}

/**
 * Puts the settings back, in the record and in the kernel, because the attachment failed that asked
 * for others. They stay when other attachments of the owner's network came meanwhile: those may
 * have asked for them too.
 *
 * @throws NetlinkError, StateError, LockTimeoutError
 */
export async function revertSettings(
  engine: Engine,
  { network: former, known }: FormerSettings,
  owner: Owner,
): Promise<void> {
  await engine.store.update((state) => {
    const record = state.networks[former.name]
    const isAlone = [...siblings(state, owner)].every((key) => known.has(key))
    if (!record || !isAlone) return
    const mode = modeOf(record.mode)
    mode.revert(record, former, owner)
    ensureNetwork(engine, state, record)
  })
}
