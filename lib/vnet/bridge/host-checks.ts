/**
 * Hosts that cannot have a bridge over a NIC, named before anything is changed.
 */
import { CniCode, CniError } from '../../cni/spec/errors.js'
import { NetlinkError } from '../../errors.js'
import type { Link, Plan } from '../../netlink/index.js'
import type { HostFacts } from '../facts.js'

/** Kinds of links that take what a NIC receives: none of it would come to a bridge. */
const RIDERS = /^(macvlan|macvtap|ipvlan|ipvtap)$/

function taken(nic: string, by: string, options?: ErrorOptions): CniError {
  return new CniError(
    CniCode.UnexpectedHost,
    `master: ${nic} has ${by} on it, which takes what it receives; it cannot be a port of a bridge`,
    'Take that away, or give the pods another NIC by "master".',
    options,
  )
}

/**
 * Runs a plan that makes the NIC a port. Of a macvlan in another namespace, as a container's, nothing
 * is seen before. Throws CniError 108, NetlinkError, SyscallError.
 */
export function runMove(plan: Plan, nic: string): void {
  try {
    plan.runSync()
  } catch (error) {
    const isBusy = error instanceof NetlinkError && error.code === 'EBUSY'
    throw isBusy ? taken(nic, 'a macvlan or ipvlan', { cause: error }) : error
  }
}

/** Throws CniError 108 when the bridge's name or the NIC is in somebody else's hands. */
export function checkHost(facts: HostFacts, nic: Link, bridge: string): void {
  const namesake = facts.links.find((link) => link.name === bridge)
  if (namesake && namesake.kind !== 'bridge') {
    throw new CniError(
      CniCode.UnexpectedHost,
      `bridge: ${bridge} is an interface of the host and no bridge`,
      'Choose another name for "bridge" in the network configuration.',
    )
  }
  const rider = facts.links.find(
    ({ link, kind }) => link === nic.index && kind !== undefined && RIDERS.test(kind),
  )
  if (rider) throw taken(nic.name, `the ${rider.kind} ${rider.name}`)
  const master = nic.master && facts.links.find((link) => link.index === nic.master)
  if (master && master.name !== bridge) {
    throw new CniError(
      CniCode.UnexpectedHost,
      `master: ${nic.name} is a port of ${master.name} already`,
      `Set "bridge" to ${master.name}, or take ${nic.name} out of it.`,
    )
  }
}

/** The host has no NIC of a name. */
export function noNic(name: string): CniError {
  return new CniError(
    CniCode.UnexpectedHost,
    `master: the host has no interface ${name}`,
    'Set "master" in the network configuration to the name of the NIC, as "ip link" shows it.',
  )
}
