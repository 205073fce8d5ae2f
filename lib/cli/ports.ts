/**
 * Published ports as people write them: `8080:80`, `127.0.0.1:8080:80/tcp`, `[::1]:53:53/udp`,
 * `8000-8100:8000-8100`.
 */
import type { PortMapping } from '../cni/spec/types.js'
import { UsageError } from './command.js'

const FORM = 'use [HOST-IP:]HOST-PORT:CONTAINER-PORT[/tcp|udp|sctp]'

/** Reads a port or a range of ports; throws UsageError naming the text and the form. */
export function parsePorts(text: string): PortMapping[] {
  const [, bracketed, plain, host, inside, protocol = 'tcp'] =
    /^(?:\[([^\]]*)\]:|([^:]*):)?([\d-]+):([\d-]+)(?:\/([a-z]+))?$/i.exec(text) ?? []
  if (host === undefined || inside === undefined) throw wrong(text)
  const known = (['tcp', 'udp', 'sctp'] as const).find(
    (name) => name === protocol.toLowerCase(),
  )
  if (!known) throw wrong(text)
  const hostIP = bracketed ?? plain
  const [outer, inner] = [ports(host, text), ports(inside, text)]
  if (outer.length !== inner.length) throw wrong(text)
  return outer.map((hostPort, i) => ({
    hostPort,
    containerPort: inner[i]!,
    protocol: known,
    ...(hostIP && { hostIP }),
  }))
}

function ports(written: string, text: string): number[] {
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(written) ?? []
  const [from, to] = [port(first, text), port(last, text)]
  if (from > to) throw wrong(text)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

function port(digits: string, text: string): number {
  const number = Number(digits)
  if (number >= 1 && number <= 65535) return number
  throw wrong(text)
}

function wrong(text: string): UsageError {
  return new UsageError(
    `-p ${text} is not valid: ${FORM}, ports from 1 to 65535 or ranges of them`,
  )
}
