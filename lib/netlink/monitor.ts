/**
 * Watching a namespace: the notifications of rtnetlink and nftables (netlink(7), RTNLGRP_* in
 * linux/rtnetlink.h, NFNLGRP_NFTABLES in linux/netfilter/nfnetlink.h).
 */
import { ArgumentError } from '../argument-error.js'
import {
  isFailure,
  type Backend,
  type NativeMonitor,
  type NativeNetNs,
} from '../binding.js'
import { toError } from '../errors.js'
import { checkSignal } from './base/check.js'
import {
  eventFromWire,
  monitorKinds,
  type MonitorEvent,
  type MonitorKind,
} from './monitor-events.js'
import { checkOptions, type Options } from './base/options.js'

/** How to watch. */
export interface MonitorOptions {
  /** Ends the iteration; events that wait are dropped. No error is thrown. */
  readonly signal?: AbortSignal
  /** Most events that wait for the reader, from 1; 4096 when absent (about 2 KiB each). */
  readonly limit?: number
  /** Bytes that the kernel keeps for this monitor (SO_RCVBUF), from 2048; its default when absent. */
  readonly receiveBuffer?: number
}

const OPTIONS: Options<MonitorOptions> = {
  signal: 'value',
  limit: 'value',
  receiveBuffer: 'value',
}

const LIMIT = 4096
const TAKE = 64

/** Throws a TypeError for kinds and numbers that no monitor takes. */
function check(kinds: readonly string[], limit: number, receiveBuffer: number): void {
  if (!Array.isArray(kinds) || kinds.length === 0) {
    throw new ArgumentError('kinds: give a list of at least one kind to watch')
  }
  for (const kind of kinds) {
    if (monitorKinds.includes(kind)) continue
    const known = monitorKinds.join(', ')
    throw new ArgumentError(`kinds: ${String(kind)} is not one of ${known}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 0xffffffff) {
    throw new ArgumentError(`limit: ${limit} must be an integer from 1 to 4294967295`)
  }
  if (receiveBuffer === 0) return
  if (
    !Number.isInteger(receiveBuffer) ||
    receiveBuffer < 2048 ||
    receiveBuffer > 0x3fffffff
  ) {
    throw new ArgumentError(
      `receiveBuffer: ${receiveBuffer} must be an integer from 2048 to 1073741823 bytes`,
    )
  }
}

/** What the addon's call-back may hold on to: not the monitor, so that one forgotten can go. */
interface Waiter {
  wake?: () => void
}

/**
 * A running subscription; made by {@link NetNs.monitor}. Events are collected from the moment it
 * is made, on one thread for all monitors, so that a dump right after it misses nothing. Iterate it
 * once.
 *
 * It ends, and its sockets go, at `break`, `return()`, `close()`, when the signal
 * aborts, and when the environment (process, worker) ends. While an iteration waits, the process
 * stays alive. Memory is bounded: at most `limit` events wait, then one
 * {@link OverrunEvent} stands for what did not fit.
 */
export class Monitor<
  K extends MonitorKind = MonitorKind,
> implements AsyncIterableIterator<MonitorEvent<K>> {
  readonly #native: NativeMonitor | undefined
  readonly #waiter: Waiter = {}
  readonly #events: AsyncGenerator<MonitorEvent<K>, undefined>
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.close()
  #open = false

  /** @internal */
  constructor(
    backend: Backend,
    namespace: NativeNetNs,
    kinds: readonly K[],
    options: MonitorOptions,
  ) {
    checkOptions(options, 'NetNs.monitor', OPTIONS)
    const { signal, limit = LIMIT, receiveBuffer = 0 } = options
    checkSignal(signal)
    check(kinds, limit, receiveBuffer)
    this.#events = this.#read()
    if (signal?.aborted) return
    const waiter = this.#waiter
    const opened = backend.openMonitor(namespace, kinds, limit, receiveBuffer, () =>
      waiter.wake?.(),
    )
    if (isFailure(opened)) throw toError(opened)
    this.#native = opened
    this.#open = true
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The next event; done when the monitor is closed. Throws SyscallError when reading fails. */
  next(): Promise<IteratorResult<MonitorEvent<K>, undefined>> {
    return this.#events.next()
  }

  /** Closes the monitor. */
  async return(): Promise<IteratorResult<MonitorEvent<K>, undefined>> {
    this.close()
    return { done: true, value: undefined }
  }

  /** The monitor itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** Ends the subscription; an iteration that waits is done. Harmless when it is closed already. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#native?.close()
    this.#waiter.wake?.()
  }

  /** Closes the monitor, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Closes the monitor, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async *#read(): AsyncGenerator<MonitorEvent<K>, undefined> {
    const native = this.#native
    if (!native) return
    while (this.#open) {
      const batch = native.take(TAKE)
      if (isFailure(batch)) {
        this.close()
        throw toError(batch)
      }
      for (const wire of batch) {
        if (!this.#open) return
        yield eventFromWire<K>(wire)
      }
      if (batch.length === 0) await this.#wait(native)
    }
  }

  // The addon calls back on this thread, so that nothing can come between `take` and here.
  async #wait(native: NativeMonitor): Promise<void> {
    native.hold(true)
    await new Promise<void>((resolve) => {
      this.#waiter.wake = resolve
    })
    this.#waiter.wake = undefined
    native.hold(false)
  }
}
