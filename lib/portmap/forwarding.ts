/**
 * Whether packets that come for a host port may leave again for the container: a link whose
 * forwarding is off lets nothing through that it received.
 */
import type { NetNs } from '../netlink/netns.js'
import { addressOf } from '../ip/index.js'
import type { Mapping } from './mapping.js'

const OFF = '0'

/**
 * Names of links that have an address which the mappings are for, and forward nothing.
 *
 * @throws NetlinkError, SyscallError
 */
export function linksWithoutForwarding(
  host: NetNs,
  mappings: readonly Mapping[],
): string[] {
  const first = host.plan()
  const everywhere = first.sysctl.get('net/ipv4/ip_forward', { optional: true })
  // Where it is on, it is on for all links that nobody took out.
  if (first.runSync().of(everywhere) !== OFF) return []
  const plan = host.plan()
  const addresses = plan.address.dump({ family: 'ipv4' })
  const own = plan.runSync().of(addresses)
  const isMeant = (address: string) =>
    !address.startsWith('127.') &&
    mappings.some(({ hostAddress = address }) => hostAddress === address)
  const meant = own.filter(({ address }) => isMeant(addressOf(address)))
  const names = linkNames(host, new Set(meant.map(({ link }) => link)))
  const reading = host.plan()
  const switches = names.map((name) =>
    reading.sysctl.get(`net/ipv4/conf/${name}/forwarding`, { optional: true }),
  )
  const done = reading.runSync()
  return names.filter((_, i) => done.of(switches[i]!) === OFF)
}

function linkNames(host: NetNs, indices: ReadonlySet<number>): string[] {
  const plan = host.plan()
  const links = [...indices].map((index) => plan.link.read(index, { optional: true }))
  const done = plan.runSync()
  return links.flatMap((link) => done.of(link)?.name ?? [])
}
