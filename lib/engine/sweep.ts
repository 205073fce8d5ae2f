/**
 * Cleaning up what calls left that died before they ended.
 */
import { ownerKey, sameOwner, type Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import type { AttachRequest, Engine, Leases } from './engine.js'
import { removePorts } from './ports.js'
import { forgetAttachment, remainsOf, removeRemains } from './removal.js'
import type { NodeState } from './records.js'
import { recordOf } from './state.js'

/** Whose call it is, and who takes addresses back. */
export type Sweeper = Pick<AttachRequest, 'owner'> & {
  readonly leases: Pick<Leases, 'release'>
}

/** Whether the ADD of the owner was given up before it ended. */
export function isAbandoned(
  host: Pick<Host, 'isRunning'>,
  state: NodeState,
  owner: Owner,
): boolean {
  const record = recordOf(state, owner)
  return record?.phase === 'adding' && !host.isRunning(record.adder)
}

/**
 * Cleans up what ADDs of other pods of this network left that died before they ended: an address
 * left behind may be the last one free.
 *
 * @param state what the store said a moment ago; the store has the last word
 */
export async function sweepAbandoned(
  engine: Engine,
  sweeper: Sweeper,
  state: NodeState,
): Promise<void> {
  const { owner: caller } = sweeper
  for (const { owner } of Object.values(state.attachments)) {
    const isOther = owner.network === caller.network && !sameOwner(owner, caller)
    if (!isOther || !isAbandoned(engine.host, state, owner)) continue
    await sweep(engine, sweeper, owner, isAbandoned)
  }
}

/** Cleans up what is on record of the caller's own container, whose interface is gone. */
export function sweepOwn(engine: Engine, sweeper: Sweeper): Promise<void> {
  return sweep(
    engine,
    sweeper,
    sweeper.owner,
    (host, state, owner) =>
      recordOf(state, owner)?.phase === 'ready' || isAbandoned(host, state, owner),
  )
}

/**
 * Takes an attachment away that is due; the log tells what fails. The record is claimed under the
 * lock: an ADD that seemed dead may have ended well between the reading of its record and the look at
 * its process. While it is claimed, an ADD of the same owner is told to try again, so that what is
 * taken away here is never a new one's.
 *
 * @param isDue asked under the lock
 * @param proof why it is due, for the log
 */
export async function sweep(
  engine: Engine,
  { leases }: Sweeper,
  owner: Owner,
  isDue: (host: Host, state: NodeState, owner: Owner) => boolean,
  proof?: string,
): Promise<void> {
  const { host, log, store } = engine
  try {
    const remains = await store.update((state) => {
      if (!isDue(host, state, owner)) return undefined
      const found = remainsOf(engine, state, owner)
      state.attachments[ownerKey(owner)] = { phase: 'adding', owner, adder: host.self }
      return found
    })
    if (!remains) return
    log.warn('cleaning up an attachment that is left over', { owner, proof })
    if (remains.ports) await removePorts(engine, owner)
    removeRemains(engine, remains)
    await leases.release(owner)
    await forgetAttachment(engine, owner)
  } catch (error) {
    // It must not keep another pod from its network; the next call tries again.
    log.error('cleaning up failed', { owner, error: String(error) })
  }
}
