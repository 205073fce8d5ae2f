/**
 * Taking an endpoint away: for DEL, for an ADD that failed, and for what a dead process left.
 */
import {
  hostLinkName,
  ownerKey,
  ownerTag,
  sameOwner,
  type Owner,
} from '../../cni/owner.js'
import type { PluginCall } from '../../cni/plugin.js'
import type { NetNs } from '../../netlink/index.js'
import { isAlive, type Store } from '../../state/index.js'
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
  const plan = host.plan()
  for (const { bridge, address } of placesOf(host, state, owner, bridges)) {
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
export function forgetEndpoint(
  host: NetNs,
  store: Store<NodeState>,
  owner: Owner,
): NodeState {
  const key = ownerKey(owner)
  const [rest, leaving] = store.update((state) => {
    delete state.endpoints[key]
    const bridges = Object.keys(state.bridges)
    return [state, bridges.filter((bridge) => markLeaving(host, state, bridge))] as const
  })
  for (const bridge of leaving)
    store.update((state) => dissolveBridge(host, state, bridge))
  return rest
}

/** What cleaning up works with. */
export interface Broom {
  readonly call: PluginCall
  readonly host: NetNs
  readonly store: Store<NodeState>
  readonly addresses: Addresses
}

/**
 * Cleans up what ADDs of this network left that died before they ended, and the endpoints of the
 * given owners: an address left behind may be the last one free.
 *
 * @param state what the store said a moment ago
 */
export async function mend(
  { call, host, store, addresses }: Broom,
  state: NodeState,
  owners: readonly Owner[] = [],
): Promise<void> {
  for (const owner of [...owners, ...abandoned(state, call.owner)]) {
    call.log.warn('cleaning up an endpoint that is left over', { owner })
    try {
      removeEndpoint(host, state, owner, [])
      await addresses.release(owner)
      forgetEndpoint(host, store, owner)
    } catch (error) {
      // It must not keep another pod from its network; the next call tries again.
      call.log.error('cleaning up failed', { owner, error: String(error) })
    }
  }
}

// Owners in the caller's network, other than the caller, whose ADD died before it ended.
function abandoned(state: NodeState, caller: Owner): Owner[] {
  return Object.values(state.endpoints)
    .filter(({ owner }) => owner.network === caller.network && !sameOwner(owner, caller))
    .filter((record) => record.phase === 'adding' && !isAlive(record.adder))
    .map((record) => record.owner)
}
