/**
 * The host's way to a pod where no prefix of its own tells it: a host whose address stands alone
 * (10.0.0.4/32, and a gateway that is on the link all the same) would ask the gateway.
 */
import { addressOf, hostPrefix, parsePrefix } from '../../ip/index.js'
import { IFA_F, type LinkLike, type Plan } from '../../netlink/index.js'
import { hasGateway, type HostMove } from './host-move.js'

function isOnLink({ addresses, routes }: HostMove, address: string): boolean {
  const wanted = addressOf(address)
  const own = addresses.filter(({ flags = 0 }) => !(flags & IFA_F.noprefixroute))
  const near = routes.filter((route) => !hasGateway(route) && route.to !== 'default')
  const prefixes = [...own.map((one) => one.address), ...near.map(({ to }) => to)]
  return prefixes.some((prefix) => parsePrefix(prefix)?.contains(wanted))
}

/** Adds the step that makes the route, where the host needs one. */
export function planPodRoute(
  plan: Plan,
  { move }: { readonly move: HostMove },
  bridge: LinkLike,
  address: string,
): void {
  if (isOnLink(move, address)) return
  const to = hostPrefix(addressOf(address))
  plan.route.ensure({ to, link: bridge, scope: 'link' })
}

/** Adds the step that takes it away; nobody knows whether there is one when the record is lost. */
export function planPodRouteRemoval(
  plan: Plan,
  record: { readonly move: HostMove } | undefined,
  bridge: LinkLike,
  address: string,
): void {
  if (record && isOnLink(record.move, address)) return
  plan.route.delIfExists({ to: hostPrefix(addressOf(address)), link: bridge })
}
