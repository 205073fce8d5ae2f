/**
 * Addresses that somebody other than us uses on this host: they must not be given to a pod.
 */
import type { Host } from '../host/host.js'
import { hostPart, widthOf, type Family } from '../ip/index.js'
import type { Address, Link, Neighbour, NetNs, Route } from '../netlink/index.js'
import { readAzureAddresses } from '../state/azure-state.js'

/** Where to look. */
export interface InUseFacts {
  /** Those that the other facts name by index. */
  readonly links: readonly Pick<Link, 'index' | 'name'>[]
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly Neighbour[]
  /** Addresses that state files of others name, each with the reason. */
  readonly recorded: ReadonlyMap<string, string>
}

/**
 * The MAC by which Azure's network answers for every address that is not on the asking machine, and
 * for this machine's own secondary addresses too: a neighbour with it is no sign of a pod.
 */
const FABRIC_MAC = '12:34:56:78:9a:bc'

/** States of an entry that has been answered for: NUD_VALID in net/neighbour.h. */
const VALID = new Set<unknown>([
  'permanent',
  'noArp',
  'reachable',
  'stale',
  'delay',
  'probe',
])

/** Routes that the kernel makes for the host's own addresses. */
const OWN_ROUTES = new Set<unknown>(['local', 'broadcast', 'anycast', 'multicast'])

/**
 * Addresses in use, in canonical form (the kernel's addresses are in it), each with the reason: an
 * address of the host, an entry in somebody's state file, a route to it alone, a neighbour.
 *
 * @param ours addresses that our own records hold: what there is about them is our own work
 */
export function addressesInUse(
  facts: InUseFacts,
  ours: ReadonlySet<string> = new Set(),
): Map<string, string> {
  const names = new Map(facts.links.map(({ index, name }) => [index, name]))
  const on = (link: number | undefined) =>
    link === undefined ? '' : ` on ${names.get(link) ?? `interface ${link}`}`
  const found = new Map<string, string>()
  const add = (address: string, reason: string) => {
    if (!ours.has(address) && !found.has(address)) found.set(address, reason)
  }
  for (const { address, peer, link } of facts.addresses) {
    add(hostPart(address), `${HOST_ADDRESS}${on(link)}`)
    if (peer !== undefined) add(hostPart(peer), `other end of a link${on(link)}`)
  }
  for (const [address, reason] of facts.recorded) add(address, reason)
  for (const route of facts.routes) {
    const address = hostRouteTo(route)
    if (address !== undefined) add(address, `host route${on(route.link)}`)
  }
  for (const { address, mac, state, link } of facts.neighbours) {
    if (VALID.has(state) && mac !== FABRIC_MAC) add(address, `neighbour entry${on(link)}`)
  }
  return found
}

function hostRouteTo({ to, type, family }: Route): string | undefined {
  const isToOne = family !== undefined && to.endsWith(`/${widthOf(family)}`)
  return isToOne && !OWN_ROUTES.has(type) ? hostPart(to) : undefined
}

const HOST_ADDRESS = 'host address'

/** The host's own addresses, in canonical form, each with the link that has it as the reason. */
export function hostAddresses(
  facts: Pick<InUseFacts, 'links' | 'addresses'>,
): Map<string, string> {
  return addressesInUse({ ...facts, routes: [], neighbours: [], recorded: new Map() })
}

/** Where a host of Azure has addresses from that pods could have, and how to end it. */
export const CLOUD_INIT =
  'cloud-init puts them there unless "apply_network_config_for_secondary_ips: false" stands ' +
  'under "datasource: Azure:" in /etc/cloud/cloud.cfg.d'

/** What helps where addresses are in use for these reasons. */
export function cureOfUse(reasons: readonly string[]): string {
  return reasons.some((reason) => reason.startsWith(HOST_ADDRESS))
    ? `take the addresses off the host (${CLOUD_INIT}), or let pods have them with ` +
        '"ipam": {"hostAddresses": "take"}'
    : 'take those addresses out of use there'
}

/** What the reading of the facts needs beside the host. */
export interface InUseOptions {
  /** Addresses that our own records hold, in canonical form. */
  readonly ours?: ReadonlySet<string>
  /** Gets a sentence for the log about a state file that cannot be used. */
  readonly warn: (message: string) => void
  /** Families of the addresses in question; both when absent. */
  readonly families?: readonly Family[]
  /** What is known already; the kernel is asked when absent. */
  readonly known?: Pick<InUseFacts, 'links' | 'addresses'>
}

/**
 * Looks at the host and at the state files of Azure's plug-ins. It takes two native calls, one where
 * links and addresses are known, whose cost does not grow with the number of our own pods' links.
 * Throws NetlinkError, SyscallError.
 */
export function readAddressesInUse(
  host: Pick<Host, 'current' | 'azureDir'>,
  { ours = new Set(), warn, families = ['ipv4', 'ipv6'], known }: InUseOptions,
): Map<string, string> {
  const netns = host.current()
  const plan = netns.plan()
  const [only] = families.length === 1 ? families : []
  const addresses = known ? undefined : plan.address.dump()
  const neighbours = plan.neighbour.dump({ family: only })
  const dumps = families.map((family) => plan.route.dump({ family }))
  const done = plan.runSync()
  const facts = {
    addresses: addresses ? done.of(addresses) : known!.addresses,
    routes: dumps.flatMap((dump) =>
      done.of(dump).filter((r) => hostRouteTo(r) !== undefined),
    ),
    neighbours: done.of(neighbours).filter(({ address }) => !ours.has(address)),
  }
  const recorded = readAzureAddresses(host.azureDir, warn)
  return addressesInUse(
    { ...facts, recorded, links: known?.links ?? linksOf(netns, facts) },
    ours,
  )
}

// Few links have an address or a foreign neighbour; a node may have a link for each pod.
function linksOf(
  netns: NetNs,
  { addresses, routes, neighbours }: Omit<InUseFacts, 'links' | 'recorded'>,
): Link[] {
  const all = [...addresses, ...routes, ...neighbours].map(({ link }) => link)
  const indices = new Set(all.filter((link) => link !== undefined))
  const plan = netns.plan()
  const refs = [...indices].map((index) => plan.link.read(index, { optional: true }))
  const done = plan.runSync()
  return refs.flatMap((ref) => done.of(ref) ?? [])
}

/**
 * Takes what the host has learned about addresses of pods that are gone out of its neighbour table:
 * the kernel keeps such entries for as long as there are few, and they would look like pods. Static
 * entries stay: who made one takes it away. Throws NetlinkError, SyscallError.
 */
export function forgetNeighbours(netns: NetNs, addresses: readonly string[]): void {
  const plan = netns.plan()
  const dump = plan.neighbour.dump()
  const learned = plan
    .runSync()
    .of(dump)
    .filter(({ address, state }) => addresses.includes(address) && state !== 'permanent')
  if (learned.length === 0) return
  const removal = netns.plan()
  for (const { link, address } of learned)
    removal.neighbour.delIfExists({ link, address })
  removal.runSync()
}
