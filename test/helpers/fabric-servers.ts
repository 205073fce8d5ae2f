import { fileURLToPath } from 'node:url'
import { Remote } from './remote.js'

/** How the wireserver behaves; `down` refuses connections, `hang` never answers. */
export type WireserverMode =
  'ok' | 'status500' | 'garbage' | 'entityBomb' | 'hang' | 'down'

/** One request as a custom wireserver handler sees it. */
export interface WireserverRequest {
  method: string
  url: string
}

/** What a custom wireserver handler answers. */
export interface WireserverResponse {
  status?: number
  body: string
  headers?: Record<string, string>
}

/** Answers wireserver requests in the test's own process. */
export type WireserverHandler = (
  request: WireserverRequest,
) => WireserverResponse | Promise<WireserverResponse>

/** How many requests each server has seen. */
export interface RequestCounts {
  wireserver: number
  imds: number
  internet: number
}

interface Request extends WireserverRequest {
  id: number
}

const SCRIPT = fileURLToPath(new URL('servers/fabric.mjs', import.meta.url))

/** The child process with the fabric's HTTP servers, and its controls. */
export class FabricServers {
  #remote!: Remote
  #handler: WireserverHandler | undefined

  private constructor() {}

  /**
   * Starts the servers in the fabric of a host, which already has their addresses. Should
   * this process be killed, they take the host's namespaces and its folder away.
   */
  static async start(id: string, folder: string): Promise<FabricServers> {
    const servers = new FabricServers()
    servers.#remote = await Remote.start({
      netns: `/run/netns/fabric-${id}`,
      script: SCRIPT,
      args: [id, folder],
      // The one thing that they say by themselves is a request.
      onMessage: (message) => void servers.#handle(message as unknown as Request),
    })
    return servers
  }

  /** Sets the documents to serve, or a handler in place of the wireserver's document. */
  async serve(documents: {
    xml?: string
    imds?: string
    handler?: WireserverHandler | undefined
  }): Promise<void> {
    const { handler, ...rest } = documents
    if ('handler' in documents || 'xml' in documents) this.#handler = handler
    await this.#remote.ask('set', {
      documents: { ...rest, forward: this.#handler !== undefined },
    })
  }

  /** Switches the wireserver's behaviour. */
  async mode(mode: WireserverMode): Promise<void> {
    await this.#remote.ask('mode', { mode })
  }

  /** Requests seen so far. */
  async counts(): Promise<RequestCounts> {
    return (await this.#remote.ask('counts')) as RequestCounts
  }

  /** Ends the process at once, without its clean-up. */
  kill(): void {
    this.#remote.kill()
  }

  async #handle({ id, method, url }: Request): Promise<void> {
    let response: WireserverResponse
    try {
      response = (await this.#handler?.({ method, url })) ?? { status: 404, body: '' }
    } catch (error) {
      response = { status: 500, body: String(error) }
    }
    this.#remote.tell({ type: 'response', id, status: 200, headers: {}, ...response })
  }
}
