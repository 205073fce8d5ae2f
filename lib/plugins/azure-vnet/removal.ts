/**
 * Taking an endpoint away: for DEL, for an ADD that failed, and for what a dead process left.
 */
import { hostLinkName, ownerKey, ownerTag, type Owner } from '../../cni/owner.js'
import type { NetNs } from '../../netlink/index.js'
import { isAlive, type Store } from '../../state/index.js'
import { endpointsInMap, planEndpointRemoval } from '../../vnet/index.js'
import { dissolveBridge, markLeaving } from './network.js'
import type { EndpointRecord, NodeState } from './state.js'

/** Where an endpoint may be. */
export interface Whereabouts {
  readonly owner: Owner
  /** Bridges to search when there is no record. */
  readonly bridges: readonly string[]
}

/**
 * Takes away what the kernel has of an endpoint. What is gone already counts as done.
 * Throws the first failure after having tried all.
 */
export function removeEndpoint(host: NetNs, state: NodeState, where: Whereabouts): void {
  const { owner } = where
  const record = state.endpoints[ownerKey(owner)]
  const plan = host.plan()
  for (const { bridge, address } of placesOf(host, record, where)) {
    const link = host.plan()
    const found = link.link.read(bridge, { optional: true })
    const index = link.runSync().of(found)?.index
    planEndpointRemoval(plan, { bridge, address }, index)
  }
  plan.link.delIfExists(record?.hostLink ?? hostLinkName(owner))
  const [failure] = plan.runSync({ onFailure: 'continue' }).failures
  if (failure) throw failure
}

// The kernel's map says which addresses are the owner's even when every file is lost.
function placesOf(host: NetNs, record: EndpointRecord | undefined, where: Whereabouts) {
  if (record) return [record]
  const tag = ownerTag(where.owner)
  return where.bridges.flatMap((bridge) =>
    endpointsInMap(host, bridge)
      .filter((endpoint) => endpoint.tag === tag)
      .map(({ address }) => ({ bridge, address })),
  )
}

/** Forgets an endpoint and, when it was the bridge's last, undoes the bridge. */
export function forgetEndpoint(host: NetNs, store: Store<NodeState>, owner: Owner): void {
  const key = ownerKey(owner)
  const leaving = store.update((state) => {
    delete state.endpoints[key]
    return Object.keys(state.bridges).filter((bridge) => markLeaving(host, state, bridge))
  })
  for (const bridge of leaving)
    store.update((state) => dissolveBridge(host, state, bridge))
}

/** Endpoints of a network whose ADD died before it ended. */
export function abandoned(state: NodeState, network: string): EndpointRecord[] {
  return Object.values(state.endpoints).filter(
    (endpoint) =>
      endpoint.phase === 'adding' &&
      endpoint.owner.network === network &&
      !isAlive(endpoint.adder),
  )
}
