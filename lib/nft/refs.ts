/**
 * What names things of the ruleset, in the addon's form and for people.
 */
import { oneOf } from '../netlink/base/options.js'
import { checkElement } from './check.js'
import type { RuleRef, TableRef } from './defs.js'
import type { SetElement } from './element.js'
import { nftFamilyNumber, type NftFamily } from './families.js'
import { objectTypes, type ObjectRef } from './object.js'
import type { SetDef, SetRef } from './set-def.js'
import type { DataValue } from './types.js'

/** Says what a message of a transaction is about; `position` is that of an element in it. */
export type Subject = (position: number | undefined) => string

/** What names an element for its deletion: its key alone, or with the end of its range. */
export type ElementKey =
  | readonly DataValue[]
  | Pick<SetElement, 'key' | 'keyEnd' | 'catchAll' | 'keyBytes' | 'keyEndBytes'>

export function tableArgs(table: TableRef) {
  return { family: nftFamilyNumber(table.family), name: table.name }
}

export function namedArgs(ref: { family: NftFamily; table: string; name: string }) {
  return { family: nftFamilyNumber(ref.family), table: ref.table, name: ref.name }
}

export function setArgs(set: SetRef) {
  return { family: nftFamilyNumber(set.family), table: set.table, set: set.name }
}

export function objectArgs(object: ObjectRef) {
  return { ...namedArgs(object), type: oneOf(objectTypes, object.type, 'type') }
}

export function ruleArgs({ family, table, chain, handle }: RuleRef) {
  return { family: nftFamilyNumber(family), table, chain, handle }
}

export function keysOnly(set: SetDef): SetDef {
  const { data: _, dataInterval: _i, verdicts: _v, objects: _o, ...rest } = set
  return rest
}

export function toElement(key: ElementKey): SetElement {
  if (!Array.isArray(key)) checkElement(key)
  if ('key' in key) {
    const { key: first, keyEnd, catchAll, keyBytes, keyEndBytes } = key
    return {
      key: first,
      ...(keyEnd && { keyEnd }),
      ...(catchAll && { catchAll }),
      ...(keyBytes && { keyBytes }),
      ...(keyEndBytes && { keyEndBytes }),
    }
  }
  return { key }
}

export function setKind(set: SetDef): string {
  return set.data || set.verdicts || set.objects ? 'map' : 'set'
}

export function subjectOf(
  what: string,
  ref: { family: NftFamily; table?: string; name: string },
): Subject {
  return () => [what, ref.family, ref.table, ref.name].filter(Boolean).join(' ')
}

export function ruleSubject({ family, table, chain, handle }: RuleRef): Subject {
  return () => `rule ${handle} of chain ${family} ${table} ${chain}`
}

export function elementSubject(set: SetDef, elements: readonly SetElement[]): Subject {
  const where = subjectOf(setKind(set), set)(undefined)
  return (position) => {
    const e = elements[position ?? (elements.length === 1 ? 0 : -1)]
    if (!e) return where
    const key = e.catchAll ? '*' : e.key.join(' . ')
    const end = e.keyEnd ? ` to ${e.keyEnd.join(' . ')}` : ''
    return `element ${key}${end} of ${where}`
  }
}
