/**
 * Copies of what a caller gives in the addon's own terms.
 */
import type { Wire } from '../../binding.js'

// The addon takes none longer; it refuses one by its length, and reads no element.
const LONGEST_LIST = 1 << 20

// An object literal, as far as one can tell.
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (
    (prototype === null || prototype === Object.prototype) &&
    Object.getOwnPropertySymbols(value).length === 0
  )
}

/**
 * A copy of plain data: own enumerable members, elements, bytes. Getters run now and never again, so
 * that what a plan holds stays what it was when the step was added, and a getter that adds steps adds
 * them before. What is no plain data is kept as it is, for the addon to refuse by the path of the
 * field. An object that occurs many times is copied once.
 *
 * @internal
 */
export function snapshot<T extends Wire>(value: T): T {
  const copies = new Map<object, unknown>()
  const copyOf = (given: object): unknown => {
    if (ArrayBuffer.isView(given)) {
      // An empty one may be detached, which is for the addon to tell.
      const bytes = given instanceof Uint8Array && given.length > 0
      return bytes && given.buffer instanceof ArrayBuffer ? new Uint8Array(given) : given
    }
    if (Array.isArray(given)) {
      const { length } = given
      // Not by an iterator, which would go on for as long as a getter adds elements.
      const elements = (_: unknown, i: number) => copy(given[i])
      return length > LONGEST_LIST ? given : Array.from({ length }, elements)
    }
    if (!isPlain(given)) return given
    return Object.fromEntries(
      Object.entries(given).map(([name, member]) => [name, copy(member)]),
    )
  }
  const copy = (given: unknown): unknown => {
    if (typeof given !== 'object' || given === null) return given
    if (copies.has(given)) return copies.get(given)
    // One that holds itself holds the original in the copy, and is refused for its depth.
    copies.set(given, given)
    const made = copyOf(given)
    copies.set(given, made)
    return made
  }
  return copy(value) as T
}
