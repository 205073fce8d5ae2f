/**
 * Brings the host into the state that is on record: host networks, tables, pods, SNAT, ports.
 */
import { prefixOf } from '../ip/index.js'
import { modeOf, type NetworkSettings } from '../vnet/index.js'
import type { Engine } from './engine.js'
import { ensureNetwork } from './host-network.js'
import { isWhole } from './networks.js'
import { restorePorts } from './ports.js'
import type { NodeState } from './records.js'
import { readyRecords } from './state.js'

/** Settings of a network that its pods on the host shall have from now on. */
export interface ChangedSettings {
  /** Name of the network, from the configuration. */
  readonly network: string
  readonly settings: NetworkSettings['settings']
}

/** What came of repairing. */
export interface Repaired {
  /** Host networks: whether anything of them was missing. */
  readonly networks: readonly { readonly name: string; readonly wasWhole: boolean }[]
  /** Owners whose ports were missing and are back. */
  readonly ports: readonly string[]
}

/**
 * Makes or mends everything that is on record; safe to repeat, and running pods keep their traffic.
 *
 * @param changed a network's settings, to be applied to its pods too
 * @throws CniError, NetlinkError, SyscallError, StateError; what was mended before stays so
 */
export async function repair(
  engine: Engine,
  changed?: ChangedSettings,
): Promise<Repaired> {
  const names = Object.keys(engine.store.read().networks)
  const networks: { name: string; wasWhole: boolean }[] = []
  for (const name of names) {
    const wasWhole = await engine.store.update((state) =>
      repairNetwork(engine, state, name, changed),
    )
    if (wasWhole !== undefined) networks.push({ name, wasWhole })
  }
  return { networks, ports: await restorePorts(engine, engine.store.read()) }
}

function repairNetwork(
  engine: Engine,
  state: NodeState,
  name: string,
  changed: ChangedSettings | undefined,
): boolean | undefined {
  const record = state.networks[name]
  if (!record) return undefined
  const mode = modeOf(record.mode)
  const wasWhole = isWhole(engine.kernel, record)
  const pools = changed ? poolsOf(state, name, changed.network) : []
  // A network without pods here has nothing to change here.
  if (changed && pools.length > 0) mode.apply(record, { ...changed, pools })
  ensureNetwork(engine, state, record)
  return wasWhole
}

function poolsOf(state: NodeState, name: string, network: string): string[] {
  const pods = readyRecords(state).filter(
    (record) => record.network === name && record.owner.network === network,
  )
  const prefixes = pods.flatMap(({ addresses }) =>
    addresses.map(({ address }) => prefixOf(address)),
  )
  return [...new Set(prefixes)]
}
