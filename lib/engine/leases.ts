/**
 * The addresses of attachments: address management with a Host, a log and CNI's errors.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import type { Owner } from '../cni/spec/owner.js'
import { LockTimeoutError, StateError } from '../host/errors.js'
import type { Host } from '../host/host.js'
import {
  AddressError,
  DEFAULT_ENVIRONMENT,
  Ipam,
  ipamStore,
  PoolExhaustedError,
  sourceFor,
  SourceError,
  type AcquireRequest,
  type Environment,
  type Family,
  type HostNic,
  type IpamSnapshot,
  type Lease,
} from '../ipam/index.js'
import type { EngineLog } from './engine.js'

/** The platform's resolver, which every Azure VNet has. */
export const AZURE_DNS = '168.63.129.16'

/** What a network's configuration says about its addresses. */
export interface LeaseSettings {
  /** Where the pools come from. */
  readonly environment: Environment
  /** Seconds that the source's answer serves. */
  readonly queryIntervalSeconds: number
  /** Only from the pool with this prefix. */
  readonly subnet: string | undefined
  /** Only this address, without prefix length. */
  readonly address: string | undefined
}

/** What one call adds to the settings. */
export type LeaseWishes = Pick<
  AcquireRequest,
  'family' | 'nic' | 'exclude' | 'inUse' | 'cureOfUse' | 'onScarce'
>

/** Gives addresses to attachments and takes them back. Errors are CniErrors. */
export class AddressService {
  readonly #ipam: Ipam

  /** @param environment whose source is asked by `acquire`; the other methods need none */
  constructor(
    host: Host,
    log: EngineLog,
    environment: Environment = DEFAULT_ENVIRONMENT,
  ) {
    const warn = (message: string) => log.warn(message)
    this.#ipam = new Ipam({
      store: ipamStore(host, { warn }),
      now: () => host.now(),
      source: sourceFor(environment, { host, warn }),
      log: (level, message, fields) => log[level](message, fields),
    })
  }

  /**
   * The owner's address of a family: the one that it has, or a new one. The family is that of the
   * settings' address or subnet, else IPv4, unless `wishes` name one.
   */
  async acquire(
    owner: Owner,
    settings: LeaseSettings,
    nics: readonly HostNic[],
    wishes: LeaseWishes = {},
  ): Promise<Lease> {
    const { queryIntervalSeconds, subnet, address } = settings
    try {
      return await this.#ipam.acquire({
        owner,
        nics,
        queryIntervalSeconds,
        ...(subnet !== undefined && { subnet }),
        ...(address !== undefined && { address }),
        ...wishes,
      })
    } catch (error) {
      throw toCniError(error)
    }
  }

  /** Ends the owner's leases, of one family or of both, and returns them. Repeats safely. */
  async release(owner: Owner, family?: Family): Promise<Lease[]> {
    try {
      return await this.#ipam.release(owner, family)
    } catch (error) {
      throw toCniError(error)
    }
  }

  /** The pools as the source last told of them, with their numbers, and all leases. Takes no lock. */
  snapshot(nics?: readonly HostNic[]): IpamSnapshot {
    try {
      return this.#ipam.snapshot(nics)
    } catch (error) {
      throw toCniError(error)
    }
  }

  /** The owner's leases, of one family or of both. Takes no lock. */
  find(owner: Owner, family?: Family): Lease[] {
    try {
      return this.#ipam.find(owner, family)
    } catch (error) {
      throw toCniError(error)
    }
  }
}

const CODES: readonly [new (...args: never[]) => Error, number][] = [
  [PoolExhaustedError, CniCode.PoolExhausted],
  [SourceError, CniCode.SourceUnavailable],
  [AddressError, CniCode.AddressUnavailable],
  [LockTimeoutError, CniCode.TryAgain],
  [StateError, CniCode.StateUnusable],
  [TypeError, CniCode.InvalidConfig],
]

function toCniError(error: unknown): unknown {
  const code = CODES.find(([type]) => error instanceof type)?.[1]
  if (code === undefined) return error
  return new CniError(code, (error as Error).message, undefined, { cause: error })
}
