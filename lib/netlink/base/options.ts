/**
 * Unknown options are errors: a misspelt one would be ignored otherwise, and a filter that lost its
 * only condition would match everything.
 */
import { ArgumentError } from '../../argument-error.js'

/** The names of the options: a `switch` takes true or false; a `value` is checked by the verb. */
export type Options<T> = { readonly [K in keyof Required<T>]: 'switch' | 'value' }

/**
 * Throws an ArgumentError naming `what` (the verb) unless the value is an object whose members are all
 * among `options`, and its switches true, false or absent. `path` is where it stands in what the verb
 * was given: `counter.`
 */
export function checkOptions(
  value: unknown,
  what: string,
  options: { readonly [name: string]: 'switch' | 'value' | { readonly isSwitch?: true } },
  path = '',
): void {
  if (typeof value !== 'object' || value === null) {
    const at = path === '' ? what : path.slice(0, -1)
    throw new ArgumentError(
      `${at}: give an object with its options, not ${String(value)}`,
    )
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).join(', ')
      throw new ArgumentError(`${path}${name}: no option of ${what}; there are ${known}`)
    }
    const option = options[name]
    const isSwitch =
      option === 'switch' || (typeof option === 'object' && option.isSwitch)
    if (!isSwitch) continue
    const member: unknown = (value as { readonly [name: string]: unknown })[name]
    if (member !== undefined && typeof member !== 'boolean') {
      throw new ArgumentError(
        `${path}${name}: must be true or false, not ${JSON.stringify(member)}`,
      )
    }
  }
}

/**
 * What was given, or nothing. A verb with a default for its last argument would not tell by its
 * `length` how many it takes, which the short forms look at.
 *
 * @internal
 */
export function orNone<T extends object>(given: T | undefined): T {
  return given === undefined ? ({} as T) : given
}

/** What a name stands for; throws an ArgumentError that lists the known ones. */
export function oneOf<T>(
  known: Readonly<Record<string, T>>,
  name: unknown,
  field: string,
): T {
  if (typeof name === 'string' && Object.hasOwn(known, name)) return known[name] as T
  throw new ArgumentError(
    `${field}: ${String(name)} is none of ${Object.keys(known).join(', ')}`,
  )
}
