/**
 * What address management keeps on disk.
 */
import { join } from 'node:path'
import { stateDir } from '../state/paths.js'
import { Store, type StoreOptions } from '../state/store.js'
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

/**
 * The store of all leases: `ipam.json` in the state folder unless `path` says otherwise.
 * One for the host, whatever the number of networks: they share the NICs' addresses.
 */
export function ipamStore(
  options: Partial<StoreOptions<IpamState>> = {},
): Store<IpamState> {
  const path = options.path ?? join(stateDir(), 'ipam.json')
  return new Store({ initial: emptyIpamState, isValid: isIpamState, ...options, path })
}

/** Tells whether something read from disk is a whole IPAM document. */
export function isIpamState(data: unknown): data is IpamState {
  return (
    isObject(data) &&
    isTime(data.fetchedAt) &&
    isTime(data.failedAt) &&
    isArrayOf(data.interfaces, isInterface) &&
    isArrayOf(data.leases, isLease) &&
    isObject(data.freed) &&
    Object.values(data.freed).every(isTime)
  )
}

function isInterface(value: unknown): boolean {
  return isObject(value) && isText(value.mac) && isArrayOf(value.subnets, isSubnet)
}

function isSubnet(value: unknown): boolean {
  return isObject(value) && isText(value.prefix) && isArrayOf(value.addresses, isAddress)
}

function isAddress(value: unknown): boolean {
  return isObject(value) && isText(value.address) && typeof value.primary === 'boolean'
}

function isLease(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.address) &&
    isText(value.gateway) &&
    isText(value.pool) &&
    isText(value.nic) &&
    isTime(value.since) &&
    isOwner(value.owner)
  )
}

function isOwner(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.network) &&
    isText(value.containerId) &&
    isText(value.ifname)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isArrayOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
