/**
 * The store of the node's records, and looking things up in them.
 */
import { join } from 'node:path'
import { ownerKey, sameOwner, type Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import type { CallId } from '../host/process-id.js'
import { Store, type StoreHost } from '../state/store.js'
import type { NodeView } from '../vnet/index.js'
import type { AttachmentRecord, NodeState, ReadyRecord } from './records.js'
import { parseNodeState } from './state-schema.js'

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

/** Finished records of other interfaces that an owner's container has on a host network. */
export function siblingsOf(
  state: NodeState,
  owner: Owner,
  network: string,
): ReadyRecord[] {
  return readyRecords(state).filter(
    (one) =>
      one.network === network &&
      one.owner.containerId === owner.containerId &&
      !sameOwner(one.owner, owner),
  )
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

/** Whether a call is this one. */
export function isOwnCall({ self }: Pick<Host, 'self'>, id: CallId): boolean {
  return id.pid === self.pid && id.start === self.start && id.call === self.call
}

/** Another call that still runs and has the owner in hand: it adds it, or cleans up after it. */
export function otherCallAt(
  host: Pick<Host, 'self' | 'isRunning'>,
  record: AttachmentRecord | undefined,
): CallId | undefined {
  if (record?.phase !== 'adding' || isOwnCall(host, record.adder)) return undefined
  return host.isRunning(record.adder) ? record.adder : undefined
}
