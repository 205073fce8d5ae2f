import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { NetNs, type NetNsChild } from '../../dist/esm/index.js'

/** A message of a script; `done` and `failed` answer the question of that id. */
export interface RemoteMessage {
  type: string
  id: number
  value?: unknown
  message?: string
}

interface Waiter {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** How a {@link Remote} is started. */
export interface RemoteOptions {
  /** Path of the namespace that it runs in. */
  netns: string
  /** A script of servers/, which uses conversation.mjs. */
  script: string
  args?: readonly string[]
  /** Gets what the script says without being asked. */
  onMessage?: (message: RemoteMessage & Record<string, unknown>) => void
}

/**
 * A Node script that runs inside a namespace and does there what it is asked for, by lines of JSON.
 * It ends with this process, and does not keep it alive while nothing is asked.
 */
export class Remote {
  readonly #child: NetNsChild
  readonly #waiting = new Map<number, Waiter>()
  readonly #onMessage: RemoteOptions['onMessage']
  #next = 0
  #complaints = ''

  private constructor({ netns, script, args = [], onMessage }: RemoteOptions) {
    using namespace = NetNs.open(netns)
    // The test's own loaders and coverage switches are no business of the script.
    const env = { PATH: process.env['PATH'] }
    this.#child = namespace.spawn(process.execPath, [script, ...args], { env })
    this.#onMessage = onMessage
    const { stdin, stdout, stderr } = this.#child
    stderr!.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text))
    stdin!.on('error', () => {})
    createInterface({ input: stdout! }).on('line', (line) =>
      this.#receive(JSON.parse(line)),
    )
    void this.#child.exited.then(() => this.#fail(script))
    this.#child.unref()
    for (const stream of [stdin, stdout, stderr]) (stream as Socket).unref()
  }

  /** Starts a script and waits until it says that it is ready. */
  static async start(options: RemoteOptions): Promise<Remote> {
    const remote = new Remote(options)
    await remote.#wait(0)
    return remote
  }

  /** Has a command of the script carried out; gives its answer, or rejects with its error. */
  ask(type: string, body: object = {}): Promise<unknown> {
    const id = ++this.#next
    const answer = this.#wait(id)
    this.tell({ type, id, ...body })
    return answer
  }

  /** Says something that no answer is expected to. */
  tell(message: object): void {
    this.#child.stdin!.write(`${JSON.stringify(message)}\n`)
  }

  /** Ends it at once, without what it does at its own end. */
  kill(): void {
    this.#waiting.clear()
    this.#child.kill('SIGKILL')
  }

  async #wait(id: number): Promise<unknown> {
    // A pending answer keeps the event loop alive, an idle script does not.
    const stdout = this.#child.stdout as Socket
    stdout.ref()
    try {
      return await new Promise((resolve, reject) =>
        this.#waiting.set(id, { resolve, reject }),
      )
    } finally {
      if (this.#waiting.size === 0) stdout.unref()
    }
  }

  #receive(message: RemoteMessage & Record<string, unknown>): void {
    const waiter = this.#waiting.get(message.id)
    const isAnswer = ['ready', 'done', 'failed'].includes(message.type)
    if (!isAnswer || !waiter) return this.#onMessage?.(message)
    this.#waiting.delete(message.id)
    if (message.type === 'failed') waiter.reject(new Error(message.message))
    else waiter.resolve(message.value)
  }

  async #fail(script: string): Promise<void> {
    const { stderr } = this.#child
    if (!stderr!.readableEnded && !stderr!.destroyed) await once(stderr!, 'close')
    const error = new Error(`${script} ended: ${this.#complaints.trim()}`)
    for (const waiter of this.#waiting.values()) waiter.reject(error)
    this.#waiting.clear()
  }
}
