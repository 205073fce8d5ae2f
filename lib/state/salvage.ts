/**
 * What can be used of damaged data: one broken record must not take the others with it.
 */
import { type Shape } from './schema.js'

/** Data of which some was broken. */
export class Salvaged<T> {
  /** What can be used. */
  readonly data: T
  /** A sentence for each thing that was left out or made good, naming its place. */
  readonly damage: readonly string[]

  constructor(data: T, damage: readonly string[]) {
    this.data = data
    this.damage = damage
  }
}

/** Reads data part by part, and notes what is broken instead of throwing. */
export class Salvage {
  readonly #damage: string[] = []

  /** Notes something that was left out or made good. */
  note(sentence: string): void {
    this.#damage.push(sentence)
  }

  /** What a shape takes a value for; undefined, and noted, when it is broken. */
  value<T>(shape: Shape<T>, value: unknown, path: string): T | undefined {
    try {
      return shape(value, path)
    } catch (error) {
      this.note((error as Error).message)
      return undefined
    }
  }

  /** The items of a list that are whole; none when it is no list. */
  list<T>(item: Shape<T>, value: unknown, path: string): T[] {
    if (!Array.isArray(value)) {
      this.note(`${path} is no list`)
      return []
    }
    return value.flatMap((one, i) => {
      const whole = this.value(item, one, `${path}[${i}]`)
      return whole === undefined ? [] : [whole]
    })
  }

  /** The members of an object whose values are whole; none when it is no object. */
  record<T>(item: Shape<T>, value: unknown, path: string): Record<string, T> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.note(`${path} is no object`)
      return {}
    }
    const whole = Object.entries(value).flatMap(([key, one]) => {
      const found = this.value(item, one, `${path}.${key}`)
      return found === undefined ? [] : [[key, found] as const]
    })
    return Object.fromEntries(whole)
  }

  /** The answer of a store's `parse`. */
  result<T>(data: T): T | Salvaged<T> {
    return this.#damage.length === 0 ? data : new Salvaged(data, this.#damage)
  }
}
