/**
 * What is remembered of this node: the networks that its pods are on, and what is attached.
 */
import { join } from 'node:path'
import { ownerKey, type Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import type { CallId } from '../host/process-id.js'
import type { PortsRecord } from '../portmap/backend.js'
import { Store, type StoreHost } from '../state/store.js'
import type { HostNetwork, ModeName, NodeView, PodAddress } from '../vnet/index.js'
import { parseNodeState } from './state-schema.js'

/**
 * An attachment whose ADD has not ended. It is written down before anything is asked for, so that
 * whatever a crash leaves has an owner; a record of a dead call is cleaned up by the next ADD.
 */
export interface AddingRecord {
  readonly phase: 'adding'
  readonly owner: Owner
  /** The call that adds it, or that takes away what such a call left. */
  readonly adder: CallId
}

/** An attachment. */
export interface ReadyRecord {
  readonly phase: 'ready'
  readonly owner: Owner
  /** How it was attached; absent when another main plug-in did it and we have its ports alone. */
  readonly mode?: ModeName | undefined
  /** Name of the host network that it is on. */
  readonly network?: string | undefined
  readonly addresses: readonly PodAddress[]
  readonly links: {
    /** Name of the host's end of the wire. */
    readonly host?: string | undefined
  }
  /** The IPAM plug-in that gave the addresses. */
  readonly ipam?: string | undefined
  /** The host ports that lead to it. */
  ports?: PortsRecord | undefined
}

/** What is remembered of an attachment. */
export type AttachmentRecord = AddingRecord | ReadyRecord

/** The document. */
export interface NodeState {
  /** By name. */
  networks: Record<string, HostNetwork>
  /** By ownerKey. */
  attachments: Record<string, AttachmentRecord>
}

/** Version of the document: 1 knew bridges and IPv4 alone. */
export const NODE_STATE_VERSION = 2

/** The store of this node: `azure-vnet.json` in the state folder. */
export function nodeStore(
  host: StoreHost & Pick<Host, 'stateDir'>,
  warn: (message: string) => void,
): Store<NodeState> {
  return new Store({
    host,
    path: join(host.stateDir, 'azure-vnet.json'),
    version: NODE_STATE_VERSION,
    initial: () => ({ networks: {}, attachments: {} }),
    parse: parseNodeState,
    warn,
  })
}

/** The record of an owner. */
export function recordOf(state: NodeState, owner: Owner): AttachmentRecord | undefined {
  return state.attachments[ownerKey(owner)]
}

/** The finished record of an owner. */
export function readyRecordOf(state: NodeState, owner: Owner): ReadyRecord | undefined {
  const record = recordOf(state, owner)
  return record?.phase === 'ready' ? record : undefined
}

/** The finished records. */
export function readyRecords(state: NodeState): ReadyRecord[] {
  return Object.values(state.attachments).filter((record) => record.phase === 'ready')
}

/** The state as modes see it. */
export function viewOf(state: NodeState): NodeView {
  return {
    networks: Object.values(state.networks),
    podsOn: (network) => readyRecords(state).filter((pod) => pod.network === network),
  }
}

/** Whether a pod is on the network, or may be about to come. */
export function isInUse(state: NodeState, network: string): boolean {
  return Object.values(state.attachments).some(
    (record) => record.phase === 'adding' || record.network === network,
  )
}
