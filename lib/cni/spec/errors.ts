/**
 * The error that a plug-in prints, its codes, and the way from any thrown value to it.
 */

/**
 * Error codes: below 100 the CNI spec's own ("Error" in SPEC.md, and the constants of the
 * Go library where the text has none), from 100 on those of this project.
 */
export const CniCode = {
  /** The config's cniVersion is not one that the plug-in supports. */
  IncompatibleVersion: 1,
  /** The config holds a field that is not supported; msg holds key and value. */
  UnsupportedField: 2,
  /** The container is unknown; the runtime need not clean up. */
  UnknownContainer: 3,
  /** Environment variables are missing or wrong; msg names them. */
  InvalidEnvironment: 4,
  /** Reading or writing failed, stdin for example. */
  Io: 5,
  /** What was read cannot be decoded. */
  Decode: 6,
  /** The network config is wrong. */
  InvalidConfig: 7,
  /** CNI_NETNS is not a namespace that can be used. */
  InvalidNetns: 8,
  /** A passing condition: try again later. */
  TryAgain: 11,
  /** STATUS: the plug-in cannot serve ADD. */
  NotAvailable: 50,
  /** STATUS: as 50, and existing containers may have limited connectivity. */
  LimitedConnectivity: 51,
  /** No address is free in the pool. */
  PoolExhausted: 100,
  /** The source of addresses (wireserver, IMDS, file) does not answer. */
  SourceUnavailable: 101,
  /** A host port is taken by another endpoint. */
  HostPortTaken: 102,
  /** The kernel refused a request; msg and details have its words. */
  KernelRefused: 103,
  /** The container has an interface of that name already. */
  InterfaceExists: 104,
  /** A delegated plug-in failed without an error object of its own. */
  DelegateFailed: 105,
  /** The address that was asked for cannot be had. */
  AddressUnavailable: 106,
  /** The plug-in's state on disk cannot be read or written. */
  StateUnusable: 107,
  /** The host is in a state that the plug-in cannot work with. */
  UnexpectedHost: 108,
  /** CHECK: the attachment is not as it should be; msg names each difference. */
  Different: 109,
  /** GC: something of an attachment that is gone could not be taken away; msg names it. */
  NotCollected: 110,
  /** Anything else: an error of the plug-in itself. */
  Internal: 999,
} as const

/** The lowest code that the specification leaves to plug-ins. */
export const OWN_CODES = 100

/** The error object as it goes to stdout ("Error" in SPEC.md). */
export interface CniErrorJson {
  cniVersion?: string
  code: number
  msg: string
  details?: string
}

/** A failure with a CNI error code; the only error that a plug-in prints. */
export class CniError extends Error {
  override readonly name: string = 'CniError'
  /** One of `CniCode`, or a delegate's own. */
  readonly code: number
  /** One line for people: what failed, at which value, and the cure. */
  readonly msg: string
  /** More for people, if there is more to say. */
  readonly details: string | undefined

  constructor(code: number, msg: string, details?: string, options?: ErrorOptions) {
    super(msg, options)
    this.code = code
    this.msg = msg
    this.details = details
  }

  /** The object to print, in the caller's CNI version. */
  toJSON(cniVersion = ''): CniErrorJson {
    // JSON.stringify calls this too, with a property name for an argument.
    const isVersion = /^\d+\.\d+\.\d+$/.test(cniVersion)
    return {
      ...(isVersion && { cniVersion }),
      code: this.code,
      msg: this.msg,
      ...(this.details && { details: this.details }),
    }
  }
}

/**
 * A config error (code 7).
 *
 * @param field dotted path of the field: `ipam.type`
 * @param value what was found there; undefined when the field is missing
 * @param cure what to write instead: `use one of "bridge", "transparent"`
 */
export function invalidConfig(field: string, value: unknown, cure: string): CniError {
  return new CniError(CniCode.InvalidConfig, describe(field, value, cure))
}

/** An environment error (code 4); the arguments are those of `invalidConfig`. */
export function invalidEnvironment(
  variable: string,
  value: unknown,
  cure: string,
): CniError {
  return new CniError(CniCode.InvalidEnvironment, describe(variable, value, cure))
}

/** An error of the plug-in itself (code 999). */
export function internalError(msg: string, cause?: unknown): CniError {
  return new CniError(CniCode.Internal, msg, undefined, { cause })
}

/** What the host's own files and locks fail with (lib/host/errors.ts), by name as kernelRefused. */
const CODES_BY_NAME: Readonly<Record<string, number>> = {
  StateError: CniCode.StateUnusable,
  LockTimeoutError: CniCode.TryAgain,
}

/** Turns whatever was thrown into the error to print; never throws. */
export function toCniError(thrown: unknown): CniError {
  if (thrown instanceof CniError) return thrown
  if (!(thrown instanceof Error)) return internalError(`thrown: ${show(thrown)}`, thrown)
  if (thrown.name === 'NetlinkError' || thrown.name === 'SyscallError') {
    return kernelRefused(thrown)
  }
  const code = CODES_BY_NAME[thrown.name]
  if (code !== undefined) {
    return new CniError(code, thrown.message, undefined, { cause: thrown })
  }
  const several = thrown instanceof AggregateError ? thrown.errors.map(String) : []
  const msg = thrown.message || several[0] || thrown.name
  return new CniError(CniCode.Internal, msg, several.join('\n') || undefined, {
    cause: thrown,
  })
}

/** A value for a message: JSON, cut to a length that a line can bear. */
export function show(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // A cycle or a bigint: the plain form is enough.
  }
  text ??= String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function describe(field: string, value: unknown, cure: string): string {
  if (value === undefined) return `${field} is missing: ${cure}`
  return `${field}: ${show(value)} is not valid: ${cure}`
}

/**
 * lib/errors.ts is told apart by name, not by class: loading it is not worth its time for
 * calls that never reach the kernel.
 */
function kernelRefused(error: Error): CniError {
  const fields = error as Error & Record<string, unknown>
  const undo = Array.isArray(fields.undoFailures) ? fields.undoFailures : []
  const details = [
    ...['op', 'syscall', 'code', 'errno', 'step', 'extAck', 'attribute']
      .filter((key) => fields[key] !== undefined && fields[key] !== '')
      .map((key) => `${key}=${show(fields[key])}`),
    ...undo.map((failure) => `not undone: ${String(failure)}`),
  ]
  return new CniError(CniCode.KernelRefused, error.message, details.join(', '), {
    cause: error,
  })
}
