/**
 * What can be known of an attachment before the host is touched.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import type { Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import { addressOf, canonicalAddress, parseCidr, parsePrefix } from '../ip/index.js'
import type { NetNs } from '../netlink/index.js'
import type { LeasedAddress, Mode } from '../vnet/index.js'
import type { Leased } from './engine.js'
import type { AttachmentRecord } from './records.js'
import { isOwnCall, otherCallAt } from './state.js'

/** Throws CniError 104 when the container has the interface already. */
export function refuseExisting(sandbox: NetNs, ifname: string): void {
  const plan = sandbox.plan()
  const found = plan.link.read(ifname, { optional: true })
  if (!plan.runSync().of(found)) return
  throw new CniError(
    CniCode.InterfaceExists,
    `CNI_IFNAME: the container has an interface ${ifname} already`,
    'Choose another name, or call DEL first.',
  )
}

/** Throws CniError 11 when another call that still runs is adding, or cleaning up, the owner. */
export function refuseSecondAdd(
  host: Pick<Host, 'self' | 'isRunning'>,
  record: AttachmentRecord | undefined,
  { ifname }: Owner,
): void {
  const other = otherCallAt(host, record)
  if (!other) return
  throw new CniError(
    CniCode.TryAgain,
    `CNI_CONTAINERID: process ${other.pid} is adding ${ifname} of this container`,
    'Wait until that call of ADD ends, or end the process and call DEL.',
  )
}

/**
 * Whether an owner is another call's affair by now: this one was given up, and whoever did so has
 * cleaned up and begun again.
 */
export function isTakenOver(
  host: Pick<Host, 'self' | 'checkpoint'>,
  record: AttachmentRecord | undefined,
): boolean {
  if (!record) return false
  return record.phase === 'adding' ? !isOwnCall(host, record.adder) : isGivenUp(host)
}

function isGivenUp(host: Pick<Host, 'checkpoint'>): boolean {
  try {
    host.checkpoint()
    return false
  } catch {
    return true
  }
}

/** Throws CniError 7 when the host has no interface of the name that `master` gives. */
export function checkMaster(kernel: NetNs, master: string | undefined): void {
  if (master === undefined) return
  const plan = kernel.plan()
  const found = plan.link.read(master, { optional: true })
  if (plan.runSync().of(found)) return
  throw new CniError(
    CniCode.InvalidConfig,
    `master: the host has no interface ${master}`,
    'Give the name of the NIC, as "ip link" shows it, or leave "master" out.',
  )
}

/**
 * Throws CniError 106 when a pod cannot be made with what was leased: a family that the mode does
 * not carry, or a gateway that the kernel would refuse when the host's network has moved already.
 */
export function checkLeased(mode: Mode, { addresses }: Leased): void {
  if (addresses.length === 0)
    throw unusable('no address', 'Give it a range of addresses.')
  for (const lease of addresses) {
    const cidr = parseCidr(lease.address)
    if (!cidr) {
      throw unusable(
        `"${lease.address}"`,
        'It must answer with addresses and their prefix length, such as 10.0.0.5/24.',
      )
    }
    if (!mode.families.includes(cidr.family)) {
      throw unusable(
        `the ${nameOf(cidr.family)} address ${lease.address}`,
        `Mode ${mode.name} carries ${mode.families.map(nameOf).join(' and ')} alone: choose a ` +
          'subnet or range of that family.',
      )
    }
    checkGateway(lease)
  }
}

function checkGateway({ address, gateway }: LeasedAddress): void {
  const known = canonicalAddress(gateway)
  const inside = known !== undefined && parsePrefix(address)?.contains(known)
  if (inside && known !== addressOf(address)) return
  throw unusable(
    `the gateway ${gateway} for ${address}`,
    known === addressOf(address)
      ? 'A pod cannot be its own gateway.'
      : 'The gateway must lie in the subnet of the address.',
  )
}

const nameOf = (family: 'ipv4' | 'ipv6') => (family === 'ipv4' ? 'IPv4' : 'IPv6')

function unusable(what: string, cure: string): CniError {
  return new CniError(CniCode.AddressUnavailable, `ipam: it gave ${what}`, cure)
}
