/**
 * From the state and a request to a lease. Pure, but for the state it is given.
 */
import { canonicalMac, familyOf, parseInterface, parsePrefix } from '../ip/index.js'
import { AddressError } from './errors.js'
import { exhausted, noNic, noPool, poolName } from './no-address.js'
import { buildPools, isCooling, matchNics, pickAddress } from './pool.js'
import { sameOwner } from '../cni/spec/owner.js'
import type { IpamState } from './state.js'
import {
  leaseAddress,
  leaseFamily,
  type Family,
  type HostNic,
  type Lease,
  type Owner,
  type Pool,
} from './types.js'

/** Who wants an address, and which. */
export interface AcquireRequest {
  readonly owner: Owner
  /** The host's NICs. */
  readonly nics: readonly HostNic[]
  /** How old the pools may be, in seconds; 10 when absent. */
  readonly queryIntervalSeconds?: number
  /** Only from the pool with this prefix (CIDR). */
  readonly subnet?: string
  /** Only this address; a prefix length after it is ignored. */
  readonly address?: string
  /** Only from pools of the host's NIC with this name. */
  readonly nic?: string
  /** Taken from `address` or `subnet` when absent, else `ipv4`. */
  readonly family?: Family
  /** Addresses that must not be given, without prefix length. */
  readonly exclude?: readonly string[]
  /**
   * Addresses that somebody else uses on this host, in canonical form, each with the reason; they
   * are not given. Asked at most once, when an address is about to be given, with the addresses
   * that have a lease, which need no look. It runs under the lock of the leases: it must be quick.
   */
  readonly inUse?: (leased: ReadonlySet<string>) => ReadonlyMap<string, string>
  /** Told when more than half of the pool that the address comes from is leased. */
  readonly onScarce?: () => void
  /** What helps where addresses are used like that, by the reasons; for the error of a full pool. */
  readonly cureOfUse?: (reasons: readonly string[]) => string
}

/** A request that has been checked, with addresses and prefixes in canonical form. */
export interface CheckedRequest extends AcquireRequest {
  readonly family: Family
  readonly inUse: (leased: ReadonlySet<string>) => ReadonlyMap<string, string>
}

/** Checks `subnet`, `address`, `family` and `exclude`. Throws TypeError that names the field. */
export function checkRequest(request: AcquireRequest): CheckedRequest {
  const prefix = request.subnet === undefined ? undefined : parsePrefix(request.subnet)
  if (request.subnet !== undefined && !prefix) {
    throw new TypeError(`subnet "${request.subnet}" is not a CIDR like 10.0.0.0/24`)
  }
  const address = request.address && checkAddress('address', request.address)
  const ofAddress = address && familyOf(address)
  const family = request.family ?? (ofAddress || prefix?.family || 'ipv4')
  if (ofAddress && ofAddress !== family) throw otherFamily('address', address, family)
  if (prefix && prefix.family !== family) {
    throw otherFamily('subnet', prefix.cidr, family)
  }
  let inUse: ReadonlyMap<string, string> | undefined
  return {
    ...request,
    subnet: prefix?.cidr,
    address: address || undefined,
    exclude: request.exclude?.map((item) => checkAddress('exclude', item)),
    family,
    inUse: (leased) => (inUse ??= request.inUse?.(leased) ?? new Map()),
  }
}

function checkAddress(field: string, text: string): string {
  const address = parseInterface(text)?.address
  if (address === undefined)
    throw new TypeError(`${field} "${text}" is not an IP address`)
  return address
}

function otherFamily(field: string, text: string, family: Family): TypeError {
  const wanted = family === 'ipv4' ? 'IPv4' : 'IPv6'
  return new TypeError(
    `${field} "${text}" is not of the family that is wanted, ${wanted}`,
  )
}

/** The lease an owner has already. Throws AddressError when another address is wanted. */
export function heldLease(
  state: IpamState,
  { owner, address, family }: CheckedRequest,
): Lease | undefined {
  const held = state.leases.find(
    (lease) => sameOwner(lease.owner, owner) && leaseFamily(lease) === family,
  )
  if (!held || address === undefined || leaseAddress(held) === address) return held
  const who = `${owner.containerId} ${owner.ifname} of network ${owner.network}`
  throw new AddressError(
    'other-lease',
    address,
    `address ${address} was asked for, but ${who} has ${held.address}; release it first`,
  )
}

