/**
 * Watching a namespace: the notifications of rtnetlink and nftables (netlink(7), RTNLGRP_* in
 * linux/rtnetlink.h, NFNLGRP_NFTABLES in linux/netfilter/nfnetlink.h).
 */
import {
  isFailure,
  type Backend,
  type NativeMonitor,
  type NativeNetNs,
  type WireEvent,
} from '../binding.js'
import { toError } from '../errors.js'
import { addressFromWire, type Address } from './objects/address.js'
import { checkSignal } from './base/check.js'
import { linkFromWire, type Link } from './objects/link.js'
import { checkOptions, type Options } from './base/options.js'
import { routeFromWire, type Route } from './objects/route.js'

/** What happened: RTM_NEW… and NFT_MSG_NEW… tell of things made or changed, DEL of things gone. */
export type Change = 'new' | 'del'

/** A link was made, changed or deleted. */
export interface LinkEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'link'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The link as it is now, or was last. */
  readonly link: Link
}

/** A bridge's port was added, changed or taken out of its bridge. */
export interface BridgePortEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'bridgePort'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The port; `master` is its bridge. */
  readonly link: Link
}

/** An address was added, changed or deleted. */
export interface AddressEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'address'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The address as it is now, or was last. */
  readonly address: Address
}

/** A route was added, replaced or deleted. IPv4 routes that go with their link are not told. */
export interface RouteEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'route'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The route as it is now, or was last. */
  readonly route: Route
}

/** A neighbour as notifications tell it (struct ndmsg, linux/neighbour.h). */
export interface WatchedNeighbour {
  /** Index of the link. */
  readonly link: number
  /** The IP address; absent for entries of a bridge's forwarding table. */
  readonly address?: string
  /** MAC of the neighbour; absent while it is not known. */
  readonly mac?: string
  /** NUD_* bits. */
  readonly state: number
  /** NTF_* bits. */
  readonly flags: number
  /** Index of the bridge, for entries of its forwarding table. */
  readonly master?: number
  /** VLAN of an entry of a forwarding table. */
  readonly vlan?: number
}

/** A neighbour (`neighbour`) or an entry of a bridge's forwarding table (`fdb`) changed. */
export interface NeighbourEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'neighbour' | 'fdb'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The neighbour as it is now, or was last. */
  readonly neighbour: WatchedNeighbour
}

/** This namespace gave another a number, or forgot it (ip-netns(8), `list-id`). */
export interface NsidEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'nsid'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The number (NETNSA_NSID). */
  readonly nsid: number
}

/** A policy rule was added or deleted. */
export interface RuleEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'rule'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** The members of the message, by the addon's names; bytes where it has no table. */
  readonly rule: unknown
}

/**
 * Something of the ruleset changed. The changes of one transaction come one after the other, and
 * its generation (`object: 'generation'`) closes them.
 */
export interface NftEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'nft'
  /** Whether it is there now (`new`) or gone (`del`). */
  readonly change: Change
  /** `table`, `chain`, `rule`, `set`, `elements`, `generation`; empty for what is not known here. */
  readonly object: string
  /** The members of the object, by the addon's names (native/nft); bytes where it has no table. */
  readonly value: unknown
}

/**
 * Notifications are missing at this place: the kernel's buffer or the queue of this monitor was
 * full. Read the state anew (`dump`) and go on; what happens after this event was taken is told.
 */
export interface OverrunEvent {
  /** The kind that tells the events apart. */
  readonly kind: 'overrun'
}

/** The event of each kind. */
export interface MonitorEvents {
  /** RTNLGRP_LINK. */
  readonly link: LinkEvent
  /** RTNLGRP_LINK, the messages of family AF_BRIDGE. */
  readonly bridgePort: BridgePortEvent
  /** RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR. */
  readonly address: AddressEvent
  /** RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE. */
  readonly route: RouteEvent
  /** RTNLGRP_NEIGH. */
  readonly neighbour: NeighbourEvent
  /** RTNLGRP_NEIGH, the messages of family AF_BRIDGE. */
  readonly fdb: NeighbourEvent
  /** RTNLGRP_IPV4_RULE and RTNLGRP_IPV6_RULE. */
  readonly rule: RuleEvent
  /** RTNLGRP_NSID. */
  readonly nsid: NsidEvent
  /** NFNLGRP_NFTABLES; needs CAP_NET_ADMIN. */
  readonly nft: NftEvent
}

/** What can be watched. */
export type MonitorKind = keyof MonitorEvents

/** An event of one of these kinds, or an overrun. */
export type MonitorEvent<K extends MonitorKind = MonitorKind> =
  MonitorEvents[K] | OverrunEvent

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

function neighbour(value: unknown): WatchedNeighbour {
  const { link, state, flags, ...rest } = value as WatchedNeighbour
  const { address, mac, master, vlan } = rest
  return {
    link,
    ...(address !== undefined && { address }),
    ...(mac !== undefined && { mac }),
    state,
    flags,
    ...(master !== undefined && { master }),
    ...(vlan !== undefined && { vlan }),
  }
}

const readers: {
  [K in MonitorKind]: (value: unknown, wire: WireEvent) => Record<string, unknown>
} = {
  link: (value) => ({ link: linkFromWire(value) }),
  bridgePort: (value) => ({ link: linkFromWire(value) }),
  address: (value) => ({ address: addressFromWire(value) }),
  route: (value) => ({ route: routeFromWire(value) }),
  neighbour: (value) => ({ neighbour: neighbour(value) }),
  fdb: (value) => ({ neighbour: neighbour(value) }),
  rule: (value) => ({ rule: value }),
  nsid: (value) => ({ nsid: (value as { nsid: number }).nsid }),
  nft: (value, wire) => ({ object: (wire.object ?? '').replace(/^nft\./, ''), value }),
}

/**
 * An event from the addon's form.
 *
 * @internal
 */
export function eventFromWire<K extends MonitorKind>(wire: WireEvent): MonitorEvent<K> {
  if (wire.kind === 'overrun') return { kind: 'overrun' }
  const { kind, change } = wire
  const members = readers[kind as MonitorKind](wire.value, wire)
  return { kind, change, ...members } as unknown as MonitorEvent<K>
}

/** Throws a TypeError for kinds and numbers that no monitor takes. */
function check(kinds: readonly string[], limit: number, receiveBuffer: number): void {
  if (!Array.isArray(kinds) || kinds.length === 0) {
    throw new TypeError('kinds: give a list of at least one kind to watch')
  }
  for (const kind of kinds) {
    if (Object.hasOwn(readers, kind)) continue
    const known = Object.keys(readers).join(', ')
    throw new TypeError(`kinds: ${String(kind)} is not one of ${known}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 0xffffffff) {
    throw new TypeError(`limit: ${limit} must be an integer from 1 to 4294967295`)
  }
  if (receiveBuffer === 0) return
  if (
    !Number.isInteger(receiveBuffer) ||
    receiveBuffer < 2048 ||
    receiveBuffer > 0x3fffffff
  ) {
    throw new TypeError(
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
 * is made, on a thread of its own, so that a dump right after it misses nothing. Iterate it once.
 *
 * It ends, and its thread and sockets go, at `break`, `return()`, `close()`, when the signal
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
