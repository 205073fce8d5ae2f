/**
 * The one file that loads the addon, and the typed shape of what it offers.
 *
 * The addon is loaded at first use, so that a `VERSION` call never pays for it.
 */
import { loadNative } from './addon.cjs'
import { mark } from './trace.js'

/** A value that crosses the border: plain data, numbers and strings only. */
export type Wire =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | WireRef
  | readonly Wire[]
  | { readonly [key: string]: Wire }

/** Stands for the interface index that an earlier step of the same plan produced. */
export interface WireRef {
  /** Position of the step in the plan, from 0. */
  readonly ref: number
  /** Which field of that step's result; `index` when absent. */
  readonly field?: 'index' | 'peerIndex'
}

/** One request of a plan, in the kernel's terms. */
export interface WireStep {
  /** What to do, for example `link.new`; the list is in native/operations.cc. */
  readonly op: string
  /** Position of the namespace in the list that is given with the plan. */
  readonly ns: number
  /** NLM_F_* bits beside REQUEST and ACK (linux/netlink.h). */
  readonly flags?: number
  /** The object, by the addon's names. */
  readonly args: { readonly [key: string]: Wire }
  /** Errnos that count as success (ENODEV for deleting what is gone, say). */
  readonly accept?: readonly number[]
  /** The members that a dump or a stream tells of each entry; all when absent. */
  readonly only?: readonly string[]
  /** Run in reverse order, should a later step fail. */
  readonly undo?: readonly WireStep[]
}

/** What went wrong in a step, as numbers and the kernel's own words. */
export interface WireFailure {
  /** Position of the step, or -1 when a socket could not be opened. */
  readonly step: number
  /** The request: `link.new`. */
  readonly op: string
  /** Number of the errno. */
  readonly errno: number
  /** Name of the system call when it failed itself, else empty: the kernel answered. */
  readonly syscall: string
  /** NLMSGERR_ATTR_MSG, or empty. */
  readonly extAck: string
  /** Name of the attribute that NLMSGERR_ATTR_OFFS points at, or empty. */
  readonly attribute: string
  /** Position of the message in its nft transaction, when the kernel refused one. */
  readonly message?: number
}

/** The answer to a plan: values, never an exception for what the kernel refused. */
export interface WireOutcome {
  /** One entry a step that ran; `undefined` where a step has no result. */
  readonly results: readonly unknown[]
  readonly failure?: WireFailure
  /** The plan was aborted before its end; `failure` (ECANCELED) says at which step. */
  readonly aborted?: boolean
  /** Failures of undo steps, or with keepGoing those after the first. */
  readonly moreFailures: readonly WireFailure[]
}

/** A namespace that the addon holds open. */
export interface NativeNetNs {
  /** Device and inode of the namespace file: equal for equal namespaces. */
  identity(): { dev: number; ino: number }
  /** The open descriptor, for handing to a child process. */
  fd(): number
  close(): void
}

/** A subscription to a namespace's notifications, read on the thread that serves all of them. */
export interface NativeMonitor {
  /** The oldest events that wait, at most so many; a failure when none will come any more. */
  take(most: number): WireEvent[] | WireFailure
  /** Whether the monitor keeps the event loop alive; not so at first. */
  hold(on: boolean): void
  /** Ends the subscription; nothing is called any more. */
  close(): void
}

/** A notification, or `{ kind: 'overrun' }` where some are missing. */
export interface WireEvent {
  readonly kind: string
  readonly change?: 'new' | 'del'
  /** Name of the table that `value` was decoded by, empty when there is none for it. */
  readonly object?: string
  /** nlmsg_type */
  readonly type?: number
  readonly value?: unknown
}

/** How a program is to be started. */
export interface WireChild {
  /** Looked for in the PATH of `env` when it has no slash. */
  readonly file: string
  /** With the program's own name first. */
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  readonly cwd?: string
  /** What becomes of standard input, output and error. */
  readonly stdio: readonly ('pipe' | 'inherit' | 'ignore')[]
}

