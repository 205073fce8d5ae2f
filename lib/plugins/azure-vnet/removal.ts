/**
 * Taking an endpoint away: for DEL, for an ADD that failed, and for what a dead process left.
 */
import {
  hostLinkName,
  ownerKey,
  ownerTag,
  sameOwner,
  type Owner,
} from '../../cni/spec/owner.js'
import type { PluginCall } from '../../cni/plugin/plugin.js'
import type { NetNs } from '../../netlink/index.js'
import type { Host } from '../../host/host.js'
import type { Store } from '../../state/index.js'
import { endpointsInMap, planEndpointRemoval } from '../../vnet/index.js'
import type { Addresses } from './addresses.js'
import { dissolveBridge, markLeaving } from './network.js'
import type { NodeState } from './state.js'

/**
 * Takes away what the kernel has of an endpoint. What is gone already counts as done.
 * Throws the first failure after having tried all.
 *
 * @param bridges where to look when there is no record
 */
export function removeEndpoint(
  host: NetNs,
  state: NodeState,
  owner: Owner,
  bridges: readonly string[],
): void {
  removePlaces(host, owner, placesOf(host, state, owner, bridges))
}

function removePlaces(host: NetNs, owner: Owner, places: ReturnType<typeof placesOf>) {
  const plan = host.plan()
  for (const { bridge, address } of places) {
    planEndpointRemoval(plan, { bridge, address }, indexOf(host, bridge))
  }
  plan.link.delIfExists(hostLinkName(owner))
  const [failure] = plan.runSync({ onFailure: 'continue' }).failures
  if (failure) throw failure
}

function indexOf(host: NetNs, bridge: string): number | undefined {
  const plan = host.plan()
  const link = plan.link.read(bridge, { optional: true })
  return plan.runSync().of(link)?.index
}

// Without a finished record, the kernel's map says which addresses are the owner's.
function placesOf(
  host: NetNs,
  state: NodeState,
  owner: Owner,
  bridges: readonly string[],
) {
  const record = state.endpoints[ownerKey(owner)]
  if (record?.phase === 'ready') return [record]
  const tag = ownerTag(owner)
  const known = new Set([...Object.keys(state.bridges), ...bridges])
  return [...known].flatMap((bridge) =>
    endpointsInMap(host, bridge)
      .filter((endpoint) => endpoint.tag === tag)
      .map(({ address }) => ({ bridge, address })),
  )
}

/**
 * Forgets an endpoint and, when it was the bridge's last, undoes the bridge. Answers with what is
 * remembered then.
 */
export async function forgetEndpoint(
  host: NetNs,
  store: Store<NodeState>,
  owner: Owner,
): Promise<NodeState> {
  const rest = await store.update((state) => {
    delete state.endpoints[ownerKey(owner)]
    return markEmpty(host, state)
  })
  await dissolve(host, store, rest)
  return rest
}

// Bridges without pods are written down as leaving before anything is done to them.
function markEmpty(host: NetNs, state: NodeState): NodeState {
  for (const bridge of Object.keys(state.bridges)) markLeaving(host, state, bridge)
  return state
}

async function dissolve(
  host: NetNs,
  store: Store<NodeState>,
  { bridges }: NodeState,
): Promise<void> {
  for (const { bridge, phase } of Object.values(bridges)) {
    if (phase !== 'leaving') continue
    await store.update((state) => dissolveBridge(host, state, bridge))
  }
}

/** What cleaning up works with. */
export interface Broom {
  readonly call: PluginCall
  readonly host: NetNs
  readonly store: Store<NodeState>
  readonly addresses: Addresses
}

/**
 * Cleans up what ADDs of other pods of this network left that died before they ended: an address
 * left behind may be the last one free.
 *
 * @param state what the store said a moment ago; the store has the last word
 */
export async function mend(broom: Broom, state: NodeState): Promise<void> {
  const { owner: caller } = broom.call
  for (const { owner } of Object.values(state.endpoints)) {
    const isOther = owner.network === caller.network && !sameOwner(owner, caller)
    if (!isOther || !isAbandoned(broom.call.host, state, owner)) continue
    await sweep(broom, owner, isAbandoned)
  }
}

/** Cleans up what is on record of the caller's own container, whose interface is gone. */
export function sweepOwn(broom: Broom): Promise<void> {
  return sweep(
    broom,
    broom.call.owner,
    (host, state, owner) =>
      state.endpoints[ownerKey(owner)]?.phase === 'ready' ||
      isAbandoned(host, state, owner),
  )
}

// The record is claimed under the lock: an ADD that seemed dead may have ended well between the
// reading of its record and the look at its process. While it is claimed, an ADD of the same owner
// is told to try again, so that what is taken away here is never a new one's.
async function sweep(
  { call, host, store, addresses }: Broom,
  owner: Owner,
  isDue: (host: Host, state: NodeState, owner: Owner) => boolean,
): Promise<void> {
  try {
    const bridges = await store.update((state) => {
      if (!isDue(call.host, state, owner)) return undefined
      const places = placesOf(host, state, owner, [])
      state.endpoints[ownerKey(owner)] = {
        phase: 'adding',
        owner,
        adder: call.host.self,
      }
      return places
    })
    if (!bridges) return
    call.log.warn('cleaning up an endpoint that is left over', { owner })
    removePlaces(host, owner, bridges)
    await addresses.release(owner)
    await forgetEndpoint(host, store, owner)
  } catch (error) {
    // It must not keep another pod from its network; the next call tries again.
    call.log.error('cleaning up failed', { owner, error: String(error) })
  }
}

/** Whether the ADD of the owner died before it ended. */
export function isAbandoned(host: Host, { endpoints }: NodeState, owner: Owner): boolean {
  const record = endpoints[ownerKey(owner)]
  return record?.phase === 'adding' && !host.isRunning(record.adder)
}
