/**
 * Network namespaces.
 */
import {
  addon,
  isFailure,
  kernel,
  type Backend,
  type NativeNetNs,
  type WireFailure,
} from '../binding.js'
import { toError } from '../errors.js'
import { Monitor, type MonitorKind, type MonitorOptions } from './monitor.js'
import { Plan } from './plan.js'

/** Where `ip netns` pins namespaces. */
const PINNED = '/run/netns'

function unwrap(value: NativeNetNs | WireFailure, path?: string): NativeNetNs {
  if (isFailure(value)) throw toError(value, [], path)
  return value
}

/**
 * An open network namespace. The handle keeps the namespace alive until it is closed; no method
 * moves the thread that calls it.
 */
export class NetNs implements Disposable, AsyncDisposable {
  /** The addon's handle; for the plan. */
  readonly native: NativeNetNs

  /** What runs the plans of this handle; for the plan. */
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

  /** The namespace of this process. Throws SyscallError. */
  static current(): NetNs {
    return NetNs.open('/proc/thread-self/ns/net')
  }

  /**
   * Opens a namespace file: `/run/netns/x`, `/proc/<pid>/ns/net`, `/proc/self/fd/<n>`.
   * Throws SyscallError: ENOENT when it is not there, EINVAL when it is no network namespace,
   * EACCES or EPERM without the right to open it.
   */
  static open(path: string): NetNs {
    return new NetNs(unwrap(addon().openNetns(path), path))
  }

  /**
   * Makes a namespace. Without a name it lives as long as handles (or processes in it) do; with
   * one it is pinned at /run/netns/<name>, as `ip netns add` does.
   * Throws SyscallError: EEXIST when the name is taken, EPERM without CAP_SYS_ADMIN.
   */
  static create(options: { name?: string } = {}): NetNs {
    const path = options.name === undefined ? undefined : pinnedPath(options.name)
    return new NetNs(unwrap(addon().createNetns(path), path))
  }

  /** Unpins /run/netns/<name>. Throws SyscallError: ENOENT when it is not there. */
  static delete(name: string): void {
    const path = pinnedPath(name)
    const failure = addon().deleteNetns(path)
    if (failure) throw toError(failure, [], path)
  }

  /** The descriptor of the namespace file, for handing to a child process. */
  get fd(): number {
    return this.native.fd()
  }

  /** True when both handles are of one namespace. */
  equals(other: NetNs): boolean {
    const a = this.native.identity()
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
   * Throws TypeError for an unknown kind, SyscallError (op `monitor.open`): EPERM for `nft` without
   * CAP_NET_ADMIN, EMFILE without descriptors.
   */
  monitor<K extends MonitorKind>(
    kinds: readonly K[],
    options: MonitorOptions = {},
  ): Monitor<K> {
    return new Monitor(this.backend, this.native, kinds, options)
  }

  /** Lets go of the namespace. A plan under way finishes first. */
  close(): void {
    this.native.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

function pinnedPath(name: string): string {
  if (!name || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new TypeError(
      `name: ${JSON.stringify(name)} cannot name a namespace; it must be a plain file name`,
    )
  }
  return `${PINNED}/${name}`
}
