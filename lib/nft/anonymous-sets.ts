/**
 * Sets that belong to one rule: in its transaction they go by number, because the kernel names them.
 */
import type { RuleDef } from './defs.js'
import type { Expr } from './expr/core.js'
import type { SetRef } from './set-def.js'

/** What the kernel makes a free name of (nf_tables_set_alloc_name). */
export const ANONYMOUS_NAME = '__set%d'

/** The anonymous sets of a transaction, by the names that they have in it alone. */
export class AnonymousSets {
  readonly #ids = new Map<string, number>()

  /** Remembers a set by the number that its message gives it. */
  add(set: SetRef, id: number): void {
    this.#ids.set(key(set, set.name), id)
  }

  /** What names the set in a message about its elements; nothing for one that has a name. */
  args(set: SetRef): { readonly set?: string; readonly setId?: number } {
    const setId = this.#ids.get(key(set, set.name))
    return setId === undefined ? {} : { set: ANONYMOUS_NAME, setId }
  }

  /** A rule's expressions, with the numbers of such sets in the place of their names. */
  named(rule: RuleDef): readonly Expr[] {
    if (this.#ids.size === 0) return rule.expressions
    return rule.expressions.map((one) => {
      const name = one.data?.['set']
      const setId = typeof name === 'string' && this.#ids.get(key(rule, name))
      if (typeof setId !== 'number') return one
      return { ...one, data: { ...one.data, set: ANONYMOUS_NAME, setId } }
    })
  }
}

function key(
  of: { readonly family: string; readonly table: string },
  name: string,
): string {
  return `${of.family} ${of.table} ${name}`
}
