/**
 * The wire server of Azure: it tells a virtual machine which addresses its NICs have.
 */
import type { HttpError } from '../../host/http.js'
import { SourceError } from '../errors.js'
import type { InterfaceInfo, Source, SourceContext } from '../types.js'

/**
 * Where the wire server lists the NICs; the address is the same in every Azure region
 * (learn.microsoft.com, "What is IP address 168.63.129.16?").
 */
export const WIRESERVER_URL =
  'http://168.63.129.16/machine/plugins?comp=nmagent&type=getinterfaceinfov1'

/** How to ask the wire server. */
export interface WireserverOptions {
  /** Another server with the same answer. Must be an `http:` URL. */
  readonly url?: string
  /** Limit for the whole exchange in milliseconds; 5000 when absent. */
  readonly timeoutMs?: number
}

const MAX_BYTES = 1024 * 1024
const CURE =
  'it answers inside an Azure VM only, to the network namespace of the host; check ' +
  'routes and firewall rules towards it (TCP port 80)'

/**
 * The wire server as a source. `fetch` rejects with SourceError; a URL that is not `http:`
 * throws TypeError here. HTTP and XML code is loaded at the first `fetch`.
 */
export function wireserver(
  { host, warn }: SourceContext,
  options: WireserverOptions = {},
): Source {
  const url = new URL(options.url ?? WIRESERVER_URL)
  if (url.protocol !== 'http:') throw new TypeError(`${url.href} is not an http: URL`)
  return {
    kind: 'wireserver',
    async fetch(): Promise<InterfaceInfo[]> {
      const who = `wireserver ${url.host}`
      const limits = { timeoutMs: options.timeoutMs ?? 5000, maxBytes: MAX_BYTES }
      const answer = host.http(url, limits).catch((error: Error) => {
        throw refused(who, error)
      })
      const [{ parseInterfaces }, text] = await Promise.all([
        import('./wireserver-xml.js'),
        answer,
      ])
      return parseInterfaces(text, who, (problem) =>
        warn(`${who}: ${problem}: passed over`),
      )
    },
  }
}

function refused(who: string, error: Error): Error {
  if (error.name !== 'HttpError') return error
  const { kind, message } = error as HttpError
  const problem = `${who} ${message}`
  return kind === 'too-large'
    ? new SourceError('invalid', 'wireserver', problem, 'check what answers there')
    : new SourceError(kind, 'wireserver', problem, CURE, { cause: error.cause })
}
