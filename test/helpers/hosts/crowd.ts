import { fileURLToPath } from 'node:url'
import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import { Remote } from '../remote.js'

const SCRIPT = fileURLToPath(new URL('peer.mjs', import.meta.url))

/** The port on which everybody answers who they are, by TCP and UDP. */
export const ECHO = 7
/** Any name; all lead to one address. */
const NAME = 'somebody.example'
/** Bytes that a TCP connection has to carry: more than any MTU. */
const LONG = 70_000

/** Who answered, and the address that it saw the question come from. */
export interface Answer {
  name: string
  seen: string
}

/** A question to whoever listens at an address. */
export interface Question {
  protocol: 'tcp' | 'udp'
  address: string
  port?: number
  /** Bytes to carry there and back. */
  size?: number
  /** After so many milliseconds without an answer there is none. */
  patience: number
}

/** A script in each namespace, which answers and asks: see peer.mjs. */
export class Crowd {
  readonly #host: AzureHost
  readonly #members = new Map<string, Remote>()

  private constructor(host: AzureHost) {
    this.#host = host
  }

  /** Starts those of the VM and of what is around it, and the platform's name server. */
  static async create(host: AzureHost): Promise<Crowd> {
    const crowd = new Crowd(host)
    const names = Object.entries(host.names)
    await Promise.all(names.map(([name, ns]) => crowd.join(name, `/run/netns/${ns}`)))
    const names53 = { at: ADDRESS.wireserver, address: ADDRESS.internet }
    await crowd.#of('fabric').ask('serveNames', names53)
    return crowd
  }

  /** Starts one more. */
  async join(name: string, netns: string): Promise<void> {
    const remote = await Remote.start({ netns, script: SCRIPT, args: [name] })
    this.#host.onDestroy(() => remote.kill())
    this.#members.set(name, remote)
  }

  /** Ends one. */
  leave(name: string): void {
    this.#members.get(name)?.kill()
    this.#members.delete(name)
  }

  /** Who answers at an address. */
  ask(from: string, question: Question): Promise<Answer> {
    const { protocol, port = ECHO } = question
    const size = question.size ?? (protocol === 'tcp' ? LONG : 64)
    const verb = protocol === 'tcp' ? 'askTcp' : 'askUdp'
    return this.#of(from).ask(verb, { ...question, port, size }) as Promise<Answer>
  }

  /** Has somebody listen on one more port. */
  async serve(who: string, socket: { protocol: string; port: number; address?: string }) {
    await this.#of(who).ask('serve', socket)
  }

  /** Opens a connection and keeps it. */
  async hold(from: string, to: { key: string; address: string; port: number }) {
    await this.#of(from).ask('hold', { ...to, patience: 5000 })
  }

  /** Rejects when a kept connection does not carry a line there and back. */
  async held(from: string, key: string, patience: number): Promise<void> {
    await this.#of(from).ask('isHeld', { key, patience })
  }

  /** The address that a name has for somebody who asks a server. */
  async resolve(from: string, server: string, patience: number): Promise<void> {
    const question = { server, host: NAME, patience }
    const answer = await this.#of(from).ask('resolve', question)
    if (answer !== ADDRESS.internet) throw new Error(`${NAME} is ${String(answer)}`)
  }

  /** The page at a URL. */
  async fetch(from: string, url: string, patience: number): Promise<string> {
    return String(await this.#of(from).ask('fetch', { url, patience }))
  }

  #of(name: string): Remote {
    const remote = this.#members.get(name)
    if (!remote) throw new Error(`nobody is called ${name}`)
    return remote
  }
}
