/**
 * What the host's network looks like, read in one native call.
 */
import type { Address, Done, Link, NetNs, Plan, Route } from '../netlink/index.js'
import type { TableRef } from '../nft/index.js'
import { bridgeTable } from './bridge/endpoint-map.js'
import { MASQUERADE_TABLE } from './table-names.js'

/** The host's links, addresses and routes at one moment. */
export interface HostFacts {
  readonly links: readonly Link[]
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
}

/** Name of the switch that says whether a link checks its IPv6 addresses for duplicates. */
export function acceptDad(link: string): string {
  return `net/ipv6/conf/${link}/accept_dad`
}

/** Reads the facts of a namespace. Throws NetlinkError, SyscallError. */
export function readFacts(host: NetNs): HostFacts {
  const plan = host.plan()
  const facts = planFacts(plan)
  return facts(plan.runSync())
}

/** Adds the steps that read the facts; the function takes them out of what the plan did. */
export function planFacts(plan: Plan): (done: Done) => HostFacts {
  const links = plan.link.dump()
  const addresses = plan.address.dump()
  const v4 = plan.route.dump({ family: 'ipv4' })
  const v6 = plan.route.dump({ family: 'ipv6' })
  return (done) => ({
    links: done.of(links),
    addresses: done.of(addresses),
    routes: [...done.of(v4), ...done.of(v6)],
  })
}

/** A bridge that is known to stand over a NIC, both by name. */
export interface KnownBridge {
  readonly bridge: string
  readonly nic: string
}

/** The facts that an ADD looks at. */
export interface NearFacts extends HostFacts {
  /** Whether an nft table is there: that of a known bridge, or the node's. */
  hasTable(table: TableRef): boolean
}

/** What is read in one native call; of tables, the names of those that are there. */
type Near = Omit<HostFacts, 'routes'> & { readonly tables: ReadonlySet<string> }

/**
 * The host's facts, read when they are first asked for, less the ports of known bridges but for
 * their NICs: the number of pods should not make an ADD slower.
 *
 * @param nic name of one more NIC to look for, which may be a port too
 */
export function lazyFacts(
  host: NetNs,
  known: readonly KnownBridge[],
  nic?: string,
): NearFacts {
  let near: Near | undefined
  let routes: readonly Route[] | undefined
  const read = () => (near ??= readNear(host, known, nic))
  return {
    get links() {
      return read().links
    },
    get addresses() {
      return read().addresses
    },
    get routes() {
      return (routes ??= readFacts(host).routes)
    },
    hasTable: ({ name }) => read().tables.has(name),
  }
}

function readNear(host: NetNs, known: readonly KnownBridge[], more?: string): Near {
  const plan = host.plan()
  const alone = plan.link.dump({ master: null })
  const names = new Set([...known.map(({ nic }) => nic), ...(more ? [more] : [])])
  const nics = [...names].map((nic) => plan.link.read(nic, { optional: true }))
  const addresses = plan.address.dump()
  // The first pod of a node has no use for tables.
  const wanted =
    known.length > 0
      ? [...known.map(({ bridge }) => bridgeTable(bridge)), MASQUERADE_TABLE]
      : []
  const found = wanted.map((table) => plan.nftables.tableExists(table))
  const done = plan.runSync()
  const here = wanted.filter((_, i) => done.of(found[i]!))
  const tables = new Set(here.map(({ name }) => name))
  const links = done.of(alone)
  const isKnown = (link: Link) => known.some(({ bridge }) => bridge === link.name)
  // A NIC may be beneath a bridge that is not known. And kernels before 5.16 list nothing.
  // A NIC that is known may have another name now.
  const lost = known.some(({ nic }) => !nics.some((ref) => done.of(ref)?.name === nic))
  const unsure = lost || links.some((link) => link.kind === 'bridge' && !isKnown(link))
  if (unsure || links.length === 0) return { ...readFacts(host), tables }
  const ports = nics.flatMap((ref) => done.of(ref) ?? []).filter((nic) => nic.master)
  return { links: [...links, ...ports], addresses: done.of(addresses), tables }
}

/** Kinds of links that people make on top of one of their MAC. */
const UPPER = /^(vlan|macvlan|macvtap|ipvlan|ipvtap)$/

/**
 * The link that stands for the NIC among those with its MAC. A bridge made for the NIC has the
 * same one, and so has the virtual function that Azure's accelerated networking puts beneath it;
 * the latter is enslaved to the NIC, or not yet. What somebody made on top of the NIC (a macvlan, a
 * VLAN) may have it too. Then the NIC is the one beneath a bridge, or with addresses.
 */
export function nicByMac(
  links: readonly Link[],
  mac: string,
  addresses: readonly Pick<Address, 'link'>[] = [],
): Link | undefined {
  const same = links.filter(
    (link) => link.mac === mac.toLowerCase() && link.kind !== 'bridge',
  )
  const indices = new Set(same.map(({ index }) => index))
  const below = same.filter(
    ({ master, link, kind = '' }) =>
      !(master && indices.has(master)) && !(UPPER.test(kind) && indices.has(link!)),
  )
  const isBridged = ({ master }: Link) =>
    links.some(({ index, kind }) => index === master && kind === 'bridge')
  const isUsed = ({ index }: Link) => addresses.some(({ link }) => link === index)
  return below.find(isBridged) ?? below.find(isUsed) ?? below[0]
}

/** The links that can be NICs: no loopback, no bridge, no pod's veth, no virtual function. */
export function hostNics(
  links: readonly Link[],
  addresses: readonly Pick<Address, 'link'>[] = [],
): Link[] {
  return links.filter(
    (link) =>
      link.mac !== '' &&
      link.mac !== '00:00:00:00:00:00' &&
      !link.name.startsWith('azv') &&
      nicByMac(links, link.mac, addresses) === link,
  )
}

/** A NIC of the host with its addresses, as address management looks for its pools. */
export interface NicAddresses {
  readonly name: string
  readonly index: number
  readonly mac: string
  /** With prefix length. */
  readonly addresses: readonly string[]
}

/** The host's NICs with their addresses, those of a bridge over the NIC included. */
export function nicsWithAddresses(facts: Omit<HostFacts, 'routes'>): NicAddresses[] {
  return hostNics(facts.links, facts.addresses).map((nic) => ({
    name: nic.name,
    index: nic.index,
    mac: nic.mac,
    addresses: facts.addresses
      .filter((address) => address.link === nic.index || address.link === nic.master)
      .map((address) => address.address),
  }))
}

/** Reads the host's NICs. Throws NetlinkError, SyscallError. */
export function readNics(host: NetNs): NicAddresses[] {
  const plan = host.plan()
  const links = plan.link.dump()
  const addresses = plan.address.dump()
  const done = plan.runSync()
  return nicsWithAddresses({ links: done.of(links), addresses: done.of(addresses) })
}

/**
 * The primary interface: the one that the default route leaves by, or whose bridge it does;
 * undefined on a host without a default route.
 */
export function primaryNic(facts: HostFacts): Link | undefined {
  // Other tables serve policy routing: their metrics do not compare.
  const defaults = facts.routes.filter(
    (r) =>
      r.family === 'ipv4' &&
      r.to === 'default' &&
      r.table === 'main' &&
      r.type === 'unicast' &&
      r.link,
  )
  const best = defaults.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))[0]
  const link = facts.links.find((candidate) => candidate.index === best?.link)
  return link?.kind === 'bridge' ? nicByMac(facts.links, link.mac, facts.addresses) : link
}
