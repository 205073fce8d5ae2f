/**
 * The one error for what a caller gives wrong.
 */

/**
 * An argument is not what the call takes: a TypeError whose message begins with the path of the
 * field and ends with the cure, and whose `code` is Node's own for it (ERR_INVALID_ARG_VALUE).
 *
 * @internal
 */
export class ArgumentError extends TypeError {
  /** The same for all of them, as Node's own functions have it. */
  readonly code = 'ERR_INVALID_ARG_VALUE'
}
