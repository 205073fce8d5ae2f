import { fileURLToPath } from 'node:url'
import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import { Remote } from '../remote.js'

const SCRIPT = fileURLToPath(new URL('peer.mjs', import.meta.url))

/** Who answered, and the address that it saw the question come from. */
export interface Answer {
  name: string
  seen: string
}

/** A script in each namespace of the demo, which answers and asks: see peer.mjs. */
export class Peers {
  readonly #host: AzureHost
  readonly #remotes = new Map<string, Remote>()

  private constructor(host: AzureHost) {
    this.#host = host
  }

  /** Starts those of the VM and of what is around it. */
  static async create(host: AzureHost): Promise<Peers> {
    const peers = new Peers(host)
    const names = Object.entries(host.names)
    await Promise.all(names.map(([name, ns]) => peers.start(name, `/run/netns/${ns}`)))
    return peers
  }

  /** Starts one more, in the namespace of a pod. */
  async start(name: string, netns: string): Promise<void> {
    const remote = await Remote.start({ netns, script: SCRIPT, args: [name] })
    this.#host.onDestroy(() => remote.kill())
    this.#remotes.set(name, remote)
  }

  /** Who answers at an address; rejects when nobody does. */
  reach(from: string, address: string): Promise<Answer> {
    return this.#of(from).ask('reach', { address }) as Promise<Answer>
  }

  /** Serves a page in a namespace. */
  async serve(where: string, port: number, page: string): Promise<void> {
    await this.#of(where).ask('serve', { port, page })
  }

  /** The page at a URL, as seen from a namespace. */
  async fetch(from: string, url: string): Promise<string> {
    return String(await this.#of(from).ask('fetch', { url })).trim()
  }

  /** Opens connections between VM and gateway, one each way, over which lines go from now on. */
  async hold(): Promise<void> {
    await this.#of('vm').ask('hold', { address: ADDRESS.gateway })
    await this.#of('fabric').ask('hold', { address: ADDRESS.primary })
  }

  /** Ends them; gives the number of lines that were sent and came back, rejects if one broke. */
  async release(): Promise<number> {
    const ends = ['vm', 'fabric'].map((name) => this.#of(name).ask('release'))
    const told = (await Promise.all(ends)) as { sent: number }[]
    return told.reduce((sum, { sent }) => sum + sent, 0)
  }

  #of(name: string): Remote {
    const remote = this.#remotes.get(name)
    if (!remote) throw new Error(`nobody is called ${name}`)
    return remote
  }
}
