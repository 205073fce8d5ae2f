/**
 * What azure-vnet remembers about this node.
 */
import { join } from 'node:path'
import type { Owner } from '../../cni/spec/owner.js'
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
  /** Whether we made the bridge; one that somebody else made stays when the last pod goes. */
  readonly made: boolean
  /** What was on the NIC when the move began. */
  readonly move: HostMove
  /** Resolved option of the rules that are in force. */
  masquerade: Masquerade | undefined
}

/**
 * An attachment whose ADD has not ended. It is written down before anything is asked for, so that
 * whatever a crash leaves has an owner; a record of a dead process is cleaned up by the next ADD.
 */
export interface AddingRecord {
  readonly phase: 'adding'
  readonly owner: Owner
  /** The process that adds it. */
  readonly adder: ProcessId
}

/** An attachment of a pod. */
export interface ReadyRecord {
  readonly phase: 'ready'
  readonly owner: Owner
  readonly bridge: string
  /** With prefix length. */
  readonly address: string
  readonly mac: string
}

/** What is remembered of an attachment. */
export type EndpointRecord = AddingRecord | ReadyRecord

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

/** The pods on a bridge. */
export function podsOn(state: NodeState, bridge: string): ReadyRecord[] {
  return Object.values(state.endpoints).filter(
    (record): record is ReadyRecord =>
      record.phase === 'ready' && record.bridge === bridge,
  )
}

/** Whether a pod is on the bridge, or may be about to come. */
export function isInUse(state: NodeState, bridge: string): boolean {
  return Object.values(state.endpoints).some(
    (record) => record.phase === 'adding' || record.bridge === bridge,
  )
}
