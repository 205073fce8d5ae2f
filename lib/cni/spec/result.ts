/**
 * Results of ADD in every version of the CNI spec ("Result Types" in SPEC.md): printing
 * ours, and reading a prevResult or the answer of a delegated plug-in.
 *
 * The conversions are those of libcni, because runtimes compare with what it makes:
 * - up to 0.2.0: `ip4` and `ip6` with one address each, routes inside, no interfaces
 * - 0.3.0 to 0.4.0: lists; each address says its version; `dns` is there even when empty
 * - from 1.0.0: no version in addresses; an empty `dns` is left out
 */
import { parseCidr } from '../../ip/index.js'
import { ConfigReader } from './config.js'
import { CniCode, CniError, internalError } from './errors.js'
import type {
  CniDns,
  CniInterface,
  CniIp,
  CniResult,
  CniRoute,
  JsonObject,
} from './types.js'
import { CNI_VERSIONS, layoutOf, type ResultLayout } from './version.js'

/** `4` or `6`, as results name the family of an address with prefix length. */
function ipVersion(cidr: string): '4' | '6' | undefined {
  const family = parseCidr(cidr)?.family
  return family && (family === 'ipv4' ? '4' : '6')
}

/** The wire form of a result in a CNI version. */
export function printResult(result: CniResult, cniVersion: string): JsonObject {
  const layout = requireLayout(cniVersion)
  if (layout === '0.2') return { cniVersion, ...printOld(result) }
  const ips = result.ips?.map((ip) => printIp(ip, layout))
  return {
    cniVersion,
    ...list(
      'interfaces',
      result.interfaces?.map((link) => printInterface(link, layout)),
    ),
    ...list('ips', ips),
    ...list('routes', result.routes?.map(printRoute)),
    ...printDns(result.dns, layout),
    ...result.extra,
  }
}

/**
 * Reads a result of any version into the internal form.
 *
 * @param json the parsed JSON
 * @param cniVersion the version it must have; one without `cniVersion` is taken to have it
 * @param path what errors call it
 * @throws CniError code 7 with the path of the wrong field
 */
export function parseResult(
  json: unknown,
  cniVersion: string,
  path = 'prevResult',
): CniResult {
  const reader = new ConfigReader({ [path]: json }).object(path)
  // libcni converts a cached result to the config's version, so another one is a mistake.
  reader.optionalString('cniVersion', { oneOf: [cniVersion] })
  const layout = requireLayout(cniVersion)
  if (layout === '0.2') return parseOld(reader)
  const interfaces = reader.array('interfaces').map(parseInterface)
  return {
    ...list('interfaces', interfaces),
    ...list(
      'ips',
      reader.array('ips').map((ip) => parseIp(ip, layout)),
    ),
    ...list('routes', reader.array('routes').map(parseRoute)),
    ...parseDns(reader),
    ...extra(reader, ['cniVersion', 'interfaces', 'ips', 'routes', 'dns']),
  }
}

function requireLayout(cniVersion: string): ResultLayout {
  const layout = layoutOf(cniVersion)
  if (layout) return layout
  throw new CniError(
    CniCode.IncompatibleVersion,
    `no results of CNI version "${cniVersion}": use one of ${CNI_VERSIONS.join(', ')}`,
  )
}

function printOld(result: CniResult): JsonObject {
  const ip4 = printOldIp(result, '4')
  const ip6 = printOldIp(result, '6')
  if (!ip4 && !ip6) {
    throw internalError('a result without an address has no form in CNI 0.2.0 or older')
  }
  return { ...(ip4 && { ip4 }), ...(ip6 && { ip6 }), ...printDns(result.dns, '0.2') }
}

function printOldIp(result: CniResult, version: '4' | '6'): JsonObject | undefined {
  const ip = result.ips?.find(({ address }) => ipVersion(address) === version)
  if (!ip) return undefined
  const routes = result.routes?.filter(({ dst }) => ipVersion(dst) === version)
  return {
    ip: ip.address,
    ...given('gateway', ip.gateway),
    ...list(
      'routes',
      routes?.map(({ dst, gw }) => ({ dst, ...given('gw', gw) })),
    ),
  }
}

function printInterface(link: CniInterface, layout: ResultLayout): JsonObject {
  const { name, mac, mtu, sandbox, extra: more } = link
  if (layout === '1') {
    return {
      name,
      ...given('mac', mac),
      ...given('mtu', mtu),
      ...given('sandbox', sandbox),
      ...more,
    }
  }
  // Fields of 1.1.0 that libcni drops on the way to 0.x.
  const { socketPath: _socketPath, pciID: _pciID, ...rest } = more ?? {}
  return { name, ...given('mac', mac), ...given('sandbox', sandbox), ...rest }
}

