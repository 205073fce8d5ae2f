/**
 * Taking away what is left of containers that are gone: of one network, by the list of those that
 * are still valid.
 */
import { networkOfTag, ownerKey, ownerTag, type Owner } from '../cni/spec/owner.js'
import { portBackend } from '../portmap/backend.js'
import { detach, type DetachRequest } from './detach.js'
import type { Engine } from './engine.js'
import { tagsOfPods } from './networks.js'
import { removePorts } from './ports.js'
import type { NodeState } from './records.js'
import { otherCallAt, recordOf } from './state.js'

/** What a door asks for. */
export interface GcRequest {
  /** Name of the network; attachments of others are not looked at. */
  readonly network: string
  /** The network's attachments that are valid. */
  readonly valid: readonly Pick<Owner, 'containerId' | 'ifname'>[]
  /** Owners that have a lease, whatever their network. */
  leaseholders(): readonly Owner[]
  /** See DetachRequest. */
  leases: DetachRequest['leases']
}

/** What came of it. */
export interface Collected {
  /** Owners who are gone for good now. */
  readonly removed: readonly Owner[]
  /** Those of whom something stays, each with the reason. */
  readonly failures: readonly { readonly owner: Owner; readonly error: unknown }[]
}

/**
 * Detaches all attachments of a network that are not valid: records, leases, what the kernel has of
 * them, host ports. One that another call is adding, or cleaning up after, is left to it. Goes on
 * after a failure. Repeats safely.
 *
 * @throws NetlinkError, SyscallError, StateError when it cannot be found out what there is
 */
export async function gc(engine: Engine, request: GcRequest): Promise<Collected> {
  const { network, valid, leases } = request
  const state = engine.store.read()
  const keys = new Set(valid.map((one) => ownerKey({ ...one, network })))
  const removed: Owner[] = []
  const failures: { owner: Owner; error: unknown }[] = []
  for (const { owner, hasPorts } of await ownersOf(engine, state, request)) {
    if (keys.has(ownerKey(owner))) continue
    if (otherCallAt(engine.host, recordOf(state, owner))) continue
    try {
      if (hasPorts) await removePorts(engine, owner)
      await detach(engine, { owner, networks: [], leases })
      removed.push(owner)
    } catch (error) {
      failures.push({ owner, error })
    }
  }
  return { removed, failures }
}

/** The network's owners that are on record, have a lease, or that the kernel knows. */
async function ownersOf(
  { kernel }: Engine,
  state: NodeState,
  { network, leaseholders }: GcRequest,
): Promise<{ readonly owner: Owner; readonly hasPorts: boolean }[]> {
  const recorded = Object.values(state.attachments).map(({ owner }) => owner)
  const tags = tagsOfPods(kernel, state)
  const holders = await (await portBackend()).holders(kernel)
  const all = [
    ...recorded,
    ...leaseholders(),
    ...[...tags, ...holders].flatMap((tag) => ownerOf(tag) ?? []),
  ].filter((owner) => owner.network === network)
  const byKey = new Map(all.map((owner) => [ownerKey(owner), owner]))
  return [...byKey.values()].map((owner) => ({
    owner,
    hasPorts: holders.includes(ownerTag(owner)),
  }))
}

// A tag that is too long to be whole tells of no owner; what it is of goes by its record or lease.
function ownerOf(tag: string): Owner | undefined {
  const network = networkOfTag(tag)
  const [, containerId, ifname, ...more] = tag.split('/')
  if (network === undefined || !containerId || !ifname || more.length > 0)
    return undefined
  const owner = { network, containerId, ifname }
  return ownerTag(owner) === tag ? owner : undefined
}
