/**
 * What the engine takes from the outside, as one value.
 *
 * A door (a CNI program, the operator's commands, a test) makes a Host for each call and hands it
 * down. Nothing above lib/netlink looks at the process, its environment, its namespace or the addon
 * by itself, so that many calls can live in one process, and all policy runs on the fake kernel.
 */
import type { NetNs } from '../netlink/netns.js'
import type { ExecOutcome, ExecRequest } from './exec.js'
import type { HttpOptions } from './http.js'
import type { HeldLock, LockOptions } from './lock.js'
import type { CallId } from './process-id.js'
import type { Environment } from './world.js'

export type { NetNs }

/**
 * The outside of one call. Closing it ends the call: what it has on record as under way counts as
 * abandoned then.
 */
export interface Host extends Disposable {
  /** The namespace of the host's network. The handle is the Host's: it closes it. */
  current(): NetNs
  /**
   * Opens the namespace at a path; the caller closes the handle.
   *
   * @throws SyscallError ENOENT, EACCES; EINVAL when it is no network namespace
   */
  open(path: string): NetNs
  /** The environment of the call; what a foreign plug-in is started with. */
  readonly env: Environment
  /** Folder of the state that a reboot takes away. */
  readonly stateDir: string
  /** Folder of what a reboot must keep. */
  readonly keepDir: string
  /** Folder where Azure's own plug-ins keep their state. */
  readonly azureDir: string
  /** Folder where programs of the host say that they run, and read settings for now: /run. */
  readonly runDir: string
  /** Folder of the logs. */
  readonly logDir: string
  /** Who this call is, for records of what is under way. */
  readonly self: CallId
  /** Whether a call still runs, in this process or in another. */
  isRunning(call: CallId): boolean
  /**
   * Ends here, between two stages, when the call was given up meanwhile: whoever gave it up may be
   * taking back what it did.
   *
   * @throws Error when the Host was closed
   */
  checkpoint(): void
  /** The kernel's random id of this boot. */
  bootId(): string
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Takes a lock between processes, and between the calls of this one. Other calls go on while it
   * waits.
   *
   * @throws LockTimeoutError, StateError
   */
  lock(path: string, options: LockOptions): Promise<HeldLock>
  /** A GET; rejects with HttpError. */
  http(url: URL, options: HttpOptions): Promise<string>
  /** Runs a program to its end, while other calls go on. Never rejects. */
  exec(request: ExecRequest): Promise<ExecOutcome>
}
