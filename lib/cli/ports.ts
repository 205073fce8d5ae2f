/**
 * Published ports as people write them: `8080:80`, `127.0.0.1:8080:80/tcp`, `[::1]:53:53/udp`.
 */
import type { PortMapping } from '../cni/spec/types.js'
import { UsageError } from './command.js'

const FORM = 'use [HOST-IP:]HOST-PORT:CONTAINER-PORT[/tcp|udp|sctp]'

/** Reads one mapping; throws UsageError naming the text and the form. */
export function parsePort(text: string): PortMapping {
  const [, bracketed, plain, host, inside, protocol = 'tcp'] =
    /^(?:\[([^\]]*)\]:|([^:]*):)?(\d+):(\d+)(?:\/([a-z]+))?$/i.exec(text) ?? []
  if (host === undefined || inside === undefined) throw wrong(text)
  const known = (['tcp', 'udp', 'sctp'] as const).find(
    (name) => name === protocol.toLowerCase(),
  )
  if (!known) throw wrong(text)
  const hostIP = bracketed ?? plain
  return {
    hostPort: port(host, text),
    containerPort: port(inside, text),
    protocol: known,
    ...(hostIP && { hostIP }),
  }
}

function port(digits: string, text: string): number {
  const number = Number(digits)
  if (number >= 1 && number <= 65535) return number
  throw wrong(text)
}

function wrong(text: string): UsageError {
  return new UsageError(`-p ${text} is not valid: ${FORM}, ports from 1 to 65535`)
}
