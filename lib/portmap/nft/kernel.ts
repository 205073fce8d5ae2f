/**
 * What host ports need of the kernel beside the table.
 */
import { NetlinkError, SyscallError } from '../../errors.js'
import type { ConntrackEntry } from '../../conntrack/index.js'
import type { NetNs } from '../../netlink/index.js'
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
 * remembers would go on to where the port led before. A flush reads the whole table of flows, so that
 * of many ports it is read once.
 *
 * @throws NetlinkError EPERM without CAP_NET_ADMIN
 */
export function forgetFlows(host: NetNs, mappings: readonly Mapping[]): void {
  const wanted = mappings.filter(({ protocol }) => protocol === 'udp')
  const plan = host.plan()
  if (wanted.length === 1) {
    const [{ hostPort, hostAddress }] = wanted as [Mapping]
    const original = { ...UDP, destinationPort: hostPort }
    const to = hostAddress ? { destination: hostAddress } : {}
    plan.conntrack.flush({ family: 'ipv4', original: { ...original, ...to } })
  } else if (wanted.length > 1) {
    for (const flow of readFlows(host, wanted)) plan.conntrack.delIfExists(flow)
  }
  if (plan.steps.length > 0) plan.runSync()
}

const UDP = { protocol: ipProtocols.udp }

function readFlows(host: NetNs, wanted: readonly Mapping[]): ConntrackEntry[] {
  const keys = new Set(
    wanted.map(({ hostPort, hostAddress = '*' }) => `${hostAddress} ${hostPort}`),
  )
  const plan = host.plan()
  const flows = plan.conntrack.list({ family: 'ipv4', original: UDP })
  const all = plan.runSync().of(flows)
  return all.filter(({ original: { destination, destinationPort } }) =>
    [destination, '*'].some((address) => keys.has(`${address} ${destinationPort}`)),
  )
}
