/**
 * What the kernel tells of changes of the ruleset.
 */
import {
  chainFromWire,
  ruleFromWire,
  tableFromWire,
  type ChainInfo,
  type RuleInfo,
  type TableInfo,
} from './defs.js'
import { INTERVAL_END, type ElementInfo } from './element.js'
import { elementFromWire, type WireElementInfo } from './element-read.js'
import { nftFamilyName } from './families.js'
import { objectFromWire, type ObjectInfo } from './object.js'
import { setFromWire, type SetInfo } from './set.js'
import type { SetRef } from './set-def.js'

/** Elements that came or went. */
export interface ElementsChange extends SetRef {
  /**
   * Their keys and data as bytes, because the kernel does not tell the types with them: {@link decodeValue}
   * reads them by those of the set.
   */
  readonly elements: readonly ChangedElement[]
}

/** An element that came or went. */
export interface ChangedElement extends ElementInfo {
  /** Its key is the one after a range, whose first key is an element before it: so the kernel tells. */
  readonly rangeEnd?: boolean
}

/** The end of a transaction. */
export interface GenerationInfo {
  /** The ruleset's generation from now on. */
  readonly generation: number
  /** Process that committed it. */
  readonly pid?: number
  /** Name of that process, up to 15 bytes. */
  readonly process?: string
}

/** What changed, and it as the kernel tells it: when it is gone, not much more than its name. */
export type NftChange =
  | { readonly object: 'table'; readonly value: TableInfo }
  | { readonly object: 'chain'; readonly value: ChainInfo }
  | { readonly object: 'rule'; readonly value: RuleInfo }
  | { readonly object: 'set'; readonly value: SetInfo }
  | { readonly object: 'elements'; readonly value: ElementsChange }
  | { readonly object: 'object'; readonly value: ObjectInfo }
  | { readonly object: 'generation'; readonly value: GenerationInfo }
  | {
      /** Of what has no members here: a flowtable, or what is not known. */
      readonly object: 'flowtable' | ''
      /** By the addon's names, or bytes. */
      readonly value: unknown
    }

function elementsChange(wire: unknown): ElementsChange {
  const w = wire as {
    family: number
    table: string
    set: string
    elements?: readonly WireElementInfo[]
  }
  const ref = { family: nftFamilyName(w.family), table: w.table, name: w.set }
  const elements = (w.elements ?? []).map((element) => ({
    ...elementFromWire({ ...ref, key: [] }, element),
    ...((element.flags ?? 0) & INTERVAL_END && { rangeEnd: true }),
  }))
  return { ...ref, elements }
}

function generation(wire: unknown): GenerationInfo {
  const { id, pid, process } = wire as { id: number; pid?: number; process?: string }
  return {
    generation: id,
    ...(pid !== undefined && { pid }),
    ...(process !== undefined && { process }),
  }
}

/**
 * A change from the addon's form.
 *
 * @internal
 */
export function nftChange(name: string, value: unknown): NftChange {
  switch (name) {
    case 'nft.table':
      return { object: 'table', value: tableFromWire(value) }
    case 'nft.chain':
      return { object: 'chain', value: chainFromWire(value) }
    case 'nft.rule':
      return { object: 'rule', value: ruleFromWire(value) }
    case 'nft.set':
      return { object: 'set', value: setFromWire(value) }
    case 'nft.elements':
      return { object: 'elements', value: elementsChange(value) }
    case 'nft.generation':
      return { object: 'generation', value: generation(value) }
    case 'nft.object': {
      const object = objectFromWire(value)
      return object ? { object: 'object', value: object } : { object: '', value }
    }
    default:
      return { object: name === 'nft.flowtable' ? 'flowtable' : '', value }
  }
}
