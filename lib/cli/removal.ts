/**
 * Taking an attachment back by its record, or by what a damaged record's name tells.
 */
import {
  attachmentForDel,
  recordOwner,
  type AttachmentRecord,
} from '../cni/runtime/attachment-record.js'
import type { Attachments, DamagedRecord } from '../cni/runtime/attachments.js'
import { delChain, delRuns, type ChainOptions } from '../cni/runtime/chain.js'
import { NotStartedError } from '../cni/runtime/delegate.js'
import type { NetworkList } from '../cni/runtime/list.js'
import { CniError } from '../cni/spec/errors.js'
import type { Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'

/** What a removal works with. */
export interface Removal {
  readonly records: Attachments
  readonly chain: ChainOptions & { readonly host: Host }
  /** Go on where the program of a plug-in is missing or its DEL fails, and say so. */
  readonly force?: boolean
}

/**
 * Runs DEL of the plug-ins that were begun, and notes each that is done. The record stays.
 *
 * @throws CniError of the first plug-in that failed, unless `force`
 */
export async function removeRecorded(
  record: AttachmentRecord,
  { records, chain, force }: Removal,
): Promise<void> {
  const { containerId } = record.attachment
  const attachment = attachmentForDel(record, chain.host.bootId())
  await orAdvise(containerId, () =>
    delRuns(record, attachment, {
      ...chain,
      ...(force && { onFailure: passOver(chain) }),
      note: (progress) => records.save({ ...record, ...progress }),
    }),
  )
}

/**
 * Runs DEL of a whole list for an owner of whom no more is known than the name: the plug-ins work
 * from their own records then.
 *
 * @throws CniError of the first plug-in that failed, unless `force`
 */
export async function removeByName(
  { containerId, ifname }: { readonly containerId: string; readonly ifname: string },
  list: NetworkList,
  { chain, force }: Pick<Removal, 'chain' | 'force'>,
): Promise<void> {
  const attachment = { containerId, netns: '', ifname, args: '', capabilityArgs: {} }
  await orAdvise(containerId, () =>
    delChain(list, attachment, {
      ...chain,
      ...(force && { onFailure: passOver(chain) }),
    }),
  )
}

/**
 * `removeByName` with what is left of a record.
 *
 * @throws Error when the list is of another network, unless `force`; CniError as `removeByName`
 */
export async function removeDamaged(
  { owner, file }: DamagedRecord,
  list: NetworkList,
  removal: Pick<Removal, 'chain' | 'force'>,
): Promise<void> {
  if (list.name !== owner.network) {
    const why = `${file} is of the network ${owner.network}, and the list of ${list.name}`
    const cure = `vnet-cni detach --container ${owner.containerId} --conflist LIST-OF-THAT-NETWORK`
    if (!removal.force)
      throw new Error(`${why}: run ${cure}, or add --force to forget it`)
    removal.chain.stderr(`${why}; --force: forgotten without DEL\n`)
    return
  }
  removal.chain.stderr(`DEL of ${owner.containerId} (${owner.ifname}) without a record\n`)
  await removeByName(owner, list, removal)
}

/** Whose record it is. */
export function ownerOf(record: AttachmentRecord | DamagedRecord): Owner {
  return 'owner' in record ? record.owner : recordOwner(record)
}

function passOver({ stderr }: ChainOptions) {
  return ({ msg }: CniError) =>
    stderr(`${msg}; --force: passed over, and what it made may stay\n`)
}

async function orAdvise(containerId: string, remove: () => Promise<void>) {
  try {
    await remove()
  } catch (error) {
    if (!(error instanceof NotStartedError)) throw error
    const cure = `or go on without it: vnet-cni detach --container ${containerId} --force`
    throw new CniError(error.code, `${error.msg}; ${cure}`, error.details)
  }
}
