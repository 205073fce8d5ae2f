/**
 * Addresses for a call: the part that azure-vnet-ipam and azure-vnet have in common.
 */
import { CniCode, CniError } from '../../cni/spec/errors.js'
import type { Logger } from '../../cni/plugin/log.js'
import type { Owner } from '../../cni/spec/owner.js'
import {
  AddressError,
  Ipam,
  ipamStore,
  PoolExhaustedError,
  SourceError,
  type HostNic,
  type Lease,
} from '../../ipam/index.js'
import type { NetNs } from '../../netlink/index.js'
import { LockTimeoutError, StateError } from '../../host/errors.js'
import type { Host } from '../../host/host.js'
import { hostNics, type HostFacts } from '../../vnet/index.js'
import type { IpamConfig } from './config.js'

/** The platform's resolver, which every Azure VNet has. */
export const AZURE_DNS = '168.63.129.16'

/** Gives addresses of the Azure source and takes them back. Errors are CniErrors. */
export class AddressService {
  readonly #ipam: Ipam

  constructor(host: Host, log: Logger) {
    this.#ipam = new Ipam({
      store: ipamStore(host, { warn: (message) => log.warn(message) }),
      now: () => host.now(),
      // Only an ADD whose pool is old asks the source: HTTP and XML are loaded then.
      source: {
        kind: 'wireserver',
        fetch: async () => {
          const { wireserver } = await import('../../ipam/sources/wireserver.js')
          return wireserver(host).fetch()
        },
      },
      log: (level, message, fields) => log[level](message, fields),
    })
  }

  /** The owner's address: the one that it has, or a new one. */
  async acquire(
    owner: Owner,
    config: IpamConfig,
    nics: readonly HostNic[],
    more: { nic?: string; exclude?: readonly string[] } = {},
  ): Promise<Lease> {
    try {
      return await this.#ipam.acquire({ owner, nics, ...config, ...more })
    } catch (error) {
      throw toIpamError(error)
    }
  }

  /** Ends the owner's lease; undefined when it had none. */
  async release(owner: Owner): Promise<Lease | undefined> {
    try {
      return await this.#ipam.release(owner)
    } catch (error) {
      throw toIpamError(error)
    }
  }

  /** The owner's lease, if any. */
  find(owner: Owner): Lease | undefined {
    return this.#ipam.find(owner)
  }
}

/** The host's NICs with their addresses, those of a bridge over the NIC included. */
export function nicsWithAddresses(facts: Omit<HostFacts, 'routes'>): HostNic[] {
  return hostNics(facts.links).map((nic) => ({
    name: nic.name,
    index: nic.index,
    mac: nic.mac,
    addresses: facts.addresses
      .filter((address) => address.link === nic.index || address.link === nic.master)
      .map((address) => address.address),
  }))
}

/** Reads the host's NICs. Throws NetlinkError, SyscallError. */
export function readNics(host: NetNs): HostNic[] {
  const plan = host.plan()
  const links = plan.link.dump()
  const addresses = plan.address.dump()
  const done = plan.runSync()
  return nicsWithAddresses({ links: done.of(links), addresses: done.of(addresses) })
}

function toIpamError(error: unknown): unknown {
  const code =
    error instanceof PoolExhaustedError
      ? CniCode.PoolExhausted
      : error instanceof SourceError
        ? CniCode.SourceUnavailable
        : error instanceof AddressError
          ? CniCode.AddressUnavailable
          : error instanceof LockTimeoutError
            ? CniCode.TryAgain
            : error instanceof StateError
              ? CniCode.StateUnusable
              : error instanceof TypeError
                ? CniCode.InvalidConfig
                : undefined
  if (code === undefined) return error
  return new CniError(code, (error as Error).message, undefined, { cause: error })
}
