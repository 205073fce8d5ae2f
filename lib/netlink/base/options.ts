/**
 * Unknown options are errors: a misspelt one would be ignored otherwise, and a filter that lost its
 * only condition would match everything.
 */
import { ArgumentError } from '../../argument-error.js'

/** The names of the options: a `switch` takes true or false; a `value` is checked by the verb. */
export type Options<T> = { readonly [K in keyof Required<T>]: 'switch' | 'value' }

/**
 * Throws a TypeError naming `what` (the verb) unless the value is an object whose members are all
 * among `options`, and its switches true, false or absent.
 */
export function checkOptions(
  value: unknown,
  what: string,
  options: { readonly [name: string]: 'switch' | 'value' | { readonly isSwitch?: true } },
): void {
  if (typeof value !== 'object' || value === null) {
    throw new ArgumentError(
      `${what}: give an object with its options, not ${String(value)}`,
    )
  }
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).join(', ')
      throw new ArgumentError(`${name}: no option of ${what}; there are ${known}`)
    }
    const option = options[name]
    const isSwitch =
      option === 'switch' || (typeof option === 'object' && option.isSwitch)
    if (!isSwitch || member === undefined) continue
    if (typeof member !== 'boolean') {
      throw new ArgumentError(
        `${name}: must be true or false, not ${JSON.stringify(member)}`,
      )
    }
  }
}