function printIp(ip: CniIp, layout: ResultLayout): JsonObject {
  const version = ipVersion(ip.address)
  if (version === undefined)
    throw internalError(`"${ip.address}" is no address with prefix length`)
  return {
    ...(layout === '0.3' && { version }),
    ...given('interface', ip.interface),
    address: ip.address,
    ...given('gateway', ip.gateway),
    ...ip.extra,
  }
}

function printRoute({ dst, gw, extra: more }: CniRoute): JsonObject {
  return { dst, ...given('gw', gw), ...more }
}

function printDns(dns: CniDns | undefined, layout: ResultLayout): JsonObject {
  const wire = {
    ...list('nameservers', dns?.nameservers),
    ...given('domain', dns?.domain),
    ...list('search', dns?.search),
    ...list('options', dns?.options),
  }
  return layout === '1' && Object.keys(wire).length === 0 ? {} : { dns: wire }
}

function parseOld(reader: ConfigReader): CniResult {
  const families = (['ip4', 'ip6'] as const).flatMap((key) => {
    const old = reader.optionalObject(key)
    return old ? [{ key, old }] : []
  })
  return {
    ...list(
      'ips',
      families.map(({ key, old }) => parseOldIp(old, key)),
    ),
    ...list(
      'routes',
      families.flatMap(({ old }) => old.array('routes').map(parseRoute)),
    ),
    ...parseDns(reader),
    ...extra(reader, ['cniVersion', 'ip4', 'ip6', 'dns']),
  }
}

function parseOldIp(old: ConfigReader, key: 'ip4' | 'ip6'): CniIp {
  const address = old.cidr('ip')
  if (`ip${ipVersion(address)}` !== key) {
    throw old.invalid(
      'ip',
      `use an address of the other family, or move it out of ${key}`,
    )
  }
  return { address, ...given('gateway', ipOrNothing(old, 'gateway')) }
}

function parseInterface(reader: ConfigReader): CniInterface {
  return {
    name: reader.string('name'),
    ...given('mac', textOrNothing(reader, 'mac')),
    ...given('mtu', reader.optionalInt('mtu', { min: 0 })),
    ...given('sandbox', textOrNothing(reader, 'sandbox')),
    ...extra(reader, ['name', 'mac', 'mtu', 'sandbox']),
  }
}

function parseIp(reader: ConfigReader, layout: ResultLayout): CniIp {
  const address = reader.cidr('address')
  if (layout === '0.3') {
    // Required by the spec, left out by some plug-ins, and known from the address.
    reader.optionalString('version', { oneOf: [ipVersion(address)!] })
  }
  // One that is no position in `interfaces` says nothing, and is passed on as libcni does.
  const index = reader.optionalInt('interface')
  return {
    address,
    ...given('gateway', ipOrNothing(reader, 'gateway')),
    ...given('interface', index),
    ...extra(reader, ['version', 'address', 'gateway', 'interface']),
  }
}

function parseRoute(reader: ConfigReader): CniRoute {
  return {
    dst: reader.cidr('dst'),
    ...given('gw', ipOrNothing(reader, 'gw')),
    ...extra(reader, ['dst', 'gw']),
  }
}

function parseDns(reader: ConfigReader): { dns?: CniDns } {
  const dns = reader.optionalObject('dns')
  if (!dns || Object.keys(dns.json).length === 0) return {}
  return {
    dns: {
      ...list('nameservers', dns.strings('nameservers')),
      ...given('domain', textOrNothing(dns, 'domain')),
      ...list('search', dns.strings('search')),
      ...list('options', dns.strings('options')),
    },
  }
}

/** An empty string is how some plug-ins write "none"; Go reads it so too. */
function textOrNothing(reader: ConfigReader, key: string): string | undefined {
  return reader.json[key] === '' ? undefined : reader.optionalString(key)
}

function ipOrNothing(reader: ConfigReader, key: string): string | undefined {
  return reader.json[key] === '' ? undefined : reader.optionalIp(key)
}

/** The fields of an object that are not in a list of known ones. */
function extra({ json }: ConfigReader, known: readonly string[]): { extra?: JsonObject } {
  const rest = Object.entries(json).filter(([key]) => !known.includes(key))
  return rest.length > 0 ? { extra: Object.fromEntries(rest) } : {}
}

function given<K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [k in K]?: V })
}

function list<K extends string, V>(key: K, values: V[] | undefined): { [k in K]?: V[] } {
  return values && values.length > 0 ? ({ [key]: values } as { [k in K]?: V[] }) : {}
}
