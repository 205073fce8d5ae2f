/**
 * From the state and a request to a lease. Pure, but for the state it is given.
 */
import { canonicalMac, familyOf, parseInterface, parsePrefix } from '../ip/index.js'
import { AddressError, PoolExhaustedError } from './errors.js'
import { buildPools, isCooling, matchNics, pickAddress } from './pool.js'
import { sameOwner } from '../cni/spec/owner.js'
import type { IpamState } from './state.js'
import {
  leaseAddress,
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
}

/** A request with its words checked and in canonical form. */
export interface CheckedRequest extends AcquireRequest {
  readonly family: Family
}

const ADD_IP_CONFIGS =
  'add ip-configs to the NIC (az network nic ip-config create, or "IP configurations" ' +
  'of the NIC in the portal)'

/** Checks `subnet`, `address` and `exclude`. Throws TypeError that names the field. */
export function checkRequest(request: AcquireRequest): CheckedRequest {
  const prefix = request.subnet === undefined ? undefined : parsePrefix(request.subnet)
  if (request.subnet !== undefined && !prefix) {
    throw new TypeError(`subnet "${request.subnet}" is not a CIDR like 10.0.0.0/24`)
  }
  const address = request.address && checkAddress('address', request.address)
  const ofAddress = address && familyOf(address)
  return {
    ...request,
    subnet: prefix?.cidr,
    address: address || undefined,
    exclude: request.exclude?.map((item) => checkAddress('exclude', item)),
    family: request.family ?? (ofAddress || prefix?.family || 'ipv4'),
  }
}

function checkAddress(field: string, text: string): string {
  const address = parseInterface(text)?.address
  if (address === undefined)
    throw new TypeError(`${field} "${text}" is not an IP address`)
  return address
}

/** The lease an owner has already. Throws AddressError when another address is wanted. */
export function heldLease(
  state: IpamState,
  { owner, address }: CheckedRequest,
): Lease | undefined {
  const held = state.leases.find((lease) => sameOwner(lease.owner, owner))
  if (!held || address === undefined || leaseAddress(held) === address) return held
  const who = `${owner.containerId} ${owner.ifname} of network ${owner.network}`
  throw new AddressError(
    'other-lease',
    address,
    `address ${address} was asked for, but ${who} has ${held.address}; release it first`,
  )
}

/**
 * Finds an address and enters the lease into the state; an owner that has one gets it
 * again. Throws PoolExhaustedError and AddressError.
 */
export function takeLease(
  state: IpamState,
  request: CheckedRequest,
  nowMs: number,
): Lease {
  const held = heldLease(state, request)
  if (held) return held
  const pools = fittingPools(state, request)
  const taken = new Set([...state.leases.map(leaseAddress), ...(request.exclude ?? [])])
  const { pool, address } = choose(pools, taken, state, request, nowMs)
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
  delete state.freed[address]
  return lease
}

function choose(
  pools: readonly Pool[],
  taken: ReadonlySet<string>,
  state: IpamState,
  { address: wanted }: CheckedRequest,
  nowMs: number,
): { pool: Pool; address: string } {
  const freed = new Map(Object.entries(state.freed))
  const having = pools.filter((pool) => !wanted || pool.addresses.includes(wanted))
  if (wanted && having.length === 0) {
    const where = pools.map(describe).join(', ')
    const problem = `address ${wanted} is not a secondary address of ${where}`
    throw new AddressError('not-in-pool', wanted, problem)
  }
  for (const pool of having) {
    const address = pickAddress(pool, taken, freed, nowMs, wanted)
    if (address !== undefined) return { pool, address }
  }
  throw exhausted(pools, taken)
}

function fittingPools(state: IpamState, request: CheckedRequest): Pool[] {
  const { nic, subnet, family } = request
  const pools = buildPools(state.interfaces, request.nics)
  if (!state.interfaces.some((i) => i.mac === '*' || matchNics(i, request.nics).length)) {
    throw noNic(state, request.nics)
  }
  const fitting = pools.filter(
    (pool) =>
      pool.family === family &&
      (subnet === undefined || pool.prefix === subnet) &&
      // A pool that belongs to any NIC belongs to this one too.
      (nic === undefined || pool.nic === nic || pool.nic === ''),
  )
  if (fitting.length === 0) throw noPool(pools, request)
  return fitting
}

function exhausted(
  pools: readonly Pool[],
  taken: ReadonlySet<string>,
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
    return `${describe(pool)}: ${pool.addresses.length} addresses, ${used} in use`
  })
  return new PoolExhaustedError(
    'exhausted',
    `no free address (${counts.join('; ')})`,
    ADD_IP_CONFIGS,
  )
}

function noNic(state: IpamState, nics: readonly HostNic[]): PoolExhaustedError {
  const theirs = state.interfaces.map(({ mac }) => mac).join(', ') || 'none'
  const ours = nics.map((n) => `${n.name} ${canonicalMac(n.mac) ?? n.mac}`).join(', ')
  return new PoolExhaustedError(
    'no-nic',
    `no NIC of this host is known to the address source: it has ${theirs}, ` +
      `the host has ${ours || 'none'}`,
    'run in the network namespace of the host, with the address source of this machine',
  )
}

function noPool(pools: readonly Pool[], request: CheckedRequest): PoolExhaustedError {
  const wanted = [
    request.family,
    request.subnet && `subnet ${request.subnet}`,
    request.nic && `NIC ${request.nic}`,
  ]
  const known = pools.map(describe).join(', ') || 'none'
  return new PoolExhaustedError(
    'no-pool',
    `no pool fits ${wanted.filter(Boolean).join(', ')}; known pools: ${known}`,
    'correct the subnet or the NIC in the network configuration, or ' + ADD_IP_CONFIGS,
  )
}

function describe(pool: Pool): string {
  return pool.nic ? `${pool.prefix} on ${pool.nic}` : pool.prefix
}

/** Ends a lease in the state and lets its address rest; forgets who has rested enough. */
export function dropLease(
  state: IpamState,
  matches: (lease: Lease) => boolean,
  nowMs: number,
): Lease | undefined {
  const index = state.leases.findIndex(matches)
  if (index < 0) return undefined
  const [lease] = state.leases.splice(index, 1)
  state.freed[leaseAddress(lease!)] = nowMs
  for (const [address, freedMs] of Object.entries(state.freed)) {
    if (!isCooling(freedMs, nowMs)) delete state.freed[address]
  }
  return lease
}
