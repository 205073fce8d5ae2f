/**
 * Leases: who has which address, shared by all processes of the host.
 */
import { parseInterface } from '../ip/index.js'
import { AddressError, PoolExhaustedError } from './errors.js'
import { buildPools, inOrder, isCooling } from './pool.js'
import { firstFew } from './no-address.js'
import { checkRequest, dropLeases, heldLease, takeLease } from './select.js'
import type { AcquireRequest, CheckedRequest, Taken } from './select.js'
import type { IpamState } from './state.js'
import type { Store } from '../state/store.js'
import { sameOwner } from '../cni/spec/owner.js'
import { leaseAddress, leaseFamily } from './types.js'
import type {
  Family,
  HostNic,
  InterfaceInfo,
  Lease,
  Owner,
  Pool,
  Source,
} from './types.js'

/** Writes a line to the log. */
export type IpamLog = (
  level: 'warn' | 'debug',
  message: string,
  fields: Record<string, unknown>,
) => void

/** What address management works with. */
export interface IpamOptions {
  readonly store: Store<IpamState>
  readonly source: Source
  readonly log?: IpamLog
  /** The time in milliseconds since the epoch. */
  readonly now: () => number
}

/** A pool with its numbers. */
export interface PoolStatus extends Pool {
  readonly total: number
  /** Addresses that have a lease. */
  readonly used: number
  /** Addresses that have none; the resting ones are among them. */
  readonly free: number
  /** Free addresses that rest after a release. */
  readonly cooling: number
}

/** Pools and leases at one moment, for display. Times are in milliseconds since the epoch. */
export interface IpamSnapshot {
  /** When the source last answered well; 0 for never. */
  readonly fetchedAt: number
  /** When the source last failed; 0 when it has answered well since. */
  readonly failedAt: number
  readonly pools: readonly PoolStatus[]
  readonly leases: readonly Lease[]
}

type Outcome = { interfaces: InterfaceInfo[] } | { error: unknown }

const DEFAULT_QUERY_INTERVAL_SECONDS = 10
/** A full pool is looked at again when the last answer is older, in milliseconds. */
const FORCED_REFRESH_MS = 1000

/** Gives addresses to owners and takes them back. */
export class Ipam {
  readonly #store: Store<IpamState>
  readonly #source: Source
  readonly #log: IpamLog
  readonly #now: () => number

  constructor({ store, source, log, now }: IpamOptions) {
    this.#store = store
    this.#source = source
    this.#log = log ?? (() => {})
    this.#now = now
  }

