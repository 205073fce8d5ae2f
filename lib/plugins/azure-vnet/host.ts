/**
 * What ADD looks up: the container's namespace, and the NIC for an address.
 */
import { CniCode, CniError } from '../../cni/spec/errors.js'
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { SyscallError } from '../../errors.js'
import type { Link, NetNs } from '../../netlink/index.js'
import { addressOf, parsePrefix } from '../../ip/index.js'
import { nicByMac, primaryNic, type HostFacts } from '../../vnet/index.js'
import type { PodAddress } from './addresses.js'

/** Opens the container's namespace. Throws CniError: 4 when it is none, 8 when it is our own. */
export function openPod(call: PluginCall, host: NetNs): NetNs {
  try {
    const pod = call.host.open(call.netns)
    if (!pod.equals(host)) return pod
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    const why =
      error.code === 'EINVAL'
        ? 'is no network namespace'
        : `cannot be opened: ${error.code}`
    throw new CniError(
      CniCode.InvalidEnvironment,
      `CNI_NETNS: ${call.netns} ${why}`,
      'Give the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net.',
    )
  }
  throw new CniError(
    CniCode.InvalidNetns,
    `CNI_NETNS: ${call.netns} is the namespace of this plug-in itself`,
    'Give the namespace of the container.',
  )
}

/** Throws CniError 104 when the container has the interface already. */
export function refuseExisting(call: PluginCall, pod: NetNs): void {
  const plan = pod.plan()
  const found = plan.link.read(call.ifname, { optional: true })
  if (!plan.runSync().of(found)) return
  throw new CniError(
    CniCode.InterfaceExists,
    `CNI_IFNAME: the container has an interface ${call.ifname} already`,
    'Choose another name, or call DEL first.',
  )
}

/** Throws CniError 7 when the host has no interface of the name that `master` gives. */
export function checkMaster(host: NetNs, master: string | undefined): void {
  if (master === undefined) return
  const plan = host.plan()
  const found = plan.link.read(master, { optional: true })
  if (plan.runSync().of(found)) return
  throw new CniError(
    CniCode.InvalidConfig,
    `master: the host has no interface ${master}`,
    'Give the name of the NIC, as "ip link" shows it, or leave "master" out.',
  )
}

/**
 * The NIC that was asked for, the one that the source named, or the one whose subnet it is.
 * Throws CniError 108 when no NIC fits.
 */
export function chooseNic(
  facts: HostFacts,
  master: string | undefined,
  address: PodAddress,
): Link {
  const name = master ?? address.nic
  const named = facts.links.find((link) => link.name === name)
  if (named) return named
  const wanted = addressOf(address.address)
  const carrier = facts.addresses.find((a) => parsePrefix(a.address)?.contains(wanted))
  const link = facts.links.find((candidate) => candidate.index === carrier?.link)
  const nic = link?.kind === 'bridge' ? nicByMac(facts.links, link.mac) : link
  const chosen = nic ?? primaryNic(facts)
  if (chosen) return chosen
  throw new CniError(
    CniCode.UnexpectedHost,
    `no interface of the host carries the subnet of ${address.address}`,
    'Set "master" in the network configuration to the name of the NIC.',
  )
}

/** `azure` and the index of the primary interface. */
export function defaultBridge(facts: HostFacts, nic: Link): string {
  return `azure${(primaryNic(facts) ?? nic).index}`
}
