/**
 * Making and releasing a host network: the managers of the host's network are told before the NIC
 * goes beneath it, and told otherwise when it is back.
 */
import { removePaths } from '../state/files.js'
import { modeOf, type HostNetwork } from '../vnet/index.js'
import { tellManagers, untellManagers } from '../vnet/managers/tell.js'
import type { Engine } from './engine.js'
import type { NodeState } from './records.js'
import { viewOf } from './state.js'

/**
 * Makes the network, or mends it, as its record wants it: see Mode.ensureNetwork. When it throws, the
 * host is as it was before the call.
 */
export function ensureNetwork(
  { host, kernel, log }: Engine,
  state: NodeState,
  record: HostNetwork,
): void {
  const { name: bridge, nic } = record
  const told = attempt(() => tellManagers(host.runDir, { nic, bridge }), log) ?? []
  try {
    modeOf(record.mode).ensureNetwork(kernel, viewOf(state), record)
    if (record.nic !== nic)
      attempt(() => tellManagers(host.runDir, { nic: record.nic, bridge }), log)
  } catch (error) {
    attempt(() => removePaths(told), log)
    throw error
  }
}

/** Gives the host its NIC back as it was: see Mode.release. */
export function releaseNetwork(
  { host, kernel, log }: Engine,
  state: NodeState,
  record: HostNetwork,
): void {
  modeOf(record.mode).release(kernel, viewOf(state), record)
  attempt(() => untellManagers(host.runDir, record.name), log)
}

// A manager that cannot be told does what it does, and the next call mends that.
function attempt<T>(act: () => T, log: Engine['log']): T | undefined {
  try {
    return act()
  } catch (error) {
    const reason = String(error)
    log.warn('the manager of the host’s network could not be told of the bridge', {
      reason,
    })
    return undefined
  }
}
