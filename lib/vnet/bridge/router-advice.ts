/**
 * Whether a link believes router advertisements. What we make does not: who is on the bridge could
 * tell host and pods which way to go. Only a host that has its IPv6 from advertisements goes on so.
 */
import { ERRNO, type Link, type NetNs, type Plan } from '../../netlink/index.js'
import type { HostFacts } from '../facts.js'

const acceptRa = (link: string) => `net/ipv6/conf/${link}/accept_ra`

/** Plans it; nothing is done on a host without IPv6. */
export function planAcceptRa(plan: Pick<Plan, 'raw'>, link: string, value = '0'): void {
  const args = { name: acceptRa(link), value }
  plan.raw('sysctl.set', args, { accept: [ERRNO.ENOENT] })
}

/** What the bridge over a NIC is to do: `0`, or as the NIC where the host depends on it. */
export function acceptRaOver(
  host: NetNs,
  { routes, links }: HostFacts,
  nic: Link,
  bridge: string,
): string {
  const over = links.find(({ name }) => name === bridge)
  const depends = routes.some(
    ({ family, protocol, link }) =>
      family === 'ipv6' &&
      protocol === 'ra' &&
      (link === nic.index || (over && link === over.index)),
  )
  if (!depends) return '0'
  const plan = host.plan()
  const value = plan.sysctl.get(acceptRa(nic.name), { optional: true })
  return plan.runSync().of(value) || '0'
}
