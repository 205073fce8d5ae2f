/**
 * What azure-vnet remembers about this node.
 */
import { join } from 'node:path'
import type { Owner } from '../../cni/spec/owner.js'
import type { Host } from '../../host/host.js'
import type { CallId } from '../../host/process-id.js'
import { Store, type StoreHost } from '../../state/store.js'
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
  /** The call that adds it, or that takes away what such a call left. */
  readonly adder: CallId
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
export function nodeStore(
  host: StoreHost & Pick<Host, 'stateDir'>,
  warn: (message: string) => void,
): Store<NodeState> {
  return new Store({
    host,
    path: join(host.stateDir, 'azure-vnet.json'),
    version: 1,
    initial: () => ({ bridges: {}, endpoints: {} }),
    parse: parseNodeState,
    warn,
  })
}

function parseNodeState(data: unknown): NodeState {
  const { bridges, endpoints } = data as Partial<NodeState>
  if (bridges && endpoints) return { bridges, endpoints }
  throw new TypeError('bridges or endpoints is missing')
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
