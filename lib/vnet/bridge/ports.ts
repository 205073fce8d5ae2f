/**
 * The ports of a bridge, and in whose name their pods may send: sets of the bridge's table with one
 * element a pod. Chains of the bridge family see every bridge of the host, and kernels need not know
 * the bridge of a frame by its name (`meta ibrname`): these sets are what makes a frame ours.
 */
import { hostLinkName, ownerOfTag, ownerTag } from '../../cni/spec/owner.js'
import { addressOf } from '../../ip/index.js'
import type { NetNs } from '../../netlink/index.js'
import type { SetDef, SetElement, Transaction } from '../../nft/index.js'
import type { Pod } from '../mode.js'
import { bridgeTable, type TableEndpoint } from './endpoint-map.js'
import type { BridgeNetwork } from './record.js'

function setOf(bridge: string, name: string, ...key: SetDef['key']): SetDef {
  const { family, name: table } = bridgeTable(bridge)
  return { family, table, name, key }
}

/** Names of the bridge's ports: the NIC, and a link for each pod. */
export function portsSet(bridge: string): SetDef {
  return setOf(bridge, 'ports', 'ifname')
}

/** (port, MAC, IPv4 address): in whose name a pod with a spoof guard sends. */
export function sendersSet(bridge: string): SetDef {
  return setOf(bridge, 'senders', 'ifname', 'ether_addr', 'ipv4_addr')
}

/** Ports whose pods send in any name: routers, whose network has `spoofGuard` off. */
export function unguardedSet(bridge: string): SetDef {
  return setOf(bridge, 'unguarded', 'ifname')
}

/** All of these sets. */
export function portSets(bridge: string): SetDef[] {
  return [portsSet, sendersSet, unguardedSet].map((set) => set(bridge))
}

/** A pod's port. */
export interface PodPort {
  /** Name of the host's end of the pod's wire. */
  readonly link: string
  /** Tag of the pod's owner. */
  readonly tag: string
  /** MAC of the pod's interface. */
  readonly mac: string
  /** IPv4 addresses that the pod may send in the name of, without prefix length. */
  readonly addresses: readonly string[]
  /** Whether it may in no other's. */
  readonly guarded: boolean
}

/** Elements, and the set that they are in. */
export interface PortElements {
  readonly set: SetDef
  readonly elements: readonly SetElement[]
}

/** What the table holds of a port. */
export function portElements(bridge: string, port: PodPort): PortElements[] {
  const { link, tag: comment, mac, addresses, guarded } = port
  const here = { set: portsSet(bridge), elements: [{ key: [link], comment }] }
  if (!guarded) {
    return [here, { set: unguardedSet(bridge), elements: [{ key: [link], comment }] }]
  }
  const senders = addresses.map((address) => ({ key: [link, mac, address], comment }))
  return [here, { set: sendersSet(bridge), elements: senders }]
}

/** Adds elements to a transaction. */
export function addPortElements(
  tx: Transaction,
  all: readonly PortElements[],
): Transaction {
  for (const { set, elements } of all) tx.addElements(set, elements)
  return tx
}

/** Adds their deletion to a transaction; ENOENT when one is not there. */
export function deletePortElements(
  tx: Transaction,
  all: readonly PortElements[],
): Transaction {
  for (const { set, elements } of all) {
    tx.deleteElements(
      set,
      elements.map(({ key }) => key),
    )
  }
  return tx
}

/** What the record of a bridge says of the guard. */
export type Guarding = Pick<BridgeNetwork, 'name' | 'unguarded'>

/** Whether pods of a network of the configuration have a spoof guard on a bridge. */
export function isGuarded({ unguarded = [] }: Guarding, network: string): boolean {
  return !unguarded.includes(network)
}

/**
 * The port of a pod. What comes by one interface of a container may be answered by another, in the
 * name of the first: a pod sends in the name of its siblings, and they in its own.
 *
 * @param siblings other interfaces of the container on the bridge
 */
export function portOf(
  record: Guarding,
  { owner, addresses }: Pod,
  siblings: readonly Pod[] = [],
): PodPort {
  const all = [{ addresses }, ...siblings].flatMap((pod) => pod.addresses)
  return {
    link: hostLinkName(owner),
    tag: ownerTag(owner),
    mac: addresses[0]?.mac ?? '',
    addresses: all.map(({ address }) => addressOf(address)),
    guarded: isGuarded(record, owner.network),
  }
}

/** What siblings may send in the name of a pod. */
export function siblingElements(
  record: Guarding,
  { addresses }: Pod,
  siblings: readonly Pod[],
): PortElements[] {
  const elements = siblings
    .filter(({ owner }) => isGuarded(record, owner.network))
    .flatMap(({ owner, addresses: [own] }) =>
      addresses.map(({ address }) => ({
        key: [hostLinkName(owner), own?.mac ?? '', addressOf(address)],
        comment: ownerTag(owner),
      })),
    )
  return elements.length > 0 ? [{ set: sendersSet(record.name), elements }] : []
}

/**
 * The ports of pods, by what is known of them: pods on record and what the bridge's map has beside
 * them, which are ADDs under way.
 *
 * @param links link of each tag whose port the table knows, and whether it sends in any name
 */
export function portsOf(
  record: Guarding,
  recorded: readonly Pod[],
  others: readonly TableEndpoint[],
  links: ReadonlyMap<string, Pick<PodPort, 'link' | 'guarded'>>,
): PodPort[] {
  const tags = [...new Set(others.map(({ tag }) => tag))]
  const coming = tags.flatMap((tag) => {
    const owner = ownerOfTag(tag)
    const addresses = others.filter((one) => one.tag === tag)
    return owner ? [{ owner, addresses }] : []
  })
  const pods = [...recorded, ...coming]
  // The tag of a long name does not tell the owner.
  const unnamed = tags.flatMap((tag) => {
    const known = ownerOfTag(tag) ? undefined : links.get(tag)
    const own = others.filter((one) => one.tag === tag)
    const addresses = own.map(({ address }) => address)
    return known ? [{ ...known, tag, mac: own[0]!.mac, addresses }] : []
  })
  return [...pods.map((pod) => portOf(record, pod, siblingsOf(pods, pod))), ...unnamed]
}

/** What the table of a bridge knows of its ports, by the tag of the owner. */
export function readPorts(
  host: NetNs,
  bridge: string,
): Map<string, Pick<PodPort, 'link' | 'guarded'>> {
  const plan = host.plan()
  const [ports, unguarded] = [portsSet, unguardedSet].map((set) =>
    plan.nftables.elements(set(bridge)),
  )
  const done = plan.runSync()
  const free = new Set(done.of(unguarded!).map(({ key }) => String(key[0])))
  return new Map(
    done.of(ports!).flatMap(({ key, comment }) => {
      const link = String(key[0])
      return comment ? [[comment, { link, guarded: !free.has(link) }]] : []
    }),
  )
}

/** Pods of the same container as an owner, other than it. */
export function siblingsOf(pods: readonly Pod[], { owner }: Pick<Pod, 'owner'>): Pod[] {
  return pods.filter(
    (pod) =>
      pod.owner.containerId === owner.containerId &&
      ownerTag(pod.owner) !== ownerTag(owner),
  )
}