  /**
   * Gives an address to an owner; one that has a lease of the family gets it again, whatever pool
   * the request names. Asks the source only when its last answer is older than the query
   * interval, or when nothing fits; the lock is not held meanwhile. When the source fails,
   * its last good answer serves. Addresses that others use are passed over, and the log says so.
   *
   * Throws TypeError (bad request), PoolExhaustedError, AddressError, SourceError (no good
   * answer yet), StateError, LockTimeoutError.
   */
  async acquire(request: AcquireRequest): Promise<Lease> {
    const checked = checkRequest(request)
    const seconds = request.queryIntervalSeconds ?? DEFAULT_QUERY_INTERVAL_SECONDS
    const first =
      (await this.#takeUnlessDue(checked, seconds * 1000)) ??
      (await this.#take(checked, await this.#fetch()))
    if (!(first instanceof Error)) return this.#given(first)
    if (!mayBeCuredByRefresh(first) || !this.#mayForce(seconds)) throw first
    const second = await this.#take(checked, await this.#fetch())
    if (second instanceof Error) throw second
    return this.#given(second)
  }

  /** Ends the owner's leases, of one family or of both, and returns them. */
  release(owner: Owner, family?: Family): Promise<Lease[]> {
    return this.#drop(isOwners(owner, family))
  }

  /** Ends the lease of an address (prefix length optional) in a network, if any. */
  async releaseAddress(network: string, address: string): Promise<Lease | undefined> {
    const wanted = parseInterface(address)?.address
    const dropped = await this.#drop(
      (lease) => lease.owner.network === network && leaseAddress(lease) === wanted,
    )
    return dropped[0]
  }

  /** The owner's leases, of one family or of both. Takes no lock. */
  find(owner: Owner, family?: Family): Lease[] {
    return this.#store.read().leases.filter(isOwners(owner, family))
  }

  /**
   * The pools with their numbers, and the leases. Takes no lock, asks no source. Without
   * `nics`, the pools are those of all interfaces that the source told of.
   */
  snapshot(nics?: readonly HostNic[]): IpamSnapshot {
    const { fetchedAt, failedAt, interfaces, leases, freed } = this.#store.read()
    const used = new Set(leases.map(leaseAddress))
    const nowMs = this.#now()
    const pools = buildPools(interfaces, nics ?? nicsOf(interfaces)).map((pool) => {
      const free = pool.addresses.filter((address) => !used.has(address))
      const cooling = free.filter((address) => isCooling(freed[address], nowMs)).length
      const total = pool.addresses.length
      return { ...pool, total, used: total - free.length, free: free.length, cooling }
    })
    return { fetchedAt, failedAt, pools, leases }
  }

  // A look before the lock: most releases of unknown owners are repeated DELs.
  async #drop(matches: (lease: Lease) => boolean): Promise<Lease[]> {
    if (!this.#store.read().leases.some(matches)) return []
    return this.#store.update((state) => dropLeases(state, matches, this.#now()))
  }

  #given({ lease, passedOver }: Taken): Lease {
    if (passedOver.length > 0) {
      const named = firstFew(passedOver)
      const message = `addresses in use outside of this plug-in are not given: ${named}`
      this.#log('warn', message, { count: passedOver.length })
    }
    return lease
  }

  async #fetch(): Promise<Outcome> {
    try {
      return { interfaces: await this.#source.fetch() }
    } catch (error) {
      const { fetchedAt } = this.#store.read()
      if (fetchedAt !== 0) this.#warnOfOldPool(error, fetchedAt)
      return { error }
    }
  }

  #warnOfOldPool(error: unknown, fetchedAt: number): void {
    const source = this.#source.kind
    const ageSeconds = Math.max(0, Math.round((this.#now() - fetchedAt) / 1000))
    const why = error instanceof Error ? error.message : String(error)
    this.#log('warn', `${source} failed, pool of ${ageSeconds} s ago is used: ${why}`, {
      source,
      ageSeconds,
      error: why,
    })
  }

  // From what is known already; undefined when the source must be asked first. Most ADDs end
  // here, having read the state once.
  #takeUnlessDue(
    request: CheckedRequest,
    intervalMs: number,
  ): Promise<Taken | Error | undefined> {
    return this.#store.update((state) => {
      const nowMs = this.#now()
      const held = heldLease(state, request)
      if (held) return { lease: held, passedOver: [] }
      if (isDue(state, intervalMs, nowMs)) return undefined
      return valueOrError(() => takeLease(state, request, nowMs))
    })
  }

  #take(request: CheckedRequest, outcome: Outcome): Promise<Taken | Error> {
    return this.#store.update((state) => {
      const nowMs = this.#now()
      applyOutcome(state, outcome, nowMs)
      return valueOrError(() => {
        if (state.fetchedAt === 0 && 'error' in outcome) throw outcome.error
        return takeLease(state, request, nowMs)
      })
    })
  }

  // A server that is known to be dead is left alone for the whole interval.
  #mayForce(querySeconds: number): boolean {
    const state = this.#store.read()
    const failed = state.failedAt > state.fetchedAt
    const wait = Math.max(FORCED_REFRESH_MS, failed ? querySeconds * 1000 : 0)
    return isDue(state, wait, this.#now())
  }
}

function isOwners(owner: Owner, family?: Family): (lease: Lease) => boolean {
  return (lease) =>
    sameOwner(lease.owner, owner) &&
    (family === undefined || leaseFamily(lease) === family)
}

// Errors are values here: one thrown inside `update` would undo what the source said.
function valueOrError<T>(act: () => T): T | Error {
  try {
    return act()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

// A negative age is a clock that was set back: better ask once too often than never.
function isDue(state: IpamState, intervalMs: number, nowMs: number): boolean {
  if (state.fetchedAt === 0) return true
  const age = nowMs - Math.max(state.fetchedAt, state.failedAt)
  return age < 0 || age >= intervalMs
}

function applyOutcome(state: IpamState, outcome: Outcome, nowMs: number): void {
  if ('error' in outcome) {
    state.failedAt = nowMs
    return
  }
  state.interfaces = inOrder(outcome.interfaces)
  state.fetchedAt = nowMs
  state.failedAt = 0
}

function mayBeCuredByRefresh(error: Error): boolean {
  if (error instanceof AddressError) return error.reason === 'not-in-pool'
  return error instanceof PoolExhaustedError
}

function nicsOf(interfaces: readonly InterfaceInfo[]): HostNic[] {
  return interfaces
    .filter(({ mac }) => mac !== '*')
    .map(({ mac }) => ({ name: '', index: 0, mac }))
}
