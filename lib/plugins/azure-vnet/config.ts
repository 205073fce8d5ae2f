/**
 * The configuration of azure-vnet.
 */
import { ConfigReader } from '../../cni/spec/config.js'
import { invalidConfig, invalidEnvironment } from '../../cni/spec/errors.js'
import {
  COMMON_FIELDS,
  idleFields,
  refuseFields,
  type FieldTable,
} from '../../cni/spec/fields.js'
import { interfaceRule, pluginTypeRule } from '../../cni/spec/names.js'
import type { CniDns, JsonObject } from '../../cni/spec/types.js'
import { addressOf, familyOf, parseInterface } from '../../ip/index.js'
import { MODE_NAMES, modeOf, type ModeName, type ModeSettings } from '../../vnet/index.js'

/** Name of the IPAM plug-in that runs in the same process. */
export const OWN_IPAM = 'azure-vnet-ipam'

const ACCESS =
  'leave it out: it would change who may reach what, and this plug-in cannot do it'

/** The fields of azure-vnet's config: ours, and those of Azure's own plug-in. */
export const VNET_FIELDS: FieldTable = {
  ...COMMON_FIELDS,
  mode: 'read',
  master: 'read',
  bridge: 'read',
  bridgeLifetime: 'read',
  ipam: 'read',
  masquerade: 'read',
  spoofGuard: 'read',
  strictHost: 'read',
  dns: 'read',
  multiTenancy: { refused: ACCESS },
  enableSnatOnHost: { refused: 'use "masquerade" for Internet SNAT' },
  enableExactMatchForPodName: {
    noEffect: 'pods are told apart by container and interface',
  },
  enableSnatForDns: { refused: ACCESS },
  ipv6Mode: { refused: ACCESS },
  executionMode: { refused: ACCESS },
  serviceCidrs: {
    refused: 'leave it out: service addresses are not redirected in bridge mode',
  },
  vnetCidrs: {
    refused: 'use "masquerade": {"except": [...]} for the ranges of the VNet',
  },
  podNamespaceForDualNetwork: { refused: ACCESS },
  ipsToRouteViaHost: { refused: 'leave it out: no address is routed by way of the host' },
  additionalArgs: { refused: 'leave it out: policies of endpoints are those of Windows' },
  windowsSettings: { noEffect: 'this is not Windows' },
  AdditionalArgs: { refused: 'leave it out: policies of endpoints are those of Windows' },
  disableHairpinOnHostInterface: {
    refused: 'leave it out: a pod reaches itself through the bridge',
  },
  disableIPTableLock: { noEffect: 'iptables is not used' },
  cnsurl: { noEffect: 'the container network service is not asked' },
  logTarget: { noEffect: 'logs go to files' },
  infraVnetAddressSpace: { refused: ACCESS },
  bridgeName: { noEffect: 'the name of the bridge is "bridge"' },
  usePlatformDns: { noEffect: 'use "dns" to name other resolvers' },
}

/** The configuration, checked, with defaults. */
export interface VnetConfig {
  readonly mode: ModeName
  readonly settings: ModeSettings
  readonly ipamType: string
  readonly dns: CniDns | undefined
}

/**
 * Reads the configuration. Throws CniError naming field, value and cure: 7 for a wrong one, 2 for
 * one that is not supported.
 */
export function parseVnetConfig(conf: JsonObject): VnetConfig {
  refuseFields(conf, VNET_FIELDS)
  const reader = new ConfigReader(conf)
  const ipam = reader.object('ipam')
  const mode = reader.optionalString('mode', { oneOf: MODE_NAMES }) ?? 'bridge'
  const ipamType = programName(ipam)
  if (ipamType === OWN_IPAM) checkFamily(mode, ipam)
  return {
    mode,
    settings: {
      master: linkName(reader, 'master'),
      bridge: linkName(reader, 'bridge'),
      bridgeLifetime:
        reader.optionalString('bridgeLifetime', { oneOf: ['node', 'pods'] }) ?? 'node',
      masquerade: masquerade(reader),
      spoofGuard: reader.optionalBoolean('spoofGuard') ?? true,
      strictHost: reader.optionalBoolean('strictHost') ?? false,
    },
    ipamType,
    dns: dns(reader.optionalObject('dns')),
  }
}

/** What is in the configuration and does nothing, in words. */
export function idleVnetFields(conf: JsonObject): string[] {
  return idleFields(conf, VNET_FIELDS)
}

function programName(ipam: ConfigReader): string {
  const type = ipam.string('type')
  if (pluginTypeRule.fits(type)) return type
  throw ipam.invalid('type', pluginTypeRule.cure)
}

// Known before an address is leased, or the host is touched for one that cannot be used.
function checkFamily(mode: ModeName, ipam: ConfigReader): void {
  for (const key of ['subnet', 'ipAddress']) {
    const value = ipam.json[key]
    if (typeof value === 'string' && !carries(mode, value)) {
      throw ipam.invalid(key, onlyIpv4(mode))
    }
  }
}

/** Throws CniError 4 for an address in CNI_ARGS of a family that the mode does not carry. */
export function checkArgs(mode: ModeName, args: ReadonlyMap<string, string>): void {
  const wanted = args.get('IP')
  if (wanted === undefined || carries(mode, wanted)) return
  throw invalidEnvironment('CNI_ARGS: IP', wanted, onlyIpv4(mode))
}

/** Throws CniError 7 for an address of a family that the mode does not carry. */
export function checkWanted(mode: ModeName, addresses: readonly string[]): void {
  const other = addresses.find((address) => !carries(mode, address))
  if (other !== undefined) throw invalidConfig('ips', other, onlyIpv4(mode))
}

const onlyIpv4 = (mode: ModeName) => `mode ${mode} carries IPv4 alone: use an IPv4 one`

// What is no address is for others to refuse.
function carries(mode: ModeName, text: string): boolean {
  const family = parseInterface(text)?.family
  return family === undefined || modeOf(mode).families.includes(family)
}

function linkName(reader: ConfigReader, key: string): string | undefined {
  const name = reader.optionalString(key)
  if (name === undefined || interfaceRule.fits(name)) return name
  throw reader.invalid(key, interfaceRule.cure)
}

function masquerade(reader: ConfigReader): ModeSettings['masquerade'] {
  const value = reader.json['masquerade']
  if (typeof value !== 'object' || value === null) {
    return reader.optionalBoolean('masquerade') ? 'auto' : false
  }
  const section = reader.object('masquerade')
  refuseUnknown(section)
  const except = section.cidrs('except')
  const six = except.find((prefix) => familyOf(addressOf(prefix)) === 'ipv6')
  if (six) throw section.invalid('except', 'only IPv4 prefixes are masqueraded')
  return except.length > 0 ? { except } : 'auto'
}

// A misspelt "except" would let everything out with the host's address.
function refuseUnknown(section: ConfigReader): void {
  const unknown = Object.keys(section.json).find((key) => key !== 'except')
  if (unknown !== undefined) throw section.invalid(unknown, 'the one field is "except"')
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
