/**
 * The state files of Azure's own plug-ins: which addresses they gave to pods of this node.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalAddress } from '../ip/index.js'

type Json = Readonly<Record<string, unknown>>

/** Finds the addresses of one file; `note` gets what is not understood. */
type Reader = (document: Json, note: (problem: string) => void) => Map<string, string>

// Names in the folder and top keys are those of azure-container-networking: network/manager.go and
// ipam/manager.go write them with Go's names of the members.
const FILES: Readonly<Record<string, Reader>> = {
  'azure-vnet.json': endpointAddresses,
  'azure-vnet-ipam.json': usedAddresses,
}

/**
 * Addresses that Azure's plug-ins have given out, in canonical form, each with a reason that names
 * the file. A file that is absent holds none; one that cannot be read, or a part of it that is not
 * understood, is reported and passed over.
 */
export function readAzureAddresses(
  folder: string,
  warn: (message: string) => void,
): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, reader] of Object.entries(FILES)) {
    const path = join(folder, name)
    const note = (problem: string) => warn(`${path} ${problem}: passed over`)
    const document = readJson(path, note)
    if (!document) continue
    for (const [address, what] of reader(document, note)) {
      found.set(address, `${what} in ${path}`)
    }
  }
  return found
}

function readJson(path: string, note: (problem: string) => void): Json | undefined {
  let text: string
  try {
    // Most hosts have none: an error that is thrown costs more than a look.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      note(`cannot be read: ${code ?? message}`)
    return undefined
  }
  try {
    const document: unknown = JSON.parse(text)
    if (isObject(document)) return document
    note('is no JSON object')
  } catch {
    note('is not JSON')
  }
  return undefined
}

function endpointAddresses(document: Json, note: (problem: string) => void) {
  const found = new Map<string, string>()
  if (!isObject(document['Network'])) note('has no "Network"')
  const interfaces = members(document['Network'], 'ExternalInterfaces')
  const networks = interfaces.flatMap(([, nic]) => members(nic, 'Networks'))
  for (const [id, endpoint] of networks.flatMap(([, one]) => members(one, 'Endpoints'))) {
    for (const one of addressList(endpoint)) {
      const address = canonicalOf(isObject(one) ? one['IP'] : undefined)
      if (address === undefined) note(`has an address of endpoint ${id} that is none`)
      else found.set(address, `endpoint ${id}`)
    }
  }
  return found
}

function addressList(endpoint: unknown): readonly unknown[] {
  const list = isObject(endpoint) ? endpoint['IPAddresses'] : undefined
  return Array.isArray(list) ? list : []
}

function usedAddresses(document: Json, note: (problem: string) => void) {
  const found = new Map<string, string>()
  if (!isObject(document['IPAM'])) note('has no "IPAM"')
  const spaces = members(document['IPAM'], 'AddressSpaces')
  const pools = spaces.flatMap(([, space]) => members(space, 'Pools'))
  for (const [key, record] of pools.flatMap(([, pool]) => members(pool, 'Addresses'))) {
    if (!isObject(record) || record['InUse'] !== true) continue
    const address = canonicalOf(record['Addr']) ?? canonicalOf(key)
    if (address === undefined) note(`has an address "${key}" that is none`)
    else found.set(address, 'in use')
  }
  return found
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function members(parent: unknown, key: string): [string, unknown][] {
  const value = isObject(parent) ? parent[key] : undefined
  return isObject(value) ? Object.entries(value) : []
}

function canonicalOf(value: unknown): string | undefined {
  return typeof value === 'string' ? canonicalAddress(value) : undefined
}
