/**
 * From a source's answer to pools, and from a pool to an address. Pure functions.
 */
import {
  addressOf,
  canonicalMac,
  compareCidrs,
  parsePrefix,
  sortAddresses,
  type Prefix,
} from '../ip/index.js'
import { AddressError } from './errors.js'
import type { HostNic, InterfaceInfo, Pool, SubnetInfo } from './types.js'

/**
 * How long a freed address rests, in milliseconds: others may still have connections or
 * neighbour entries for it. The length is that of the AWS VPC CNI.
 */
export const COOL_DOWN_MS = 30_000

/** The NICs of the host that an interface of the source may be. */
export function matchNics(info: InterfaceInfo, nics: readonly HostNic[]): HostNic[] {
  const mac = canonicalMac(info.mac)
  return nics.filter((nic) => info.mac === '*' || (mac && canonicalMac(nic.mac) === mac))
}

/** What a source answered, with the addresses of each subnet sorted and without repetitions. */
export function inOrder(interfaces: readonly InterfaceInfo[]): InterfaceInfo[] {
  const sorted = ({ addresses, ...subnet }: SubnetInfo): SubnetInfo => {
    // An address that the source lists as primary and as secondary counts as secondary: pods may
    // have it.
    const byRank = addresses.toSorted((a, b) => Number(b.primary) - Number(a.primary))
    const known = new Map(byRank.map((info) => [info.address, info]))
    return {
      ...subnet,
      addresses: sortAddresses(known.keys()).map((address) => known.get(address)!),
    }
  }
  return interfaces.map((info) => ({ ...info, subnets: info.subnets.map(sorted) }))
}

/**
 * One pool for each prefix of each NIC that both sides know, in the order of use: first
 * those of NICs other than the machine's primary one, then the larger pool, then by prefix.
 * Primary addresses stay with the host. A pool may have no address.
 *
 * @param interfaces as `inOrder` gives them: every ADD builds the pools, few ask the source
 */
export function buildPools(
  interfaces: readonly InterfaceInfo[],
  nics: readonly HostNic[],
): Pool[] {
  const pools = new Map<string, Pool>()
  for (const info of interfaces) {
    const candidates = matchNics(info, nics)
    if (candidates.length === 0 && info.mac !== '*') continue
    for (const subnet of info.subnets) {
      const pool = poolOf(info, subnet, candidates)
      const key = `${pool.nic} ${pool.prefix}`
      pools.set(key, mergePools(pools.get(key), pool))
    }
  }
  return [...pools.values()].sort(comparePools)
}

function poolOf(info: InterfaceInfo, subnet: SubnetInfo, candidates: HostNic[]): Pool {
  const prefix = parsePrefix(subnet.prefix)
  if (!prefix) throw new TypeError(`"${subnet.prefix}" is not a prefix`)
  const nic = nicFor(info, prefix, candidates)
  const secondary = subnet.addresses.filter(({ primary }) => !primary)
  return {
    prefix: prefix.cidr,
    family: prefix.family,
    gateway: prefix.firstHost,
    nic: nic?.name ?? '',
    nicMac: (nic && canonicalMac(nic.mac)) ?? '',
    primary: info.primary,
    addresses: secondary.map(({ address }) => address),
  }
}

// Several NICs can have one MAC: a bridge takes that of its port, and with accelerated
// networking the virtual function has that of the synthetic NIC above it. The one to use
// is the one with an address in the subnet.
function nicFor(
  info: InterfaceInfo,
  prefix: Prefix,
  candidates: HostNic[],
): HostNic | undefined {
  const byIndex = candidates.toSorted((a, b) => a.index - b.index)
  const carrier = byIndex.find((nic) =>
    nic.addresses?.some((cidr) => prefix.contains(addressOf(cidr))),
  )
  const certain = info.mac !== '*' || byIndex.length === 1
  return carrier ?? (certain ? byIndex[0] : undefined)
}

function mergePools(known: Pool | undefined, pool: Pool): Pool {
  if (!known) return pool
  const addresses = sortAddresses(new Set([...known.addresses, ...pool.addresses]))
  return { ...known, primary: known.primary || pool.primary, addresses }
}

function comparePools(a: Pool, b: Pool): number {
  return (
    Number(a.primary) - Number(b.primary) ||
    b.addresses.length - a.addresses.length ||
    compareCidrs(a.prefix, b.prefix) ||
    compareText(a.nic, b.nic)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** True while a freed address rests. A time in the future is a clock that was set back. */
export function isCooling(freedMs: number | undefined, nowMs: number): boolean {
  if (freedMs === undefined) return false
  const age = nowMs - freedMs
  return age >= 0 && age < COOL_DOWN_MS
}

/**
 * The address to give from a pool: the lowest free one that is not resting, else the one
 * freed longest ago, else `undefined`. `freed` has the times in epoch milliseconds.
 * A requested address is given even while it rests; AddressError tells why it cannot be.
 */
export function pickAddress(
  pool: Pool,
  taken: ReadonlySet<string>,
  freed: ReadonlyMap<string, number>,
  nowMs: number,
  requested?: string,
): string | undefined {
  if (requested !== undefined) return checkRequested(pool, taken, requested)
  const free = pool.addresses.filter((address) => !taken.has(address))
  const rested = free.find((address) => !isCooling(freed.get(address), nowMs))
  if (rested !== undefined) return rested
  const freedAt = (address: string) => freed.get(address) ?? 0
  return free.toSorted((a, b) => freedAt(a) - freedAt(b))[0]
}

function checkRequested(
  pool: Pool,
  taken: ReadonlySet<string>,
  requested: string,
): string {
  if (!pool.addresses.includes(requested)) {
    throw new AddressError(
      'not-in-pool',
      requested,
      `address ${requested} is not a secondary address of pool ${pool.prefix}`,
    )
  }
  if (taken.has(requested)) {
    throw new AddressError('in-use', requested, `address ${requested} is in use`)
  }
  return requested
}
