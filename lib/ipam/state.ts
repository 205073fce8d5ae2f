/**
 * What address management keeps on disk.
 */
import { join } from 'node:path'
import type { Host } from '../host/host.js'
import { flag, list, number, object, record, text, type Shape } from '../state/schema.js'
import { Store, type StoreHost, type StoreOptions } from '../state/store.js'
import type { InterfaceInfo, Lease } from './types.js'

/** The document of the IPAM store. Times are in milliseconds since the epoch. */
export interface IpamState {
  /** When the source last answered well; 0 for never. */
  fetchedAt: number
  /** When the source last failed; 0 when it has answered well since. */
  failedAt: number
  /** The last good answer. */
  interfaces: readonly InterfaceInfo[]
  leases: Lease[]
  /** When an address was given back, by address. */
  freed: Record<string, number>
}

/** The document of a host where nothing happened yet. */
export function emptyIpamState(): IpamState {
  return { fetchedAt: 0, failedAt: 0, interfaces: [], leases: [], freed: {} }
}

/** Version of the document's shape. */
const IPAM_STATE_VERSION = 1

/**
 * The store of all leases: `ipam.json` in the state folder. One for the host, whatever the number
 * of networks: they share the NICs' addresses.
 */
export function ipamStore(
  host: StoreHost & Pick<Host, 'stateDir'>,
  options: Partial<Pick<StoreOptions<IpamState>, 'warn' | 'lockTimeoutMs'>> = {},
): Store<IpamState> {
  return new Store({
    host,
    path: join(host.stateDir, 'ipam.json'),
    version: IPAM_STATE_VERSION,
    initial: emptyIpamState,
    parse: parseIpamState,
    ...options,
  })
}

const owner = object({ network: text, containerId: text, ifname: text })

const ipamState: Shape<IpamState> = object({
  fetchedAt: number,
  failedAt: number,
  interfaces: list(
    object({
      mac: text,
      primary: flag,
      subnets: list(
        object({
          prefix: text,
          addresses: list(object({ address: text, primary: flag })),
        }),
      ),
    }),
  ),
  leases: list(
    object({
      address: text,
      gateway: text,
      pool: text,
      nic: text,
      since: number,
      owner,
    }),
  ),
  freed: record(number),
})

/** Takes data that was read from disk for an IPAM document. Throws TypeError naming the place. */
export function parseIpamState(data: unknown): IpamState {
  return ipamState(data, '')
}
