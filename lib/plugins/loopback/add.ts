/**
 * ADD of loopback.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { openSandbox } from '../../cni/plugin/sandbox.js'
import { COMMON_FIELDS, idleFields, type FieldTable } from '../../cni/spec/fields.js'
import type { CniIp, CniResult } from '../../cni/spec/types.js'
import type { Address } from '../../netlink/index.js'
import type { NetNs } from '../../netlink/netns.js'

/** The fields of loopback's config: it has none of its own. */
export const LOOPBACK_FIELDS: FieldTable = COMMON_FIELDS

/** Name of the loopback interface. */
export const NAME = 'lo'
/** LOOPBACK_IFINDEX (net/flow.h): the same in every namespace. */
const LOOPBACK_INDEX = 1

/** Brings `lo` up; whatever CNI_IFNAME says, a container has one loopback interface. */
export async function add(call: PluginCall): Promise<CniResult> {
  for (const warning of idleFields(call.config, LOOPBACK_FIELDS)) call.log.warn(warning)
  using pod = openSandbox(call)
  const addresses = bringUp(pod)
  if (call.prevResult) return call.prevResult
  const ips = addresses.map((address): CniIp => ({ address, interface: 0 }))
  return {
    interfaces: [{ name: NAME, mac: '00:00:00:00:00:00', sandbox: call.netns }],
    ips,
  }
}

/**
 * Brings the interface up and answers with the loopback address of each family that the kernel
 * gives it then: there is no `::1/128` where IPv6 is off.
 */
function bringUp(pod: NetNs): string[] {
  const plan = pod.plan()
  plan.link.set(plan.link.get(NAME), { up: true })
  const addresses = plan.address.dump()
  return loopbackAddresses(plan.runSync().of(addresses))
}

/** The first loopback address of each family on the loopback interface. */
export function loopbackAddresses(all: readonly Address[]): string[] {
  const own = all
    .filter(({ link }) => link === LOOPBACK_INDEX)
    .map(({ address }) => address)
  const isLoopback = [/^127\./, /^::1\//]
  return isLoopback.flatMap((one) => own.find((address) => one.test(address)) ?? [])
}
