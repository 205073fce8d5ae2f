/**
 * Programs of the host that wait at ports which are to lead to containers.
 */
import type { NetNs } from '../netlink/netns.js'
import type { InetSocket } from '../netlink/objects/socket.js'
import { describeMapping, type Mapping } from './mapping.js'

/** A port of 127.0.0.1 that a program of the host serves: it stays the program's. */
export interface ServedPort {
  /** What it speaks. */
  readonly protocol: Mapping['protocol']
  /** The port. */
  readonly hostPort: number
}

/** What waits at ports already. */
export interface LocalSockets {
  /** Mappings that take packets from a program, in words that name both. */
  readonly clashes: readonly string[]
  /** Ports of mappings for all addresses that a program has on 127.0.0.1. */
  readonly served: readonly ServedPort[]
}

const LOCALHOST = '127.0.0.1'

/**
 * Looks who waits at the ports of mappings, by one request a protocol. A mapping for all addresses
 * leaves those of 127.0.0.0/8 to a program that is bound to one of them.
 */
export function localSockets(host: NetNs, mappings: readonly Mapping[]): LocalSockets {
  const clashes: string[] = []
  const served: ServedPort[] = []
  const waiting = readWaiting(host, mappings)
  for (const mapping of mappings) {
    const { protocol, hostPort, hostAddress } = mapping
    for (const address of waiting.get(`${protocol} ${hostPort}`) ?? []) {
      const isLoopback = address.startsWith('127.')
      if (!hostAddress && address === LOCALHOST) served.push({ protocol, hostPort })
      const meets = hostAddress ? address === hostAddress || address === ANY : !isLoopback
      if (!meets) continue
      clashes.push(
        `host port ${describeMapping(mapping)}: a program of the host waits at ` +
          `${address}:${hostPort}, which gets no packets from outside while the port leads to ` +
          'a container',
      )
    }
  }
  return { clashes, served }
}

const ANY = '0.0.0.0'

/** IPv4 addresses that sockets wait at, each once, by protocol and port. */
function readWaiting(
  host: NetNs,
  mappings: readonly Mapping[],
): Map<string, Set<string>> {
  const plan = host.plan()
  const dumps = (['tcp', 'udp'] as const)
    .map((protocol) => mappings.filter((mapping) => mapping.protocol === protocol))
    .filter((wanted) => wanted.length > 0)
    .map((wanted) => {
      const [{ protocol, hostPort }] = wanted as [Mapping]
      return plan.socket.listeners(
        protocol,
        wanted.length === 1 ? { localPort: hostPort } : {},
      )
    })
  const found = new Map<string, Set<string>>()
  const done = plan.runSync()
  for (const socket of dumps.flatMap((dump) => done.of(dump))) {
    const address = ipv4Of(socket)
    if (address === undefined) continue
    const key = `${socket.protocol} ${socket.local.port}`
    found.set(key, (found.get(key) ?? new Set()).add(address))
  }
  return found
}

/** The IPv4 address that a socket is bound to; undefined when it takes no IPv4. */
function ipv4Of({
  family,
  local: { address },
  onlyIpv6,
}: InetSocket): string | undefined {
  if (family === 'ipv4') return address
  if (address === '::') return onlyIpv6 ? undefined : ANY
  return /^::ffff:([\d.]+)$/.exec(address)?.[1]
}
