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

/**
 * Does what may throw an ArgumentError; one that does says where as well: `at` goes before the path of
 * its field, and `of`, what it is about, behind all.
 *
 * @internal
 */
export function locate<T>(at: string, of: string | undefined, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    const path = /^[\w.]+: /.test(error.message) ? `${at}.` : `${at}: `
    throw new ArgumentError(`${path}${error.message}${of === undefined ? '' : `; ${of}`}`)
  }
}
