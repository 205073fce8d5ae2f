/**
 * The `ipam` section of a network configuration, as azure-vnet-ipam reads it.
 */
import { ConfigReader, isObject } from '../../cni/spec/config.js'
import { idleFields, refuseFields, type FieldTable } from '../../cni/spec/fields.js'
import type { JsonObject } from '../../cni/spec/types.js'
import type { LeaseSettings } from '../../engine/leases.js'
import { familyOf, parseInterface } from '../../ip/index.js'
import { DEFAULT_ENVIRONMENT, ENVIRONMENTS } from '../../ipam/sources/index.js'

/**
 * What the section can hold: the fields of Azure's own plug-in (NetworkConfig in
 * azure-container-networking, cni/netconfig.go).
 */
export const IPAM_FIELDS: FieldTable = {
  type: 'read',
  environment: 'read',
  queryInterval: 'read',
  subnet: 'read',
  ipAddress: 'read',
  hostAddresses: 'read',
  addressSpace: { noEffect: 'the pools are those of the NICs of this machine' },
  mode: {
    refused:
      'overlay addresses come from azure-cns; leave it out for addresses of the NIC',
  },
}

const HOST_ADDRESSES = ['skip', 'take'] as const

/** The section, checked, with defaults. */
export interface IpamConfig extends LeaseSettings {
  /** What becomes of secondary addresses that are on the host's NIC. */
  readonly hostAddresses: (typeof HOST_ADDRESSES)[number]
  /** Addresses that are asked for, at most one of each family; any one will do when empty. */
  readonly addresses: readonly string[]
}

/**
 * Reads the section. Addresses are those of the first that names any: `ipam.ipAddress`, CNI_ARGS `IP`,
 * `args.cni.ips`, `runtimeConfig.ips`.
 * Throws CniError naming field and cure: 7 for a wrong value, 2 for a field that is not supported.
 */
export function parseIpamConfig(
  conf: JsonObject,
  args: ReadonlyMap<string, string>,
): IpamConfig {
  const ipam =
    new ConfigReader(conf).optionalObject('ipam') ?? new ConfigReader({}, 'ipam')
  refuseFields(ipam.json, IPAM_FIELDS, 'ipam')
  const addresses = wantedAddresses(conf, ipam, args)
  return {
    environment:
      ipam.optionalString('environment', { oneOf: ENVIRONMENTS }) ?? DEFAULT_ENVIRONMENT,
    queryIntervalSeconds: queryInterval(ipam),
    subnet: ipam.optionalCidr('subnet'),
    address: addresses[0],
    addresses,
    hostAddresses:
      ipam.optionalString('hostAddresses', { oneOf: HOST_ADDRESSES }) ?? 'skip',
  }
}

/** A sentence for the log for each field of the section that does nothing. */
export function idleIpamFields({ ipam }: JsonObject): string[] {
  return isObject(ipam) ? idleFields(ipam, IPAM_FIELDS, 'ipam') : []
}

const DEFAULT_QUERY_INTERVAL = 10

// Azure's plug-in has it as a string, most people write a number.
function queryInterval(ipam: ConfigReader): number {
  const value = ipam.json['queryInterval']
  if (typeof value !== 'string') {
    return (
      ipam.optionalInt('queryInterval', { min: 0, max: 86400 }) ?? DEFAULT_QUERY_INTERVAL
    )
  }
  const seconds = Number(value)
  if (
    value.trim() !== '' &&
    Number.isInteger(seconds) &&
    seconds >= 0 &&
    seconds <= 86400
  ) {
    return seconds
  }
  throw ipam.invalid('queryInterval', 'use a whole number of seconds from 0 to 86400')
}

function wantedAddresses(
  conf: JsonObject,
  ipam: ConfigReader,
  args: ReadonlyMap<string, string>,
): string[] {
  const wanted = ipam.optionalString('ipAddress')
  if (wanted !== undefined) return [checked(ipam, 'ipAddress', wanted)]
  const arg = args.get('IP')
  if (arg) return [checked(new ConfigReader({ IP: arg }, 'CNI_ARGS'), 'IP', arg)]
  for (const [holder, name] of ipsHolders(conf)) {
    const reader = new ConfigReader(holder, name)
    const addresses = reader.strings('ips').map((text) => checked(reader, 'ips', text))
    const families = new Set(addresses.map(familyOf))
    if (families.size < addresses.length) {
      throw reader.invalid('ips', 'an interface has one address of each family')
    }
    if (addresses.length > 0) return addresses
  }
  return []
}

/** Where runtimes put the addresses that a container shall have (CONVENTIONS.md). */
function ipsHolders({ args, runtimeConfig }: JsonObject): [JsonObject, string][] {
  const cni = isObject(args) ? args['cni'] : undefined
  return [
    ...(isObject(cni) ? [[cni, 'args.cni'] as [JsonObject, string]] : []),
    ...(isObject(runtimeConfig)
      ? [[runtimeConfig, 'runtimeConfig'] as [JsonObject, string]]
      : []),
  ]
}

function checked(reader: ConfigReader, key: string, text: string): string {
  const parsed = parseInterface(text)
  if (parsed) return parsed.address
  throw reader.invalid(key, 'use an IP address, 10.0.0.5 or fd00::5')
}
