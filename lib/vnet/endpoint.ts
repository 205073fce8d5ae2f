/**
 * A pod's attachment to the bridge: what ADD makes and DEL takes away, as steps of a plan.
 */
import {
  ERRNO,
  type LinkRef,
  type NetNs,
  type Plan,
  type StepRef,
} from '../netlink/index.js'
import { Transaction, ipv4Bytes } from '../nft/index.js'
import { endpointsMap, HOST_TAG, toElement, type TableEndpoint } from './endpoint-map.js'

/** A pod's end of the wire and the host's. */
export interface Endpoint {
  /** Name of the bridge. */
  readonly bridge: string
  /** Name of the host's end of the veth pair. */
  readonly hostLink: string
  /** Name in the pod. */
  readonly ifname: string
  /** With prefix length. */
  readonly address: string
  /** Of the pod's end. */
  readonly mac: string
  /** Of the owner. */
  readonly tag: string
}

/** What ADD needs to know beside the endpoint. */
export interface EndpointRoom {
  readonly pod: NetNs
  /** Index of the bridge. */
  readonly bridgeIndex: number
  readonly mtu: number
  readonly gateway: string
}

/** The address without its prefix length. */
export function bare(address: string): string {
  return address.split('/')[0] as string
}

/**
 * A locally administered MAC that is the same for the same address, so that whoever has it in a
 * neighbour table still reaches the next pod with that address.
 */
export function podMac(address: string): string {
  const bytes = [0x0a, 0x58, ...ipv4Bytes(bare(address))]
  return bytes.map((b) => b.toString(16).padStart(2, '0')).join(':')
}

/** The first step, the map element: EEXIST says that another endpoint has the address. */
export const MAP_OP = 'nft.batch'

/** Adds the steps of ADD; answers with the references to both ends. */
export function planEndpoint(
  plan: Plan,
  endpoint: Endpoint,
  room: EndpointRoom,
): { outer: LinkRef; outerLink: StepRef<{ mac: string } | undefined> } {
  const address = bare(endpoint.address)
  const map = endpointsMap(endpoint.bridge)
  const element = toElement({ address, mac: endpoint.mac, tag: endpoint.tag })
  plan.nftables.commit(
    new Transaction().addElements(map, [element], { exclusive: true }),
    {
      undo: new Transaction().deleteElements(map, [[address]]),
    },
  )
  const [outer, inner] = plan.link.addVeth(
    { name: endpoint.hostLink, master: room.bridgeIndex, mtu: room.mtu, up: true },
    { name: endpoint.ifname, netns: room.pod, mac: endpoint.mac, mtu: room.mtu },
  )
  // A pod that reaches its own address through a service comes back by its own port.
  plan.bridgePort.set(outer, { hairpin: true })
  // No flood of ARP for pods, whose MAC is known.
  plan.neighbour.replace({ link: room.bridgeIndex, address, mac: endpoint.mac })
  const inside = plan.in(room.pod)
  inside.address.add({ link: inner, address: endpoint.address })
  inside.link.set(inner, { up: true })
  // A second interface of a container leaves it the first one's default route.
  inside.route.ensure({ to: 'default', via: room.gateway, link: inner })
  return { outer, outerLink: plan.link.read(endpoint.hostLink) }
}

/**
 * Adds the steps that make an address unreachable, each taking what is gone already for done. The
 * veth pair goes by its name.
 */
export function planEndpointRemoval(
  plan: Plan,
  endpoint: Pick<Endpoint, 'bridge' | 'address'>,
  bridgeIndex: number | undefined,
): void {
  const address = bare(endpoint.address)
  const map = endpointsMap(endpoint.bridge)
  plan.nftables.commit(new Transaction().deleteElements(map, [[address]]), {
    accept: [ERRNO.ENOENT],
  })
  if (bridgeIndex) plan.neighbour.delIfExists({ link: bridgeIndex, address })
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
