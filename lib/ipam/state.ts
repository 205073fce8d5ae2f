/**
 * What address management keeps on disk.
 */
import { join } from 'node:path'
import type { Host } from '../host/host.js'
import { canonicalMac, familyOf, parseCidr, parsePrefix } from '../ip/index.js'
import { ownerShape } from '../state/owner-shape.js'
import { Salvage, type Salvaged } from '../state/salvage.js'
import {
  flag,
  list,
  number,
  object,
  primitive,
  record,
  text,
  type Shape,
} from '../state/schema.js'
import { Store, type StoreHost, type StoreOptions } from '../state/store.js'
import type { AddressInfo, InterfaceInfo, Lease } from './types.js'

/** The document of the IPAM store. Times are in milliseconds since the epoch. */
export interface IpamState {
  /** When the source last answered well; 0 for never. */
  fetchedAt: number
  /** When the source last failed; 0 when it has answered well since. */
  failedAt: number
  /** The last good answer. */
  interfaces: readonly InterfaceInfo[]
  /** An owner has at most one of each address family. */
  leases: Lease[]
  /** When an address was given back, by address. */
  freed: Record<string, number>
}

/** The document of a host where nothing happened yet. */
export function emptyIpamState(): IpamState {
  return { fetchedAt: 0, failedAt: 0, interfaces: [], leases: [], freed: {} }
}

/**
 * Version of the document's shape. In version 1 an owner had one lease, whatever its family; all
 * else is the same, so that its data is data of version 2. A program that knows version 1 alone
 * must not take the second lease of an owner for a mistake.
 */
const IPAM_STATE_VERSION = 2

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

const asText = (fits: (value: string) => boolean) => (value: unknown) =>
  typeof value === 'string' && fits(value)
const isAddress = asText((value) => familyOf(value) !== undefined)

const address = primitive<string>('an IP address', isAddress)
const cidr = primitive<string>(
  'an address with its prefix length',
  asText((value) => parseCidr(value) !== undefined),
)
const prefix = primitive<string>(
  'a prefix',
  asText((value) => parsePrefix(value)?.cidr === value),
)
const mac = primitive<string>(
  'a MAC address or "*"',
  asText((value) => value === '*' || canonicalMac(value) !== undefined),
)

const addressInfo: Shape<AddressInfo> = object({ address, primary: flag })
const addressInfos = list(addressInfo)

// There may be hundreds, and every call reads them: what fits needs no more than a look.
function knownAddresses(value: unknown, path: string): AddressInfo[] {
  const fits = (one: Partial<AddressInfo> | null) =>
    typeof one?.primary === 'boolean' && isAddress(one.address)
  return Array.isArray(value) && value.every(fits) ? value : addressInfos(value, path)
}

const interfaceInfo: Shape<InterfaceInfo> = object({
  mac,
  primary: flag,
  subnets: list(object({ prefix, addresses: knownAddresses })),
})
const leaseKey = object({
  address: cidr,
  owner: ownerShape,
})
const leaseRest = object({ gateway: address, pool: prefix, nic: text, since: number })
const freed = record(number)

const whole: Shape<IpamState> = object({
  fetchedAt: number,
  failedAt: number,
  interfaces: list(interfaceInfo),
  leases: list((value, path) => readLease(value, path)),
  freed: (value, path) => {
    const stray = Object.keys(freed(value, path)).find((key) => !isAddress(key))
    if (stray === undefined) return value as Record<string, number>
    throw new TypeError(`${path}.${stray} is not the name of an address`)
  },
})

function readLease(value: unknown, path: string): Lease {
  return { ...leaseKey(value, path), ...leaseRest(value, path) }
}

/**
 * Takes data that was read from disk for an IPAM document, of version 1 or 2. What is broken of it
 * is left out, the rest is used: a lease that is lost is an address that is given twice. Throws
 * TypeError when it is no object.
 */
export function parseIpamState(data: unknown): IpamState | Salvaged<IpamState> {
  try {
    return whole(data, '')
  } catch {
    return salvage(object({})(data, '') as Partial<Record<keyof IpamState, unknown>>)
  }
}

function salvage(
  data: Partial<Record<keyof IpamState, unknown>>,
): IpamState | Salvaged<IpamState> {
  const salvaged = new Salvage()
  const fetchedAt = salvaged.value(number, data.fetchedAt, 'fetchedAt') ?? 0
  const interfaces = salvaged.list(interfaceInfo, data.interfaces, 'interfaces')
  const known = salvaged.record(number, data.freed, 'freed')
  const addresses = Object.entries(known).filter(([key]) => isAddress(key))
  if (addresses.length < Object.keys(known).length) {
    salvaged.note('freed has names that are no addresses')
  }
  // The source can be asked again: an answer without its time, or without a part, is old.
  const isUsable = fetchedAt !== 0 && interfaces.length > 0
  return salvaged.result({
    fetchedAt: isUsable ? fetchedAt : 0,
    failedAt: salvaged.value(number, data.failedAt, 'failedAt') ?? 0,
    interfaces: isUsable ? interfaces : [],
    leases: salvaged.list(
      (value, path) => makeGood(salvaged, value, path),
      data.leases,
      'leases',
    ),
    freed: Object.fromEntries(addresses),
  })
}

// Whose address it is must be known; the address tells the rest well enough.
function makeGood(salvaged: Salvage, value: unknown, path: string): Lease {
  const { address: own, owner } = leaseKey(value, path)
  const found = value as Record<string, unknown>
  const subnet = parsePrefix(own)!
  const likely = { gateway: subnet.firstHost, pool: subnet.cidr, nic: '', since: 0 }
  const rest: Record<string, unknown> = {}
  for (const [name, otherwise] of Object.entries(likely)) {
    try {
      leaseRest({ ...likely, [name]: found[name] }, path)
      rest[name] = found[name]
    } catch (error) {
      salvaged.note(`${(error as Error).message}: ${JSON.stringify(otherwise)} is used`)
      rest[name] = otherwise
    }
  }
  return { address: own, owner, ...(rest as typeof likely) }
}
