/**
 * The `ipam` section of a network configuration, as azure-vnet-ipam reads it.
 */
import { ConfigReader } from '../../cni/spec/config.js'
import type { JsonObject } from '../../cni/spec/types.js'
import { parseInterface } from '../../ip/index.js'

/** The section, checked, with defaults. */
export interface IpamConfig {
  /** Seconds that the source's answer serves. */
  readonly queryIntervalSeconds: number
  /** Only from the pool with this prefix. */
  readonly subnet: string | undefined
  /** Only this address, without prefix length. */
  readonly address: string | undefined
}

const DEFAULT_QUERY_INTERVAL = 10

/**
 * Reads the section. CNI_ARGS `IP` is taken where `ipam.ipAddress` is absent.
 * Throws CniError (7) naming field and cure.
 */
export function parseIpamConfig(
  conf: JsonObject,
  args: ReadonlyMap<string, string>,
): IpamConfig {
  const ipam =
    new ConfigReader(conf).optionalObject('ipam') ?? new ConfigReader({}, 'ipam')
  ipam.optionalString('environment', { oneOf: ['azure'] })
  return {
    queryIntervalSeconds: queryInterval(ipam),
    subnet: ipam.optionalCidr('subnet'),
    address: wantedAddress(ipam, args),
  }
}

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

function wantedAddress(
  ipam: ConfigReader,
  args: ReadonlyMap<string, string>,
): string | undefined {
  const wanted = ipam.optionalString('ipAddress')
  if (wanted !== undefined) return checked(ipam, 'ipAddress', wanted)
  const arg = args.get('IP')
  return arg ? checked(new ConfigReader({ IP: arg }, 'CNI_ARGS'), 'IP', arg) : undefined
}

function checked(reader: ConfigReader, key: string, text: string): string {
  const parsed = parseInterface(text)
  if (parsed) return parsed.address
  throw reader.invalid(key, 'use an IP address, 10.0.0.5 or fd00::5')
}
