/**
 * Taking away what is left of containers that are gone: of one network, by the list of those that
 * are still valid.
 */
import { ownerKey, ownerOfTag, ownerTag, type Owner } from '../cni/spec/owner.js'
import { portBackend } from '../portmap/backend.js'
import { detach, type DetachRequest } from './detach.js'
import type { Engine } from './engine.js'
import { tagsOfPods } from './networks.js'
import { removePorts, unmapPorts } from './ports.js'
import type { NodeState } from './records.js'
import { otherCallAt, recordOf } from './state.js'

/** The attachments of a network that stay. */
export interface ValidAttachments {
  /** Name of the network; attachments of others are not looked at. */
  readonly network: string
  /** The network's attachments that are valid. */
  readonly valid: readonly Pick<Owner, 'containerId' | 'ifname'>[]
}

/** What a door asks for. */
export interface GcRequest extends ValidAttachments {
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
  const { leases } = request
  const state = engine.store.read()
  const holders = await holdersOfPorts(engine)
  const withPorts = new Set(holders)
  // A tag that is too long to be whole tells of no owner; what it is of goes by its record or lease.
  const owners = [
    ...Object.values(state.attachments).map(({ owner }) => owner),
    ...request.leaseholders(),
    ...[...tagsOfPods(engine.kernel, state), ...holders].flatMap(
      (tag) => ownerOfTag(tag) ?? [],
    ),
  ]
  return collect(engine, state, owners, request, async (owner) => {
    if (withPorts.has(ownerTag(owner))) await removePorts(engine, owner)
    await detach(engine, { owner, networks: [], leases })
  })
}

/**
 * Gives back the host ports of all attachments of a network that are not valid, and leaves the rest
 * of them. Otherwise as `gc`.
 */
export async function gcPorts(
  engine: Engine,
  request: ValidAttachments,
): Promise<Collected> {
  const state = engine.store.read()
  const recorded = Object.values(state.attachments).flatMap((record) =>
    record.phase === 'ready' && record.ports ? [record.owner] : [],
  )
  const holders = (await holdersOfPorts(engine)).flatMap((tag) => ownerOfTag(tag) ?? [])
  return collect(engine, state, [...recorded, ...holders], request, (owner) =>
    unmapPorts(engine, owner),
  )
}

/** Takes away the owners of a network that are not valid, each once. */
async function collect(
  { host }: Engine,
  state: NodeState,
  owners: readonly Owner[],
  { network, valid }: ValidAttachments,
  take: (owner: Owner) => Promise<void>,
): Promise<Collected> {
  const keys = new Set(valid.map((one) => ownerKey({ ...one, network })))
  const removed: Owner[] = []
  const failures: { owner: Owner; error: unknown }[] = []
  for (const owner of owners) {
    const key = ownerKey(owner)
    if (owner.network !== network || keys.has(key)) continue
    keys.add(key)
    if (otherCallAt(host, recordOf(state, owner))) continue
    try {
      await take(owner)
      removed.push(owner)
    } catch (error) {
      failures.push({ owner, error })
    }
  }
  return { removed, failures }
}

async function holdersOfPorts({ kernel }: Engine): Promise<string[]> {
  return (await portBackend()).holders(kernel)
}
