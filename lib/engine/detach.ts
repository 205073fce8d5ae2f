/**
 * Detaching a container: works from the record, from the kernel alone, or from nothing; and repeats.
 */
import { ownerKey, ownerTag, type Owner } from '../cni/spec/owner.js'
import { mark } from '../trace.js'
import type { Engine, Leases } from './engine.js'
import { removePorts } from './ports.js'
import { forgetAttachment, remainsOf, removeRemains } from './removal.js'
import type { NodeState } from './records.js'
import { readyRecordOf, recordOf } from './state.js'
import { isAbandoned, sweepAbandoned } from './sweep.js'

/** What a door asks for. */
export interface DetachRequest {
  readonly owner: Owner
  /** Names of host networks where to look when there is no record. */
  readonly networks: readonly string[]
  /**
   * Who takes the addresses back.
   *
   * @param recorded name of the IPAM plug-in that gave them, when that is on record
   */
  leases(recorded: string | undefined): Promise<Pick<Leases, 'release'>>
}

/**
 * Detaches a container.
 *
 * @throws CniError, NetlinkError when something stays; the record stays too
 */
export async function detach(engine: Engine, request: DetachRequest): Promise<void> {
  const { owner, networks } = request
  const state = await noteTaker(engine, owner)
  const leases = await request.leases(readyRecordOf(state, owner)?.ipam)
  mark('checks')
  const remains = remainsOf(engine, state, owner, networks)
  if (remains.ports) await removePorts(engine, owner)
  removeRemains(engine, remains)
  mark('kernel')
  await leases.release(owner)
  mark('lease')
  const rest = await forgetAttachment(engine, owner)
  mark('record')
  await sweepAbandoned(engine, { owner, leases }, rest)
  engine.log.info('pod detached', { owner: ownerTag(owner) })
}

// What is taken away goes by its address. While this call is at it, nobody else may take the address
// back and give it to another: see `reclaimDead`, and `sweepAbandoned` for what a dead ADD left.
async function noteTaker({ host, log, store }: Engine, owner: Owner): Promise<NodeState> {
  const state = store.read()
  if (!recordOf(state, owner)) return state
  try {
    return await store.update((now) => {
      const record = recordOf(now, owner)
      if (record?.phase === 'ready') record.taker = host.self
      else if (isAbandoned(host, now, owner)) {
        now.attachments[ownerKey(owner)] = { phase: 'adding', owner, adder: host.self }
      }
      return now
    })
  } catch (error) {
    // A full disk keeps nobody from being taken off the network.
    log.warn('what is being taken away cannot be noted', { error: String(error) })
    return state
  }
}
