/**
 * The wire server of Azure: it tells a virtual machine which addresses its NICs have.
 */
import type { InterfaceInfo, Source } from '../types.js'

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
export function wireserver(options: WireserverOptions = {}): Source {
  const url = new URL(options.url ?? WIRESERVER_URL)
  if (url.protocol !== 'http:') throw new TypeError(`${url.href} is not an http: URL`)
  return {
    kind: 'wireserver',
    async fetch(): Promise<InterfaceInfo[]> {
      const [{ getText }, { parseInterfaces }] = await Promise.all([
        import('./http.js'),
        import('./wireserver-xml.js'),
      ])
      const text = await getText(url, {
        source: 'wireserver',
        cure: CURE,
        timeoutMs: options.timeoutMs ?? 5000,
        maxBytes: MAX_BYTES,
      })
      return parseInterfaces(text, `wireserver ${url.host}`)
    },
  }
}
