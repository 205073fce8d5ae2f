/**
 * Why there is no address to give, in numbers, and what helps.
 */
import { PoolExhaustedError } from './errors.js'
import type { Pool } from './types.js'

const ADD_IP_CONFIGS =
  'add ip-configs to the NIC (az network nic ip-config create, or "IP configurations" ' +
  'of the NIC in the portal)'

/** Addresses that a message names; of the others it gives the number. */
const MAX_NAMED = 8

/** Items of a list for a message or a log line: the first ones, and how many more there are. */
export function firstFew(items: readonly string[]): string {
  const named = items.slice(0, MAX_NAMED).join(', ')
  const more = items.length - MAX_NAMED
  return more > 0 ? `${named} and ${more} more` : named
}

/** A pool in a message: `10.0.0.0/24 on eth0`. */
export function poolName(pool: Pool): string {
  return pool.nic ? `${pool.prefix} on ${pool.nic}` : pool.prefix
}

/**
 * No pool has a free address.
 *
 * @param taken addresses with a lease, and those that the caller excludes
 * @param inUse addresses that others use, each with the reason
 * @param cureOfUse what helps against those reasons
 */
export function exhausted(
  pools: readonly Pool[],
  taken: ReadonlySet<string>,
  inUse: ReadonlyMap<string, string>,
  cureOfUse: (reasons: readonly string[]) => string = () =>
    'take those addresses out of use there',
): PoolExhaustedError {
  if (pools.every((pool) => pool.addresses.length === 0)) {
    const nics = [...new Set(pools.map((pool) => pool.nic || 'this machine'))].join(', ')
    return new PoolExhaustedError(
      'no-secondary',
      `no secondary addresses on ${nics}: there is only the primary address, which ` +
        'stays with the host',
      ADD_IP_CONFIGS,
    )
  }
  const counts = pools.map((pool) => {
    const used = pool.addresses.filter((address) => taken.has(address)).length
    const others = pool.addresses.filter((a) => !taken.has(a) && inUse.has(a))
    const count = `${poolName(pool)}: ${pool.addresses.length} addresses, ${used} in use`
    if (others.length === 0) return count
    const named = firstFew(others.map((address) => `${address} (${inUse.get(address)})`))
    return `${count}, ${others.length} used outside of this plug-in: ${named}`
  })
  const reasons = pools.flatMap(({ addresses }) =>
    addresses.flatMap((address) => inUse.get(address) ?? []),
  )
  return new PoolExhaustedError(
    'exhausted',
    `no free address (${counts.join('; ')})`,
    reasons.length > 0 ? `${cureOfUse(reasons)}, or ${ADD_IP_CONFIGS}` : ADD_IP_CONFIGS,
  )
}

/** The source and the host have no NIC in common. */
export function noNic(
  theirs: readonly string[],
  ours: readonly string[],
): PoolExhaustedError {
  return new PoolExhaustedError(
    'no-nic',
    `no NIC of this host is known to the address source: it has ` +
      `${theirs.join(', ') || 'none'}, the host has ${ours.join(', ') || 'none'}`,
    'run in the network namespace of the host, with the address source of this machine',
  )
}

/** No pool is what was asked for: `ipv4, subnet 10.7.0.0/24`. */
export function noPool(wanted: string, pools: readonly Pool[]): PoolExhaustedError {
  const known = pools.map(poolName).join(', ') || 'none'
  return new PoolExhaustedError(
    'no-pool',
    `no pool fits ${wanted}; known pools: ${known}`,
    'correct the subnet or the NIC in the network configuration, or ' + ADD_IP_CONFIGS,
  )
}
