/**
 * Port mappings as the runtime gives them, checked and told apart by family.
 */
import { canonicalAddress, familyOf, type Family } from '../ip/index.js'
import { CniCode, CniError } from '../cni/spec/errors.js'

/** A host port that leads to a container, checked. */
export interface Mapping {
  readonly protocol: 'tcp' | 'udp'
  /** 1 to 65535 */
  readonly hostPort: number
  /** 1 to 65535 */
  readonly containerPort: number
  /** IPv4 address of the host; undefined for all of them. */
  readonly hostAddress?: string | undefined
}

const PROTOCOLS = ['tcp', 'udp'] as const

function wrong(place: string, value: unknown, cure: string): CniError {
  const shown = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`
  return new CniError(CniCode.InvalidConfig, `${place} ${shown}: ${cure}`)
}

function port(entry: Record<string, unknown>, key: string, place: string): number {
  const value = entry[key]
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535) {
    return value as number
  }
  throw wrong(`${place}.${key}`, value, 'give a port from 1 to 65535')
}

const KEYS = ['hostPort', 'containerPort', 'protocol', 'hostIP'] as const

// Go programs read keys in any case, and containerd writes "HostPort" (PortMapping in go-cni
// has no JSON names). A key in its own case goes before others.
function knownKeys(
  raw: object,
  place: string,
  warn: (text: string) => void,
): Record<string, unknown> {
  const entries = Object.entries(raw)
  const isKey = (name: string) => (key: string) =>
    key.toLowerCase() === name.toLowerCase()
  for (const [name] of entries) {
    if (!KEYS.some(isKey(name))) warn(`${place}.${name} is not a known field`)
  }
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const found =
        entries.find(([name]) => name === key) ??
        entries.find(([name]) => isKey(name)(key))
      return found ? [[key, found[1]]] : []
    }),
  )
}

function parseOne(
  raw: unknown,
  place: string,
  warn: (text: string) => void,
): (Mapping & { family: Family | undefined }) | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw wrong(place, raw, 'give an object with hostPort, containerPort and protocol')
  }
  const entry = knownKeys(raw, place, warn)
  const protocol = String(entry['protocol'] ?? 'tcp').toLowerCase()
  if (!PROTOCOLS.includes(protocol as 'tcp')) {
    throw wrong(`${place}.protocol`, entry['protocol'], 'use tcp or udp')
  }
  const hostIP = entry['hostIP'] ?? ''
  const address = canonicalAddress(hostIP as string)
  if (hostIP !== '' && address === undefined) {
    throw wrong(
      `${place}.hostIP`,
      hostIP,
      'give an IPv4 or IPv6 address, or leave it out',
    )
  }
  return {
    protocol: protocol as 'tcp' | 'udp',
    hostPort: port(entry, 'hostPort', place),
    containerPort: port(entry, 'containerPort', place),
    // An unspecified address means every address of its family.
    hostAddress: address === '0.0.0.0' || address === '::' ? undefined : address,
    family: address === undefined ? undefined : familyOf(address),
  }
}

/**
 * Reads `runtimeConfig.portMappings`. Mappings for IPv6 addresses of the host do not concern an
 * IPv4 container and are left out. Of those that want the same port the first counts, as in the
 * reference plug-in. Throws CniError (7) that names the entry and the field.
 *
 * @param warn told of what is given and has no effect
 */
export function parseMappings(
  raw: unknown,
  warn: (text: string) => void = () => undefined,
): Mapping[] {
  if (raw === undefined || raw === null) return []
  const place = 'runtimeConfig.portMappings'
  if (!Array.isArray(raw)) throw wrong(place, raw, 'give a list of mappings')
  const out = new Map<string, Mapping>()
  raw.forEach((item, i) => {
    const parsed = parseOne(item, `${place}[${i}]`, warn)
    if (!parsed || parsed.family === 'ipv6') return
    const { family: _, ...mapping } = parsed
    const { protocol, hostAddress = '*', hostPort, containerPort } = mapping
    const key = `${protocol} ${hostAddress} ${hostPort}`
    const first = out.get(key)
    if (!first) out.set(key, mapping)
    else if (first.containerPort !== containerPort) {
      warn(
        `${place}[${i}] has no effect: ${describeMapping(mapping)} ` +
          `leads to port ${first.containerPort} by an entry before it`,
      )
    }
  })
  return [...out.values()]
}

/** A mapping for people: `tcp 0.0.0.0:8080`. */
export function describeMapping(
  m: Pick<Mapping, 'protocol' | 'hostAddress' | 'hostPort'>,
): string {
  return `${m.protocol} ${m.hostAddress ?? '0.0.0.0'}:${m.hostPort}`
}
