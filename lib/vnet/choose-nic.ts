/**
 * Which NIC a pod's address belongs to.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { addressOf, parsePrefix } from '../ip/index.js'
import type { Link } from '../netlink/index.js'
import { nicByMac, primaryNic, type HostFacts } from './facts.js'
import type { LeasedAddress } from './mode.js'

/**
 * The NIC that was asked for, the one that the source named, or the one whose subnet it is.
 * Throws CniError 108 when no NIC fits.
 */
export function chooseNic(
  facts: HostFacts,
  master: string | undefined,
  lease: LeasedAddress,
): Link {
  const name = master ?? lease.nic
  const named = facts.links.find((link) => link.name === name)
  if (named) return named
  const wanted = addressOf(lease.address)
  const carrier = facts.addresses.find((a) => parsePrefix(a.address)?.contains(wanted))
  const link = facts.links.find((candidate) => candidate.index === carrier?.link)
  const nic =
    link?.kind === 'bridge' ? nicByMac(facts.links, link.mac, facts.addresses) : link
  const chosen = nic ?? primaryNic(facts)
  if (chosen) return chosen
  throw new CniError(
    CniCode.UnexpectedHost,
    `no interface of the host carries the subnet of ${lease.address}`,
    'Set "master" in the network configuration to the name of the NIC.',
  )
}
