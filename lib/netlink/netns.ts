/**
 * Network namespaces.
 */
import { ArgumentError } from '../argument-error.js'
import { readdirSync } from 'node:fs'
import {
  addon,
  isFailure,
  kernel,
  type Backend,
  type NativeNetNs,
  type WireFailure,
} from '../binding.js'
import { toError } from '../errors.js'
import { checkInteger } from './base/check.js'
import type { NamespaceHandle } from './base/namespace.js'
import { NetNsChild, type SpawnOptions } from './child.js'
import { exec, type ExecOptions, type ExecResult } from './exec.js'
import type { MonitorKind } from './monitor-events.js'
import { Monitor, type MonitorOptions } from './monitor.js'
import { checkOptions } from './base/options.js'
import { Plan } from './plan.js'
import { rulesetCalls, rulesetCallsSync } from './ruleset.js'
import {
  shortVerbs,
  shortVerbsSync,
  type NftShortVerbs,
  type ShortVerbs,
  type SyncForm,
  type VerbGroups,
} from './short.js'
import { hasStream, streamVerb, type StreamForm } from './stream.js'

/** Where `ip netns` pins namespaces. */
const PINNED = '/run/netns'

const GROUPS: readonly (keyof VerbGroups)[] = [
  'link',
  'address',
  'route',
  'rule',
  'neighbour',
  'fdb',
  'bridgePort',
  'nsid',
  'nextHop',
  'socket',
  'generic',
  'ethtool',
  'sysctl',
  'nftables',
  'conntrack',
]

function unwrap(value: NativeNetNs | WireFailure, path?: string): NativeNetNs {
  if (isFailure(value)) throw toError(value, [], path)
  return value
}

/** What tells a namespace from all others that live: its file, as stat(2) sees it. */
export interface NamespaceIdentity {
  /** Device of the file: that of nsfs, the same for all namespaces. */
  readonly dev: number
  /** Inode of the file. */
  readonly ino: number
}

/**
 * An open network namespace. The handle keeps the namespace alive until it is closed; no method
 * moves the thread that calls it.
 */
export class NetNs implements NamespaceHandle, Disposable, AsyncDisposable {
  /** @internal The addon's handle; for the plan. */
  readonly native: NativeNetNs
  readonly #groups = new Map<keyof VerbGroups, unknown>()
  #nftables: NftShortVerbs | undefined
  #sync: SyncForm | undefined

  /** @internal What runs the plans of this handle; for the plan. */
  readonly backend: Backend

  private constructor(native: NativeNetNs, backend: Backend = kernel) {
    this.native = native
    this.backend = backend
  }

  /**
   * A handle on a namespace that is not the kernel's: `vnet-cni/testing` makes them.
   *
   * @internal
   */
  static of(native: NativeNetNs, backend: Backend): NetNs {
    return new NetNs(native, backend)
  }

  /** The namespace of the calling thread. */
  static current(): NetNs {
    return NetNs.open('/proc/thread-self/ns/net')
  }

  /**
   * Opens a namespace file: `/run/netns/x`, `/proc/<pid>/ns/net`, `/proc/self/fd/<n>`.
   *
   * @throws SyscallError ENOENT when it is not there
   * @throws SyscallError EINVAL when it is no network namespace
   * @throws SyscallError EACCES without the right to open it
   */
  static open(path: string): NetNs {
    return new NetNs(unwrap(addon().openNetns(path), path))
  }

  /**
   * The namespace of a process.
   *
   * @throws SyscallError ENOENT when there is no such process
   * @throws SyscallError EACCES without the right to look into it (PTRACE_MODE_READ, proc(5))
   */
  static fromPid(pid: number): NetNs {
    checkInteger(pid, 'pid', 1, 0x7fffffff, 'a process id')
    return NetNs.open(`/proc/${pid}/ns/net`)
  }

  /**
   * The namespace behind an open descriptor, which stays the caller's to close.
   *
   * @throws SyscallError ENOENT when it is not open
   * @throws SyscallError EINVAL when it is no network namespace
   */
  static fromFd(fd: number): NetNs {
    checkInteger(fd, 'fd', 0, 0x7fffffff, 'a file descriptor')
    return NetNs.open(`/proc/self/fd/${fd}`)
  }

