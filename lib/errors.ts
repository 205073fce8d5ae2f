/**
 * The errors that the library throws when the kernel refuses something.
 */
import { osConstants } from './os-constants.js'
import type { WireFailure } from './binding.js'

// Kernel errnos that libuv has no name for (uapi/asm-generic/errno.h),
// and the better known of two names for one number.
const more: Record<number, string> = { 11: 'EAGAIN', 85: 'ERESTART', 95: 'EOPNOTSUPP' }

/** The symbolic name of an errno, `EEXIST` for 17; `E<number>` when it has none. */
export function errnoName(errno: number): string {
  const known = Object.entries(osConstants().errno)
  return more[errno] ?? known.find(([, number]) => number === errno)?.[0] ?? `E${errno}`
}

/** A system call failed before the kernel's netlink code was reached. */
export class SyscallError extends Error {
  /** `SyscallError`, also where `instanceof` cannot tell. */
  override readonly name: string = 'SyscallError'
  /** Symbolic errno: `EMFILE`. */
  readonly code: string
  /** The number behind `code`. */
  readonly errno: number
  /** The system call: `socket`, `setns`, `open`. */
  readonly syscall: string
  /** What the library was doing. */
  readonly op: string

  /** From what the addon tells; `detail` says what the failure is about. */
  constructor(failure: WireFailure, detail = '') {
    const code = errnoName(failure.errno)
    super(`${failure.op}: ${failure.syscall}: ${code}${detail && ` (${detail})`}`)
    this.code = code
    this.errno = failure.errno
    this.syscall = failure.syscall
    this.op = failure.op
  }
}

/** The kernel answered a netlink request with an errno. */
export class NetlinkError extends Error {
  /** `NetlinkError`, also where `instanceof` cannot tell. */
  override readonly name: string = 'NetlinkError'
  /** Symbolic errno: `EEXIST`. */
  readonly code: string
  /** The number behind `code`. */
  readonly errno: number
  /** The request that failed: `link.new`. */
  readonly op: string
  /** Position of the request in its plan, from 0. */
  readonly step: number
  /** The kernel's own words (NLMSGERR_ATTR_MSG), or empty. */
  readonly extAck: string
  /** The attribute that the kernel pointed at (NLMSGERR_ATTR_OFFS), or empty. */
  readonly attribute: string
  /** What could not be undone after the failure; empty when all was. */
  readonly undoFailures: readonly Error[]

  /** From what the addon tells; `detail` says what the failure is about. */
  constructor(failure: WireFailure, undoFailures: readonly Error[] = [], detail = '') {
    const code = errnoName(failure.errno)
    const words = [failure.extAck, detail].filter(Boolean).join('; ')
    const where = failure.attribute && ` at ${failure.attribute}`
    super(`${failure.op}: ${code}${words && `: ${words}`}${where}`)
    this.code = code
    this.errno = failure.errno
    this.op = failure.op
    this.step = failure.step
    this.extAck = failure.extAck
    this.attribute = failure.attribute
    this.undoFailures = undoFailures
  }
}

/**
 * Turns the addon's failure value into the error to throw; `detail` says what it is about, as text, or
 * for each of the failures.
 */
export function toError(
  failure: WireFailure,
  undoFailures: readonly WireFailure[] = [],
  detail: string | ((failure: WireFailure) => string) = '',
): NetlinkError | SyscallError {
  const about = typeof detail === 'string' ? detail : detail(failure)
  if (failure.syscall) return new SyscallError(failure, about)
  const others = typeof detail === 'string' ? '' : detail
  return new NetlinkError(
    failure,
    undoFailures.map((f) => toError(f, [], others)),
    about,
  )
}