/** A program that the addon has started. */
export interface NativeChild {
  pid(): number
  /** The descriptor of our end of stream 0, 1 or 2, handed over; -1 when there is none. */
  pipe(stream: number): number
  /**
   * How it ended, once `onEnd` was called: `code` is -1 when a signal ended it, else that is 0.
   * Throws a TypeError before.
   */
  end(): { code: number; signal: number } | WireFailure
  kill(signal: number): WireFailure | undefined
  /** Whether the child keeps the event loop alive; so at first. */
  hold(on: boolean): void
  /** Stops waiting for it. */
  close(): void
}

/** The wish to end a plan that runs on a pool thread. */
export interface NativeAbort {
  abort(): void
}

/** A lock on a file that the kernel drops when the process ends. */
export interface NativeLock {
  close(): void
}

/**
 * What runs plans and watches: the kernel through the addon, or a model of it.
 */
export interface Backend {
  runSync(
    namespaces: readonly NativeNetNs[],
    steps: readonly WireStep[],
    keepGoing: boolean,
  ): WireOutcome
  /** `signal`, when it aborts, ends the plan before its next step. */
  run(
    namespaces: readonly NativeNetNs[],
    steps: readonly WireStep[],
    keepGoing: boolean,
    signal?: AbortSignal,
  ): Promise<WireOutcome>
  /** Starts a program in a namespace. `onEnd` is called on this thread when it has ended. */
  spawn(
    namespace: NativeNetNs,
    child: WireChild,
    onEnd: () => void,
  ): NativeChild | WireFailure
  /**
   * Subscribes to kinds of notifications (native/monitor.cc). `limit` events wait at most;
   * `receiveBuffer` is in bytes, 0 for the kernel's default. `onReady` is called on this thread
   * when events wait that `take` has not seen, once until `take` has answered with none.
   */
  openMonitor(
    namespace: NativeNetNs,
    kinds: readonly string[],
    limit: number,
    receiveBuffer: number,
    onReady: () => void,
  ): NativeMonitor | WireFailure
}

export interface Addon extends Omit<Backend, 'run'> {
  run(
    namespaces: readonly NativeNetNs[],
    steps: readonly WireStep[],
    keepGoing: boolean,
    abort?: NativeAbort,
  ): Promise<WireOutcome>
  newAbort(): NativeAbort
  /** Opens the namespace file at a path (`/proc/thread-self/ns/net`, `/run/netns/x`). */
  openNetns(path: string): NativeNetNs | WireFailure
  /** Makes a namespace; with a path, pins it there as `ip netns add` does. */
  createNetns(path?: string): NativeNetNs | WireFailure
  /** Unpins and removes a namespace file. */
  deleteNetns(path: string): WireFailure | undefined
  /**
   * Takes an exclusive flock(2) on a file (made when absent, mode 0600), waiting up to
   * `timeoutMs`. The label is written into the file, so that a waiter can name the holder.
   * Answers with a failure of errno EAGAIN (11) when the time is over.
   */
  lockFile(path: string, timeoutMs: number, label: string): NativeLock | WireFailure
  /**
   * Ends the process at once, by _exit(2): no exit handler of C++ runs, no thread is waited for, and
   * nothing that has not been written yet is written.
   */
  exitNow(code: number): never
}

let loaded: Addon | undefined

/** The addon; loads it at the first call. Throws when no build fits this machine. */
export function addon(): Addon {
  if (!loaded) {
    loaded = loadNative() as Addon
    mark('addon')
  }
  return loaded
}

const run: Backend['run'] = async (namespaces, steps, keepGoing, signal) => {
  if (!signal) return addon().run(namespaces, steps, keepGoing)
  const flag = addon().newAbort()
  const onAbort = () => flag.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await addon().run(namespaces, steps, keepGoing, flag)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** The kernel as the addon reaches it; loads the addon when it is first asked for something. */
export const kernel: Backend = {
  runSync: (namespaces, steps, keepGoing) =>
    addon().runSync(namespaces, steps, keepGoing),
  run,
  spawn: (...options) => addon().spawn(...options),
  openMonitor: (...options) => addon().openMonitor(...options),
}

/** True when a call into the addon answered with a failure instead of a value. */
export function isFailure(value: unknown): value is WireFailure {
  return typeof value === 'object' && value !== null && 'errno' in value
}
