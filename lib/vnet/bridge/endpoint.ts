/**
 * A pod's attachment to the bridge: what ADD makes and DEL takes away, as steps of a plan.
 */
import { hostLinkName, ownerTag } from '../../cni/spec/owner.js'
import { addressOf, familyOf, macOf } from '../../ip/index.js'
import { ERRNO, type LinkRef, type NetNs, type Plan } from '../../netlink/index.js'
import { Transaction } from '../../nft/index.js'
import { addMasqueradedPod, canMasquerade, removeMasqueradedPod } from '../masquerade.js'
import type { AttachPlan, FoundPod, LeasedAddress, PlannedPod } from '../mode.js'
import {
  bridgeTable,
  endpointsMap,
  HOST_TAG,
  toElement,
  type TableEndpoint,
} from './endpoint-map.js'

/** Adds the steps of ADD: see Mode.planAttach. */
export function planEndpoint(plan: Plan, attach: AttachPlan): PlannedPod {
  const { owner, sandbox, link, mtu, addresses } = attach
  const hostLink = hostLinkName(owner)
  // The interface has one MAC: that of its first address.
  const mac = macOf(addresses[0]!.address)
  const pod = addresses.map(({ address }) => ({ address, mac }))
  planElements(plan, attach, mac)
  const [outer, inner] = plan.link.addVeth(
    { name: hostLink, master: link.index, mtu, up: true },
    { name: owner.ifname, netns: sandbox, mac, mtu },
  )
  // A pod that reaches its own address through a service comes back by its own port.
  plan.bridgePort.set(outer, { hairpin: true })
  for (const { address } of pod) {
    // No flood of ARP for pods, whose MAC is known.
    plan.neighbour.replace({
      link: link.index,
      address: addressOf(address),
      mac,
    })
  }
  planInside(plan, attach, inner)
  return { addresses: pod, hostLink, outer: plan.link.read(hostLink) }
}

function planElements(plan: Plan, attach: AttachPlan, mac: string): void {
  const { owner, network, addresses } = attach
  const map = endpointsMap(network.name)
  const table = bridgeTable(network.name)
  const tag = ownerTag(owner)
  const tx = new Transaction()
  const undo = new Transaction()
  for (const { address } of addresses) {
    const element = toElement({ address: addressOf(address), mac, tag })
    tx.addElements(map, [element], { exclusive: true })
    undo.deleteElements(map, [element.key])
    if (network.masquerade[owner.network] && canMasquerade(address)) {
      addMasqueradedPod(tx, table, owner.network, { address, tag })
    }
  }
  plan.nftables.commit(tx, { undo })
}

function planInside(
  plan: Plan,
  { sandbox, addresses, routes = [] }: AttachPlan,
  link: LinkRef,
): void {
  const inside = plan.in(sandbox)
  for (const { address } of addresses) inside.address.add({ link, address })
  inside.link.set(link, { up: true })
  for (const { gateway } of firstOfEachFamily(addresses)) {
    // A second interface of a container leaves it the first one's default route.
    inside.route.ensure({ to: 'default', via: gateway, link })
  }
  for (const { dst, gw } of routes) inside.route.ensure({ to: dst, via: gw, link })
}

function firstOfEachFamily(addresses: readonly LeasedAddress[]): LeasedAddress[] {
  const family = ({ address }: LeasedAddress) => familyOf(addressOf(address))
  return addresses.filter(
    (one, i) => addresses.findIndex((other) => family(other) === family(one)) === i,
  )
}

/**
 * Adds the steps that make addresses unreachable, each taking what is gone already for done. The
 * veth pair goes by its name.
 */
export function planEndpointRemoval(
  plan: Plan,
  host: NetNs,
  bridge: string,
  addresses: readonly string[],
  masqueraded: boolean,
): void {
  const map = endpointsMap(bridge)
  const done = { accept: [ERRNO.ENOENT] }
  const index = addresses.length > 0 ? indexOf(host, bridge) : undefined
  for (const address of addresses.map(addressOf)) {
    plan.nftables.commit(new Transaction().deleteElements(map, [[address]]), done)
    if (masqueraded) {
      for (const tx of removeMasqueradedPod(bridgeTable(bridge), address)) {
        plan.nftables.commit(tx, done)
      }
    }
    if (index !== undefined) plan.neighbour.delIfExists({ link: index, address })
  }
}

function indexOf(host: NetNs, bridge: string): number | undefined {
  const plan = host.plan()
  const link = plan.link.read(bridge, { optional: true })
  return plan.runSync().of(link)?.index
}

/** The pods in the bridge's map; none when there is no such map. */
export function endpointsInMap(host: NetNs, bridge: string): TableEndpoint[] {
  const plan = host.plan()
  const elements = plan.nftables.elements(endpointsMap(bridge))
  const all = plan.runSync().of(elements)
  return all
    .map(({ key, data, comment = '' }) => ({
      address: String(key[0]),
      mac: String(data?.[0]),
      tag: comment,
    }))
    .filter(({ tag }) => tag !== HOST_TAG)
}

/** The same, as a mode tells of them. */
export function foundPods(host: NetNs, bridge: string): FoundPod[] {
  return endpointsInMap(host, bridge).map((pod) => ({ ...pod, network: bridge }))
}
