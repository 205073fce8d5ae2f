/**
 * Which of the host's own addresses pods may have, for `ipam.hostAddresses` `take`: cloud-init puts
 * every secondary ip-config on the NIC, where hardly anything uses them.
 */
import { addressOf, prefixOf } from '../ip/index.js'
import type { Address, NetNs } from '../netlink/index.js'
import { hostNics, type HostFacts } from './facts.js'

/** The addresses of the host's NICs, or of bridges over them. */
export interface Takeable {
  /** What pods may have, by the address without its prefix length. */
  readonly free: ReadonlyMap<string, Address>
  /** What the host keeps, each with the reason, in words that follow `host address on eth0`. */
  readonly kept: ReadonlyMap<string, string>
}

/**
 * Looks at the sockets of the host, and at which routes leave by which address. The last address
 * that a NIC has in a subnet stays too: without one the host is not in the subnet.
 *
 * @throws NetlinkError
 */
export function takeableAddresses(host: NetNs, facts: HostFacts): Takeable {
  const homes = new Set(hostNics(facts.links).flatMap((nic) => [nic.index, nic.master]))
  const own = facts.addresses.filter(
    ({ link, family, peer }) =>
      homes.has(link) && family === 'ipv4' && peer === undefined,
  )
  const counts = new Map<string, number>()
  for (const one of own) counts.set(placeOf(one), (counts.get(placeOf(one)) ?? 0) + 1)
  const isAlone = (one: Address) => counts.get(placeOf(one)) === 1
  const free = new Map<string, Address>()
  const kept = new Map<string, string>()
  // A host without secondary addresses, or whose own are taken already, is not looked at further.
  const isClear = own.every(isAlone)
  const served = isClear ? new Map<string, string>() : servedAddresses(host)
  const sources = new Set(isClear ? [] : sourcesOf(facts))
  for (const one of own) {
    const address = addressOf(one.address)
    const reason =
      served.get(address) ??
      (sources.has(address) ? 'a route has it as its source' : undefined) ??
      (isAlone(one) ? 'the only one of its subnet there' : undefined)
    if (reason === undefined) free.set(address, one)
    else kept.set(address, reason)
  }
  return { free, kept }
}

function placeOf({ link, address }: Address): string {
  return `${link} ${prefixOf(address)}`
}

// The kernel makes its own routes anew for the addresses that stay.
function sourcesOf({ routes }: HostFacts): (string | undefined)[] {
  return routes
    .filter(({ protocol, table }) => protocol !== 'kernel' && table !== 'local')
    .map(({ source }) => source)
}

/** IPv4 addresses that sockets are bound to, each with one of them. */
function servedAddresses(host: NetNs): Map<string, string> {
  const plan = host.plan()
  const dumps = [
    plan.socket.listeners('tcp'),
    plan.socket.dump('udp', { states: ['close', 'established'] }),
  ]
  const done = plan.runSync()
  const sockets = dumps.flatMap((dump) => done.of(dump))
  const found = new Map<string, string>()
  for (const { local, protocol } of sockets) {
    // A socket of both families has IPv4 addresses in this form.
    const address = local.address.replace(/^::ffff:(?=[\d.]+$)/, '')
    if (found.has(address)) continue
    found.set(address, `a socket listens on it, ${protocol} port ${local.port}`)
  }
  return found
}
