/**
 * What a verb is given must be what it knows: a misspelt option would else be passed over, and a
 * filter without it would mean everything.
 */

/** The options of an object: a `switch` is true or false; a `value` has a check of its own. */
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
    throw new TypeError(`${what}: give an object with its options, not ${String(value)}`)
  }
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).join(', ')
      throw new TypeError(`${name}: no option of ${what}; there are ${known}`)
    }
    const option = options[name]
    const isSwitch =
      option === 'switch' || (typeof option === 'object' && option.isSwitch)
    if (!isSwitch || member === undefined) continue
    if (typeof member !== 'boolean') {
      throw new TypeError(`${name}: must be true or false, not ${JSON.stringify(member)}`)
    }
  }
}