  /** The names under which namespaces are pinned in /run/netns, sorted; for {@link openPinned}. */
  static list(): string[] {
    try {
      return readdirSync(PINNED).sort()
    } catch (error) {
      // Nobody has pinned one since the machine started.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  /**
   * Opens /run/netns/<name>.
   *
   * @throws SyscallError ENOENT when there is none of that name; the rest as `open`
   */
  static openPinned(name: string): NetNs {
    return NetNs.open(pinnedPath(name))
  }

  /**
   * Makes a namespace. Without a name it lives as long as handles (or processes in it) do; with
   * one it is pinned at /run/netns/<name>, as `ip netns add` does.
   *
   * @throws SyscallError EEXIST when the name is taken
   * @throws SyscallError EPERM without CAP_SYS_ADMIN
   */
  static create(options: { name?: string } = {}): NetNs {
    checkOptions(options, 'NetNs.create', { name: 'value' })
    const path = options.name === undefined ? undefined : pinnedPath(options.name)
    return new NetNs(unwrap(addon().createNetns(path), path))
  }

  /**
   * Unpins /run/netns/<name>.
   *
   * @throws SyscallError ENOENT when it is not there
   */
  static delete(name: string): void {
    const path = pinnedPath(name)
    const failure = addon().deleteNetns(path)
    if (failure) throw toError(failure, [], path)
  }

  /** The descriptor of the namespace file, for handing to a child process. */
  get fd(): number {
    return this.native.fd()
  }

  /**
   * Device and number of the namespace's file, which tell namespaces apart for as long as they live
   * (namespaces(7)); the kernel gives the number of one that has ended to another.
   *
   * @throws TypeError when the handle is closed
   */
  get identity(): NamespaceIdentity {
    const { dev, ino } = this.native.identity()
    return { dev, ino }
  }

  /** True when both handles are of one namespace. */
  equals(other: NamespaceHandle): boolean {
    const a = this.identity
    const b = other.native.identity()
    return a.dev === b.dev && a.ino === b.ino
  }

  /** A new, empty plan at home in this namespace. */
  plan(): Plan {
    return new Plan(this)
  }

  /**
   * Watches this namespace: an async iterator of what the kernel tells of these kinds from now on.
   * `for await (const event of host.monitor(['link', 'address'], { signal })) …`
   * See {@link Monitor} for how it ends and what happens when the reader is too slow.
   *
   * @throws TypeError for an unknown kind or option, and when the handle is closed
   * @throws SyscallError EPERM for `nft` without CAP_NET_ADMIN
   * @throws SyscallError EMFILE without descriptors
   */
  monitor<K extends MonitorKind>(
    kinds: readonly K[],
    options: MonitorOptions = {},
  ): Monitor<K> {
    return new Monitor(this.backend, this.native, kinds, options)
  }

  /**
   * Starts a program inside this namespace: `host.spawn('ip', ['route'])`. It sees the namespace's
   * links and /proc/sys/net; /sys shows those of this process. No thread of this process changes
   * its namespace, and only the standard streams are handed down.
   *
   * Throws SyscallError (op `netns.spawn`) that names the program or folder: syscall `execve` with
   * ENOENT, EACCES or ENOEXEC, `chdir` with ENOENT or ENOTDIR, `setns` with EPERM without
   * CAP_SYS_ADMIN, `pidfd_open` with ENOSYS before Linux 5.3; TypeError for bad arguments and when
   * the handle is closed; the signal's reason when it is aborted. Then nothing was started.
   */
  spawn(
    command: string,
    args: readonly string[] = [],
    options: SpawnOptions = {},
  ): NetNsChild {
    return new NetNsChild(this.backend, this.native, command, args, options)
  }

  /**
   * Runs a program inside this namespace to its end and answers with what it wrote. Rejects with
   * ExecError when it ends with another status than 0, by a signal, or writes more than
   * `maxBuffer`; with the signal's reason when that ended it; else as {@link spawn} throws.
   */
  async exec(
    command: string,
    args: readonly string[] = [],
    options: ExecOptions = {},
  ): Promise<ExecResult> {
    const spawn = (all: SpawnOptions) => this.spawn(command, args, all)
    return exec(spawn, [command, ...args], options)
  }

  /** Links, one call each: `await host.link.set('eth0', { mtu: 1400 })`. */
  get link(): ShortVerbs<VerbGroups['link']> & StreamForm<VerbGroups['link']> {
    return this.#group('link')
  }

  /** Addresses, one call each. */
  get address(): ShortVerbs<VerbGroups['address']> & StreamForm<VerbGroups['address']> {
    return this.#group('address')
  }

  /** Routes, one call each. */
  get route(): ShortVerbs<VerbGroups['route']> & StreamForm<VerbGroups['route']> {
    return this.#group('route')
  }

  /** Policy rules, one call each. */
  get rule(): ShortVerbs<VerbGroups['rule']> & StreamForm<VerbGroups['rule']> {
    return this.#group('rule')
  }

  /** Neighbours, one call each. */
  get neighbour(): ShortVerbs<VerbGroups['neighbour']> &
    StreamForm<VerbGroups['neighbour']> {
    return this.#group('neighbour')
  }

  /** Forwarding tables, one call each. */
  get fdb(): ShortVerbs<VerbGroups['fdb']> & StreamForm<VerbGroups['fdb']> {
    return this.#group('fdb')
  }

  /** Ports of bridges and their VLANs, one call each. */
  get bridgePort(): ShortVerbs<VerbGroups['bridgePort']> &
    StreamForm<VerbGroups['bridgePort']> {
    return this.#group('bridgePort')
  }

  /** Namespace numbers, one call each. */
  get nsid(): ShortVerbs<VerbGroups['nsid']> & StreamForm<VerbGroups['nsid']> {
    return this.#group('nsid')
  }

  /** Next hops that routes name, one call each. */
  get nextHop(): ShortVerbs<VerbGroups['nextHop']> & StreamForm<VerbGroups['nextHop']> {
    return this.#group('nextHop')
  }

  /** Sockets of TCP and UDP, one call each. */
  get socket(): ShortVerbs<VerbGroups['socket']> {
    return this.#group('socket')
  }

  /** Families of generic netlink, one call each. */
  get generic(): ShortVerbs<VerbGroups['generic']> {
    return this.#group('generic')
  }

  /** What drivers tell of their devices, one call each. */
  get ethtool(): ShortVerbs<VerbGroups['ethtool']> {
    return this.#group('ethtool')
  }

  /** Files below /proc/sys, one call each. */
  get sysctl(): ShortVerbs<VerbGroups['sysctl']> {
    return this.#group('sysctl')
  }

  /** The ruleset of nftables, one call each. */
  get nftables(): NftShortVerbs {
    return (this.#nftables ??= {
      ...this.#group('nftables'),
      ...rulesetCalls(() => this.plan()),
    })
  }

  /** Flows of conntrack, one call each. */
  get conntrack(): ShortVerbs<VerbGroups['conntrack']> &
    StreamForm<VerbGroups['conntrack']> {
    return this.#group('conntrack')
  }

  /** The same verbs on this thread, without a promise: `host.sync.link.dump()`. */
  get sync(): SyncForm {
    if (this.#sync) return this.#sync
    const plan = () => this.plan()
    const groups = GROUPS.map((group) => [group, shortVerbsSync(plan, group)])
    const sync = Object.fromEntries(groups) as SyncForm
    this.#sync = { ...sync, nftables: { ...sync.nftables, ...rulesetCallsSync(plan) } }
    return this.#sync
  }

  #group<K extends keyof VerbGroups>(
    group: K,
  ): ShortVerbs<VerbGroups[K]> & StreamForm<VerbGroups[K]> {
    let verbs = this.#groups.get(group)
    if (!verbs) {
      verbs = shortVerbs(() => this.plan(), group)
      if (hasStream(group))
        Object.assign(verbs as object, { stream: streamVerb(this, group) })
      this.#groups.set(group, verbs)
    }
    return verbs as ShortVerbs<VerbGroups[K]> & StreamForm<VerbGroups[K]>
  }

  /** Lets go of the namespace. A plan under way finishes first. */
  close(): void {
    this.native.close()
  }

  /** Closes the handle, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Closes the handle, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

function pinnedPath(name: string): string {
  if (
    typeof name !== 'string' ||
    !name ||
    name === '.' ||
    name === '..' ||
    /[/\0]/.test(name)
  ) {
    throw new ArgumentError(
      `name: ${JSON.stringify(name)} cannot name a namespace; it must be a plain file name`,
    )
  }
  return `${PINNED}/${name}`
}
