/**
 * Shapes of what is read from disk. A library for this takes 8 to 15 ms to load (valibot 1.5,
 * measured), which is long in the life of a plug-in; what state files need of one is this.
 */

/**
 * Takes a value for what it is. Throws TypeError that names the place: `leases[2].owner.network is
 * 7, not a text`.
 */
export type Shape<T> = (value: unknown, path: string) => T

/** What a shape takes a value for. */
export type ShapeOf<S> = S extends Shape<infer T> ? T : never

function wrong(path: string, value: unknown, wanted: string): TypeError {
  const found = value === undefined ? 'is missing' : `is ${show(value)}`
  return new TypeError(`${path || 'the data'} ${found}, not ${wanted}`)
}

/** A value in a few words. What it holds is not looked at: it may be nested without end. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return JSON.stringify(value).slice(0, 60)
}

/** A value that fits; `wanted` says in the error what would: `a text`. */
export function primitive<T>(
  wanted: string,
  fits: (value: unknown) => boolean,
): Shape<T> {
  return (value, path) => {
    if (!fits(value)) throw wrong(path, value, wanted)
    return value as T
  }
}

/** A string. */
export const text = primitive<string>('a text', (value) => typeof value === 'string')

/** A finite number. */
export const number = primitive<number>('a number', (value) => Number.isFinite(value))

/** true or false. */
export const flag = primitive<boolean>(
  'true or false',
  (value) => typeof value === 'boolean',
)

/** One of some strings. */
export function oneOf<const V extends string>(...values: readonly V[]): Shape<V> {
  const wanted = `one of ${values.join(', ')}`
  return primitive(wanted, (value) => values.some((known) => known === value))
}

/** What may be absent. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, path) => (value === undefined ? undefined : shape(value, path))
}

/** A list whose items all have a shape. */
export function list<T>(item: Shape<T>): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, value, 'a list')
    for (let i = 0; i < value.length; i++) {
      check(item, value[i], () => `${path}[${i}]`)
    }
    return value as T[]
  }
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw wrong(path, value, 'an object')
}

// The place is made only for a value that does not fit: a node's document has hundreds that do, and
// every call reads it.
function check(shape: Shape<unknown>, value: unknown, place: () => string): void {
  try {
    shape(value, '')
  } catch {
    shape(value, place())
  }
}

const below = (path: string, key: string) => (path ? `${path}.${key}` : key)

/** An object with any keys, whose values all have a shape. */
export function record<T>(item: Shape<T>): Shape<Record<string, T>> {
  return (value, path) => {
    const found = asObject(value, path)
    for (const [key, one] of Object.entries(found)) {
      check(item, one, () => below(path, key))
    }
    return found as Record<string, T>
  }
}

/** An object with these members; others are let be. */
export function object<S extends Record<string, Shape<unknown>>>(
  members: S,
): Shape<{ [K in keyof S]: ShapeOf<S[K]> }> {
  const entries = Object.entries(members)
  return (value, path) => {
    const found = asObject(value, path)
    for (const [key, shape] of entries) {
      // A member of every object (`constructor`) is none of this one.
      const one = Object.hasOwn(found, key) ? found[key] : undefined
      check(shape, one, () => below(path, key))
    }
    return found as { [K in keyof S]: ShapeOf<S[K]> }
  }
}
