/**
 * What azure-vnet remembers about this node.
 */
import { join } from 'node:path'
import type { Owner } from '../../cni/owner.js'
import { stateDir, Store, type ProcessId } from '../../state/index.js'
import type { HostMove, Masquerade } from '../../vnet/index.js'

/** A bridge over a NIC. */
export interface BridgeRecord {
  readonly bridge: string
  /** Name of the NIC. */
  readonly nic: string
  /**
   * `moving`: the host's addresses are on their way to the bridge (or were when a process died);
   * `ready`: they are there; `leaving`: they are on their way back.
   */
  phase: 'moving' | 'ready' | 'leaving'
  /** What was on the NIC when the move began. */
  readonly move: HostMove
  /** Resolved option of the rules that are in force. */
  masquerade: Masquerade | undefined
}

/** An attachment of a pod. */
export interface EndpointRecord {
  readonly owner: Owner
  readonly bridge: string
  readonly hostLink: string
  readonly ifname: string
  /** With prefix length. */
  readonly address: string
  readonly mac: string
  /** `adding` until ADD has printed nothing but success; then `ready`. */
  phase: 'adding' | 'ready'
  /** The process that adds it: a record of a dead one is cleaned up by the next call. */
  readonly adder: ProcessId
}

/** The document. */
export interface NodeState {
  bridges: Record<string, BridgeRecord>
  /** By ownerKey. */
  endpoints: Record<string, EndpointRecord>
}

/** The store: `azure-vnet.json` in the state folder. */
export function nodeStore(warn: (message: string) => void): Store<NodeState> {
  return new Store({
    path: join(stateDir(), 'azure-vnet.json'),
    initial: () => ({ bridges: {}, endpoints: {} }),
    isValid: isNodeState,
    warn,
  })
}

function isNodeState(data: unknown): data is NodeState {
  const { bridges, endpoints } = data as Partial<NodeState>
  return typeof bridges === 'object' && typeof endpoints === 'object'
}

/** The endpoints on a bridge. */
export function endpointsOn(state: NodeState, bridge: string): EndpointRecord[] {
  return Object.values(state.endpoints).filter((endpoint) => endpoint.bridge === bridge)
}
