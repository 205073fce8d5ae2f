/**
 * Undoing an attachment that failed.
 */
import { modeOf } from '../vnet/index.js'
import { isTakenOver } from './attach-checks.js'
import type { Job } from './attach-job.js'
import type { Engine } from './engine.js'
import { forgetAttachment } from './removal.js'
import { revertSettings } from './settings.js'
import { recordOf, viewOf } from './state.js'

// What this call took off the host.
async function giveBack(
  { kernel, store }: Engine,
  { network, addresses }: NonNullable<Job['taken']>,
): Promise<void> {
  await store.update((state) => {
    const record = state.networks[network]
    // Without a record the network was released, which gave them back.
    if (record) modeOf(record.mode).giveBack(kernel, viewOf(state), record, addresses)
  })
}

/**
 * Takes back what a failed call did. A plan that failed has undone itself; what is left is what was
 * written down and the network that this call made. Never rejects: the first error is the one to
 * report, the runtime calls DEL after it, and the next call mends what this one cannot.
 */
export async function undo(job: Job): Promise<void> {
  const { engine, request, made, former, taken } = job
  const { owner } = request
  const attempt = async (what: string, act: () => Promise<unknown>) => {
    try {
      await act()
    } catch (error) {
      engine.log.error(`undoing a failed ADD: ${what}`, { error: String(error) })
    }
  }
  let isOver = false
  await attempt('record', async () => {
    isOver = isTakenOver(engine.host, recordOf(engine.store.read(), owner))
  })
  // What is on record and leased now is that of a later call of the same container.
  if (isOver) return
  // Before the record goes: with it may go a network that is to end with its pods only now.
  if (former) await attempt('settings', () => revertSettings(engine, former, owner))
  delete job.former
  // Before the lease ends: nobody may have the address by then. A network that goes with this call
  // gives back by itself.
  if (taken && !made.has(taken.network))
    await attempt('host addresses', () => giveBack(engine, taken))
  delete job.taken
  await attempt('address', () => request.leases.release(owner))
  await attempt('record', () => forgetAttachment(engine, owner, made))
}