/** A lease, and what stood before its address. */
export interface Taken {
  readonly lease: Lease
  /** Addresses that would have come first, each with how somebody else uses it, for the log. */
  readonly passedOver: readonly string[]
}

/**
 * Finds an address and enters the lease into the state; an owner that has one gets it
 * again. Throws PoolExhaustedError and AddressError.
 */
export function takeLease(
  state: IpamState,
  request: CheckedRequest,
  nowMs: number,
): Taken {
  const held = heldLease(state, request)
  if (held) return { lease: held, passedOver: [] }
  const pools = fittingPools(state, request)
  const { pool, address, passedOver } = choose(pools, state, request, nowMs)
  const lease: Lease = {
    address: `${address}/${parsePrefix(pool.prefix)!.length}`,
    gateway: pool.gateway,
    pool: pool.prefix,
    nic: pool.nic || (request.nic ?? ''),
    owner: {
      network: request.owner.network,
      containerId: request.owner.containerId,
      ifname: request.owner.ifname,
    },
    since: nowMs,
  }
  state.leases.push(lease)
  if (request.onScarce && isScarce(pool, state)) request.onScarce()
  delete state.freed[address]
  return { lease, passedOver }
}

function isScarce({ addresses }: Pool, { leases }: IpamState): boolean {
  const leased = new Set(leases.map(leaseAddress))
  return addresses.filter((one) => leased.has(one)).length * 2 > addresses.length
}

function choose(
  pools: readonly Pool[],
  state: IpamState,
  { address: wanted, exclude = [], inUse, cureOfUse }: CheckedRequest,
  nowMs: number,
): { pool: Pool; address: string; passedOver: string[] } {
  const having = pools.filter((pool) => !wanted || pool.addresses.includes(wanted))
  if (wanted && having.length === 0) {
    const where = pools.map(poolName).join(', ')
    const problem = `address ${wanted} is not a secondary address of ${where}`
    throw new AddressError('not-in-pool', wanted, problem)
  }
  const freed = new Map(Object.entries(state.freed))
  const leased = new Set(state.leases.map(leaseAddress))
  const ours = new Set([...leased, ...exclude])
  const taken = new Set(ours)
  const passedOver: string[] = []
  for (const pool of having) {
    for (;;) {
      const address = pickAddress(pool, taken, freed, nowMs, wanted)
      if (address === undefined) break
      const reason = inUse(leased).get(address)
      if (reason === undefined) return { pool, address, passedOver }
      if (wanted) throw usedByOthers(wanted, reason)
      taken.add(address)
      passedOver.push(`${address} (${reason})`)
    }
  }
  throw exhausted(pools, ours, inUse(leased), cureOfUse)
}

function usedByOthers(address: string, reason: string): AddressError {
  const problem = `address ${address} is in use outside of this plug-in: ${reason}`
  return new AddressError('in-use', address, problem)
}

function fittingPools(state: IpamState, request: CheckedRequest): Pool[] {
  const { nic, subnet, family } = request
  const pools = buildPools(state.interfaces, request.nics)
  if (!state.interfaces.some((i) => i.mac === '*' || matchNics(i, request.nics).length)) {
    throw noNic(
      state.interfaces.map(({ mac }) => mac),
      request.nics.map(({ name, mac }) => `${name} ${canonicalMac(mac) ?? mac}`),
    )
  }
  const fitting = pools.filter(
    (pool) =>
      pool.family === family &&
      (subnet === undefined || pool.prefix === subnet) &&
      // The source did not say whose a pool without a NIC is: it fits any NIC that is asked for.
      (nic === undefined || pool.nic === nic || pool.nic === ''),
  )
  if (fitting.length > 0) return fitting
  const wanted = [family, subnet && `subnet ${subnet}`, nic && `NIC ${nic}`]
  throw noPool(wanted.filter(Boolean).join(', '), pools)
}

/**
 * Ends the leases that match, lets their addresses rest, and forgets which addresses have rested
 * long enough.
 */
export function dropLeases(
  state: IpamState,
  matches: (lease: Lease) => boolean,
  nowMs: number,
): Lease[] {
  const dropped = state.leases.filter(matches)
  if (dropped.length === 0) return []
  state.leases = state.leases.filter((lease) => !matches(lease))
  for (const lease of dropped) state.freed[leaseAddress(lease)] = nowMs
  for (const [address, freedMs] of Object.entries(state.freed)) {
    if (!isCooling(freedMs, nowMs)) delete state.freed[address]
  }
  return dropped
}
