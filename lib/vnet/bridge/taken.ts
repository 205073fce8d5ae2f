/**
 * Addresses of the host's own that pods may have: cloud-init puts every secondary ip-config on the
 * NIC. They are on record before they go from the host, and come back with the end of the bridge.
 */
import { addressOf } from '../../ip/index.js'
import type { Address, NetNs, Plan } from '../../netlink/index.js'
import type { HostFacts } from '../facts.js'
import { relabel, type HostMove } from './host-move.js'
import type { BridgeNetwork } from './record.js'

/** Writes addresses of the host into the record, in the form that they have on the NIC. */
export function noteTaken(
  record: BridgeNetwork,
  nic: number,
  addresses: readonly Address[],
): void {
  const known = takenOf(record)
  const fresh = addresses.filter(({ address }) => !known.has(addressOf(address)))
  if (fresh.length === 0) return
  const { name, nic: nicName } = record
  const onNic = fresh.map((one) => ({
    ...one,
    link: nic,
    label: relabel(one.label, name, nicName),
  }))
  record.taken = [...(record.taken ?? []), ...onNic]
}

/** Takes addresses out of the record again; answers with those that were in it. */
export function forgetTaken(
  record: BridgeNetwork,
  addresses: readonly string[],
): Address[] {
  const { taken = [] } = record
  const gone = taken.filter(({ address }) => addresses.includes(addressOf(address)))
  record.taken = taken.filter((one) => !gone.includes(one))
  return gone
}

/** The addresses on record, without prefix lengths. */
function takenOf({ taken = [] }: BridgeNetwork): Set<string> {
  return new Set(taken.map(({ address }) => addressOf(address)))
}

/** Less the addresses that are pods' by the record, wherever somebody may have put them again. */
export function withoutTaken<T extends { readonly addresses: readonly Address[] }>(
  from: T,
  record: BridgeNetwork,
): T {
  if (!record.taken) return from
  const taken = takenOf(record)
  const addresses = from.addresses.filter(({ address }) => !taken.has(addressOf(address)))
  return { ...from, addresses }
}

/**
 * What is to be on the NIC at the end of the bridge: what was taken too, in the order from before
 * the move. By it the kernel knows which address is the first of a subnet.
 */
export function withTaken(move: HostMove, record: BridgeNetwork): HostMove {
  const { taken = [] } = record
  if (taken.length === 0) return move
  const known = new Set(move.addresses.map(({ address }) => address))
  const back = taken
    .filter(({ address }) => !known.has(address))
    .map((one) => ({ ...one, link: move.nic.index }))
  const before = record.move.addresses.map(({ address }) => address)
  const rank = ({ address }: Address) =>
    before.includes(address) ? before.indexOf(address) : before.length
  const addresses = [...move.addresses, ...back].toSorted((a, b) => rank(a) - rank(b))
  return { ...move, addresses }
}

/** Adds the steps that take what is on record off the bridge and the NIC. */
export function planTaken(
  plan: Plan,
  host: NetNs,
  facts: HostFacts,
  record: BridgeNetwork,
): void {
  if (!record.taken) return
  const taken = takenOf(record)
  const homes = facts.links.filter(({ name }) => [record.name, record.nic].includes(name))
  for (const { name, index } of homes) {
    const there = facts.addresses.filter(
      ({ link, address }) => link === index && taken.has(addressOf(address)),
    )
    if (there.length === 0) continue
    // With the first address of a subnet the kernel deletes all others of it, unless it is told to
    // put the next one in its place (__inet_del_ifa in net/ipv4/devinet.c).
    const promote = `net/ipv4/conf/${name}/promote_secondaries`
    const reading = host.plan()
    const value = reading.sysctl.get(promote, { optional: true })
    const before = reading.runSync().of(value)
    if (before === '0') plan.sysctl.set(promote, '1', '0')
    for (const address of there) plan.address.delIfExists(address)
    if (before === '0') plan.sysctl.set(promote, '0', '1')
  }
}

/** Adds the steps that give addresses back to the link that the host's own are on. */
export function planGiveBack(
  plan: Plan,
  facts: HostFacts,
  record: BridgeNetwork,
  addresses: readonly Address[],
): void {
  const find = (wanted: string) => facts.links.find(({ name }) => name === wanted)
  const home = find(record.name) ?? find(record.nic)
  if (!home) return
  for (const one of addresses) {
    const label = relabel(one.label, record.nic, home.name)
    plan.address.ensure({ ...one, link: home.index, label })
  }
}
