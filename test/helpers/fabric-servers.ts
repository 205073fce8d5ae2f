import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

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

interface Message extends WireserverRequest {
  type: 'ready' | 'request' | 'done' | 'failed'
  id: number
  value?: unknown
  message?: string
}

interface Waiter {
  resolve(value: unknown): void
  reject(error: Error): void
}

const SCRIPT = fileURLToPath(new URL('servers/fabric.mjs', import.meta.url))

/** The child process with the fabric's HTTP servers, and its controls. */
export class FabricServers {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiter>()
  #handler: WireserverHandler | undefined
  #next = 0
  #complaints = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text
    })
    child.on('message', (message: Message) => void this.#receive(message))
    child.on('exit', () => this.#fail())
    // The servers alone shall not keep a finished test alive.
    child.unref()
    child.channel?.unref()
  }

  /**
   * Starts the servers in the fabric of a host, which already has their addresses. Should
   * this process be killed, they take the host's namespaces and its folder away.
   */
  static async start(id: string, folder: string): Promise<FabricServers> {
    const program = [process.execPath, SCRIPT, id, folder]
    const child = spawn('ip', ['netns', 'exec', `fabric-${id}`, ...program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // The test's own loaders and coverage switches are no business of the servers.
      env: { PATH: process.env['PATH'] },
    })
    const servers = new FabricServers(child)
    await servers.#wait(0)
    return servers
  }

  /** The process id, once started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Sets the documents to serve, or a handler in place of the wireserver's document. */
  async serve(documents: {
    xml?: string
    imds?: string
    handler?: WireserverHandler | undefined
  }): Promise<void> {
    const { handler, ...rest } = documents
    if ('handler' in documents || 'xml' in documents) this.#handler = handler
    await this.#ask('set', {
      documents: { ...rest, forward: this.#handler !== undefined },
    })
  }

  /** Switches the wireserver's behaviour. */
  async mode(mode: WireserverMode): Promise<void> {
    await this.#ask('mode', { mode })
  }

  /** Requests seen so far. */
  async counts(): Promise<RequestCounts> {
    return (await this.#ask('counts', {})) as RequestCounts
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.removeAllListeners('exit')
    // First the signal: a closed channel would have them clean up in our place.
    this.#child.kill('SIGKILL')
    if (this.#child.connected) this.#child.disconnect()
  }

  #ask(type: string, body: object): Promise<unknown> {
    const id = ++this.#next
    const answer = this.#wait(id)
    this.#child.send({ type, id, ...body })
    return answer
  }

  async #wait(id: number): Promise<unknown> {
    // A pending answer keeps the event loop alive, idle servers do not.
    this.#child.channel?.ref()
    try {
      return await new Promise((resolve, reject) =>
        this.#waiting.set(id, { resolve, reject }),
      )
    } finally {
      if (this.#waiting.size === 0) this.#child.channel?.unref()
    }
  }

  async #receive(message: Message): Promise<void> {
    if (message.type === 'request') return this.#handle(message)
    const id = message.type === 'ready' ? 0 : message.id
    const waiter = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (message.type === 'failed') waiter?.reject(new Error(message.message))
    else waiter?.resolve(message.value)
  }

  async #handle({ id, method, url }: Message): Promise<void> {
    let response: WireserverResponse
    try {
      response = (await this.#handler?.({ method, url })) ?? { status: 404, body: '' }
    } catch (error) {
      response = { status: 500, body: String(error) }
    }
    this.#child.send({ type: 'response', id, status: 200, headers: {}, ...response })
  }

  #fail(): void {
    const error = new Error(`the fabric's servers ended: ${this.#complaints.trim()}`)
    for (const waiter of this.#waiting.values()) waiter.reject(error)
    this.#waiting.clear()
  }
}
