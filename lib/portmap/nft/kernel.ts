/**
 * What host ports need of the kernel beside the table.
 */
import { NetlinkError, SyscallError } from '../../errors.js'
import type { NetNs, Plan } from '../../netlink/index.js'
import { ipProtocols } from '../../nft/index.js'
import type { Mapping } from '../mapping.js'

/** Another commit may come between reading and writing; each round somebody made progress. */
export const ATTEMPTS = 50

/** Whether an error is one of the kernel's with one of these errnos. */
export function isKernelError(error: unknown, ...codes: string[]): boolean {
  const isOurs = error instanceof NetlinkError || error instanceof SyscallError
  return isOurs && codes.includes(error.code)
}

/** The switch of a link that lets packets from and to 127.0.0.0/8 use it. */
export function routeLocalnet(link: string): string {
  return `net/ipv4/conf/${link}/route_localnet`
}

/**
 * Name of the link that packets to a pod leave by.
 *
 * @throws NetlinkError ENETUNREACH, and others of a look-up, when there is no way to it
 */
export function linkTowards(host: NetNs, pod: string): string | undefined {
  const plan = host.plan()
  const route = plan.route.get(pod)
  const { link } = plan.runSync().of(route)
  return link === undefined ? undefined : host.sync.link.read(link)?.name
}

/** As linkTowards; undefined when there is no way to the pod. */
export function findLink(host: NetNs, pod: string): string | undefined {
  try {
    return linkTowards(host, pod)
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  }
}

/**
 * Has the kernel forget UDP flows to ports. UDP has no connection that ends: a flow that the kernel
 * remembers would go on to where the port led before.
 */
export function flushFlows(plan: Plan, mappings: readonly Mapping[]): void {
  for (const { protocol, hostPort, hostAddress } of mappings) {
    if (protocol !== 'udp') continue
    const original = {
      protocol: ipProtocols.udp,
      destinationPort: hostPort,
      ...(hostAddress && { destination: hostAddress }),
    }
    plan.conntrack.flush({ family: 'ipv4', original })
  }
}
