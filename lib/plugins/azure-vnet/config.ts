/**
 * The configuration of azure-vnet.
 */
import { ConfigReader } from '../../cni/spec/config.js'
import type { CniDns, JsonObject } from '../../cni/spec/types.js'
import { parseCidr } from '../../ip/index.js'

/** Name of the IPAM plug-in that runs in the same process. */
export const OWN_IPAM = 'azure-vnet-ipam'

/** The configuration, checked, with defaults. */
export interface VnetConfig {
  readonly mode: 'bridge'
  /** Name of the NIC; found by the address when absent. */
  readonly master: string | undefined
  /** Name of the bridge; `azure` and the primary interface's index when absent. */
  readonly bridge: string | undefined
  readonly ipamType: string
  /** `auto` excepts the prefix of the pool. */
  readonly masquerade: false | 'auto' | { readonly except: readonly string[] }
  readonly dns: CniDns | undefined
}

/** Reads the configuration. Throws CniError (7) naming field, value and cure. */
export function parseVnetConfig(conf: JsonObject): VnetConfig {
  const reader = new ConfigReader(conf)
  const ipam = reader.object('ipam')
  return {
    mode: reader.optionalString('mode', { oneOf: ['bridge'] }) ?? 'bridge',
    master: linkName(reader, 'master'),
    bridge: linkName(reader, 'bridge'),
    ipamType: programName(ipam),
    masquerade: masquerade(reader),
    dns: dns(reader.optionalObject('dns')),
  }
}

function programName(ipam: ConfigReader): string {
  const type = ipam.string('type')
  if (!type.includes('/') && type !== '.' && type !== '..') return type
  throw ipam.invalid('type', 'use the file name of a plug-in, without a folder')
}

function linkName(reader: ConfigReader, key: string): string | undefined {
  const name = reader.optionalString(key)
  if (name === undefined) return undefined
  const fits =
    Buffer.byteLength(name) <= 15 && !/[/:\s]/.test(name) && !/^\.\.?$/.test(name)
  if (fits) return name
  throw reader.invalid(
    key,
    'use an interface name: 1 to 15 bytes without "/", ":" and spaces',
  )
}

function masquerade(reader: ConfigReader): VnetConfig['masquerade'] {
  const value = reader.json['masquerade']
  if (typeof value !== 'object' || value === null) {
    return reader.optionalBoolean('masquerade') ? 'auto' : false
  }
  const section = reader.object('masquerade')
  const except = section.cidrs('except')
  const six = except.find((prefix) => parseCidr(prefix)?.family === 'ipv6')
  if (six) throw section.invalid('except', 'only IPv4 prefixes are masqueraded')
  return except.length > 0 ? { except } : 'auto'
}

// Every runtime writes a dns section; Go programs an empty one.
function dns(section: ConfigReader | undefined): CniDns | undefined {
  const nameservers = section?.ips('nameservers') ?? []
  const search = section?.strings('search') ?? []
  const options = section?.strings('options') ?? []
  const domain = section?.optionalString('domain')
  const found = {
    ...(nameservers.length > 0 && { nameservers }),
    ...(domain && { domain }),
    ...(search.length > 0 && { search }),
    ...(options.length > 0 && { options }),
  }
  return Object.keys(found).length > 0 ? found : undefined
}
