/**
 * A pod's attachment to the bridge: what ADD makes and DEL takes away, as steps of a plan.
 */
import { hostLinkName, ownerTag } from '../../cni/spec/owner.js'
import { addressOf, familyOf, macOf } from '../../ip/index.js'
import {
  ERRNO,
  type Done,
  type LinkRef,
  type NetNs,
  type Plan,
} from '../../netlink/index.js'
import { Transaction } from '../../nft/index.js'
import { planDockerUser } from '../firewall/docker.js'
import { planPrint } from '../firewall/findings.js'
import { addMasqueradedPod, canMasquerade, removeMasqueradedPod } from '../masquerade.js'
import type {
  AttachPlan,
  DetachPlan,
  FoundPod,
  LeasedAddress,
  PlannedPod,
  Pod,
} from '../mode.js'
import {
  bridgeTable,
  endpointsMap,
  HOST_TAG,
  toElement,
  type TableEndpoint,
} from './endpoint-map.js'
import {
  addPortElements,
  deletePortElements,
  portElements,
  portOf,
  siblingElements,
  type Guarding,
  type PortElements,
} from './ports.js'
import { planPodRoute, planPodRouteRemoval } from './pod-route.js'
import { planAcceptRa } from './router-advice.js'

/** Adds the steps of ADD: see Mode.planAttach. */
export function planEndpoint(plan: Plan, attach: AttachPlan): PlannedPod {
  const { owner, sandbox, network, link, mtu, addresses } = attach
  const hostLink = hostLinkName(owner)
  // The interface has one MAC: that of its first address.
  const mac = macOf(addresses[0]!.address)
  const pod = addresses.map(({ address }) => ({ address, mac }))
  planElements(plan, attach, { owner, addresses: pod })
  const [outer, inner] = plan.link.addVeth(
    { name: hostLink, master: link.index, mtu, up: true },
    { name: owner.ifname, netns: sandbox, mac, mtu },
  )
  // A pod that reaches its own address through a service comes back by its own port.
  plan.bridgePort.set(outer, { hairpin: true })
  planAcceptRa(plan, hostLink)
  for (const { address } of pod) {
    // No flood of ARP for pods, whose MAC is known.
    plan.neighbour.replace({
      link: link.index,
      address: addressOf(address),
      mac,
    })
    planPodRoute(plan, attach.network, link.index, address)
  }
  planInside(plan, attach, inner)
  const docker = planDockerUser(plan)
  const firewall = planPrint(plan)
  const isCutOff = (done: Done) => {
    const found = docker(done)
    return found.exists && found.handles(network.name).length === 0
  }
  return { addresses: pod, hostLink, outer: plan.link.read(hostLink), isCutOff, firewall }
}

function planElements(plan: Plan, { network, siblings }: AttachPlan, pod: Pod): void {
  const { owner, addresses } = pod
  const map = endpointsMap(network.name)
  const table = bridgeTable(network.name)
  const tag = ownerTag(owner)
  const tx = new Transaction()
  const undo = new Transaction()
  for (const { address, mac } of addresses) {
    const element = toElement({ address: addressOf(address), mac, tag })
    tx.addElements(map, [element], { exclusive: true })
    undo.deleteElements(map, [element.key])
    if (network.masquerade[owner.network] && canMasquerade(address)) {
      addMasqueradedPod(tx, table, owner.network, { address, tag })
    }
  }
  const port = portElementsOf(network, pod, siblings)
  deletePortElements(undo, port)
  plan.nftables.commit(addPortElements(tx, port), { undo })
}

function portElementsOf(
  network: Guarding,
  pod: Pod,
  siblings: readonly Pod[],
): PortElements[] {
  return [
    ...portElements(network.name, portOf(network, pod, siblings)),
    ...siblingElements(network, pod, siblings),
  ]
}

function planInside(plan: Plan, attach: AttachPlan, link: LinkRef): void {
  const { owner, sandbox, addresses, routes = [] } = attach
  const inside = plan.in(sandbox)
  planAcceptRa(inside, owner.ifname)
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
export function planEndpointRemoval(plan: Plan, host: NetNs, detach: DetachPlan): void {
  const { network: bridge, addresses, masqueraded } = detach
  const map = endpointsMap(bridge)
  const done = { accept: [ERRNO.ENOENT] }
  planPortRemoval(plan, detach)
  const index = addresses.length > 0 ? indexOf(host, bridge) : undefined
  for (const address of addresses.map((one) => addressOf(one.address))) {
    plan.nftables.commit(new Transaction().deleteElements(map, [[address]]), done)
    if (masqueraded) {
      for (const tx of removeMasqueradedPod(bridgeTable(bridge), address)) {
        plan.nftables.commit(tx, done)
      }
    }
    if (index === undefined) continue
    plan.neighbour.delIfExists({ link: index, address })
    planPodRouteRemoval(plan, detach.record, index, address)
  }
}

// A transaction is all or nothing, and some may be missing: one for each element.
function planPortRemoval(plan: Plan, detach: DetachPlan): void {
  const { network: name, record, owner, addresses, siblings } = detach
  // Without an owner the table goes as a whole.
  if (!owner || addresses.length === 0) return
  const pod = { owner, addresses }
  // Nobody knows how the pod was guarded when the record is lost.
  const known = record ? [record] : [{ name }, { name, unguarded: [owner.network] }]
  const all = known.flatMap((network) => portElementsOf(network, pod, siblings))
  for (const { set, elements } of all) {
    for (const { key } of elements) {
      const tx = new Transaction().deleteElements(set, [key])
      plan.nftables.commit(tx, { accept: [ERRNO.ENOENT] })
    }
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
