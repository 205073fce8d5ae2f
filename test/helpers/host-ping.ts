import { spawn, type ChildProcess } from 'node:child_process'
import { ADDRESS, type FabricNames } from './fabric.js'
import { until } from './process.js'

/** What a background ping saw. */
export interface PingReport {
  sent: number
  received: number
  lost: number
  /** The longest run of lost packets, in milliseconds of the sending interval. */
  longestGapMs: number
}

/** Pings at short intervals from a namespace until told to stop. */
export class BackgroundPing {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''

  constructor(
    namespace: string,
    readonly target: string,
    readonly intervalMs = 20,
  ) {
    const ping = ['ping', '-n', '-i', String(intervalMs / 1000), '-W', '1', target]
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...ping], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    const collect = (text: string): void => void (this.#output += text)
    this.#child.stdout?.setEncoding('utf8').on('data', collect)
    this.#child.stderr?.setEncoding('utf8').on('data', collect)
    this.#ended = new Promise((resolve) => this.#child.on('close', () => resolve()))
  }

  /** Waits for the first answers, so that a later loss is a change and no slow start. */
  async started(): Promise<void> {
    await until(`answers from ${this.target}`, () => this.#replies().size >= 2)
  }

  /** Ends it and counts. A last packet still on its way is not counted as lost. */
  async stop(): Promise<PingReport> {
    this.#child.kill('SIGINT')
    await this.#ended
    const replies = this.#replies()
    let sent = Number(/(\d+) packets transmitted/.exec(this.#output)?.[1] ?? 0)
    if (!replies.has(sent)) sent -= 1
    let longest = 0
    let current = 0
    for (let sequence = 1; sequence <= sent; sequence += 1) {
      current = replies.has(sequence) ? 0 : current + 1
      longest = Math.max(longest, current)
    }
    const lost = sent - replies.size
    const longestGapMs = longest * this.intervalMs
    return { sent, received: replies.size, lost, longestGapMs }
  }

  /** Ends it without a report. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #replies(): Set<number> {
    const found = this.#output.matchAll(/bytes from .*icmp_seq=(\d+)/g)
    return new Set([...found].map(([, sequence]) => Number(sequence)))
  }
}

/** Losses on both ways between the VM and the fabric. */
export interface HostPingReport {
  fromVm: PingReport
  fromFabric: PingReport
  lost: number
  /** The longer of both ways' longest gaps. */
  longestGapMs: number
}

/**
 * The longest gap, in milliseconds, that counts as "the host kept its network". In the moment when
 * a link becomes a port of a bridge or ceases to be one the kernel drops what comes in (br_add_if,
 * del_nbp in net/bridge/br_if.c), which on a busy machine can hit a ping or two in a row.
 */
export const BRIEF_MS = 60

/** A watch over the VM's own network: pings from it to the gateway and back to it. */
export class HostPing {
  readonly #fromVm: BackgroundPing
  readonly #fromFabric: BackgroundPing

  constructor(names: FabricNames) {
    this.#fromVm = new BackgroundPing(names.vm, ADDRESS.gateway)
    this.#fromFabric = new BackgroundPing(names.fabric, ADDRESS.primary)
  }

  /** Waits until both ways have answers. */
  async started(): Promise<void> {
    await Promise.all([this.#fromVm.started(), this.#fromFabric.started()])
  }

  /** Ends the watch and tells what was lost. */
  async stop(): Promise<HostPingReport> {
    const [fromVm, fromFabric] = await Promise.all([
      this.#fromVm.stop(),
      this.#fromFabric.stop(),
    ])
    const lost = fromVm.lost + fromFabric.lost
    const longestGapMs = Math.max(fromVm.longestGapMs, fromFabric.longestGapMs)
    return { fromVm, fromFabric, lost, longestGapMs }
  }

  /** Ends it without a report. */
  kill(): void {
    this.#fromVm.kill()
    this.#fromFabric.kill()
  }
}
