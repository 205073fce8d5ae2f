/**
 * Comparing the kernel with a record.
 */
import type { NetNs } from '../../netlink/index.js'
import type { PortsRecord } from '../backend.js'
import { HeldPorts } from '../conflict.js'
import { describeMapping } from '../mapping.js'
import { PlacedIndex, planContents, portsIn, tagOf, type Contents } from './held.js'
import { findLink, routeLocalnet } from './kernel.js'
import { damagedChains } from './rules.js'
import {
  isPort,
  placeMapping,
  POD_LINKS,
  SNAT_PODS,
  TABLE,
  toMapping,
  type Placed,
} from './table.js'

/** Where the kernel differs from a record, in words; empty when it does not. */
export function checkPorts(host: NetNs, tag: string, ports: PortsRecord): string[] {
  const plan = host.plan()
  const contents = planContents(plan)
  const rules = plan.nftables.rules({ family: TABLE.family, table: TABLE.name })
  const done = plan.runSync()
  const found = contents(done)
  if (!found.exists) {
    return ports.mappings.length > 0
      ? [`table ${TABLE.family} ${TABLE.name} is missing`]
      : []
  }
  const index = new PlacedIndex(found.placed)
  const held = new HeldPorts(portsIn(found.placed))
  // What waits for another interface of the container has nothing in the kernel.
  const mappings = ports.mappings.filter((one) => !held.waits(one, tag))
  return [
    ...damagedChains(done.of(rules)).map(
      (chain) =>
        `chain ${chain} of table ${TABLE.name} has other rules than it should have`,
    ),
    ...mappings.flatMap((m) => checkOne(index, tag, placeMapping(m, ports.pod, tag))),
    ...unrecorded(found, tag, ports),
    ...(mappings.length > 0 ? checkSnat(found, ports) : []),
    ...(mappings.length > 0 && ports.snat ? checkLink(host, found, ports) : []),
  ]
}

function checkOne(index: PlacedIndex, tag: string, wanted: Placed): string[] {
  const what = `host port ${describeMapping(toMapping(wanted))}`
  const there = index.find(wanted)
  if (!there) return [`${what} is not mapped`]
  if (tagOf(there) !== tag) return [`${what} is held by ${tagOf(there)}`]
  const to = (one: Placed) => one.element.data?.join(':') ?? 'nothing'
  if (to(there) === to(wanted)) return []
  return [`${what} leads to ${to(there)}, not to ${to(wanted)}`]
}

function unrecorded({ placed }: Contents, tag: string, ports: PortsRecord): string[] {
  const recorded = new Set(ports.mappings.map(describeMapping))
  return placed
    .filter((one) => isPort(one) && tagOf(one) === tag)
    .map((one) => describeMapping(toMapping(one)))
    .filter((port) => !recorded.has(port))
    .map((port) => `host port ${port} is mapped, which is not on record`)
}

function checkSnat({ placed }: Contents, { pod, snat }: PortsRecord): string[] {
  const has = placed.some(
    ({ set, element }) => set === SNAT_PODS && element.key[0] === pod,
  )
  if (has === snat) return []
  return snat
    ? [`${pod} is missing in the set ${SNAT_PODS.name}: snat has no effect`]
    : [`${pod} is in the set ${SNAT_PODS.name}, though snat is false`]
}

function checkLink(host: NetNs, { links }: Contents, ports: PortsRecord): string[] {
  const link = findLink(host, ports.pod)
  if (!link) return [`no link leads to ${ports.pod}`]
  const plan = host.plan()
  const switches = ['all', link].map((name) => plan.sysctl.get(routeLocalnet(name)))
  const done = plan.runSync()
  return [
    ...(links.includes(link) ? [] : [`${link} is missing in the set ${POD_LINKS.name}`]),
    // The kernel takes the higher of both (IN_DEV_ROUTE_LOCALNET in linux/inetdevice.h).
    ...(switches.some((one) => done.of(one) === '1')
      ? []
      : [`route_localnet of ${link} is off: 127.0.0.1 does not reach ${ports.pod}`]),
  ]
}
