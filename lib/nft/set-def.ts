/**
 * What sets and maps are.
 */
import type { ObjectType } from './object.js'
import type { DataTypeName, NftFamily } from './types.js'

/** Names a set or map. */
export interface SetRef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Its name, unique among the sets and maps of the table. */
  readonly name: string
}

/** What a set is. With `data`, `verdicts` or `objects` it is a map. */
export interface SetDef extends SetRef {
  /** Types of the key; several make a concatenation. */
  readonly key: readonly DataTypeName[]
  /** Types of what a map leads to; several make a concatenation. */
  readonly data?: readonly DataTypeName[]
  /** A verdict map: elements lead to verdicts. */
  readonly verdicts?: boolean
  /** A map to named objects of this type. */
  readonly objects?: ObjectType
  /** Elements are ranges (or prefixes); of a concatenation, ranges in each part. */
  readonly interval?: boolean
  /** Rules add elements, and elements may have a timeout. */
  readonly dynamic?: boolean
  /**
   * Elements may have a timeout. True when absent for what is dynamic; false for a set whose
   * elements count connections (connlimit), which the kernel takes without timeouts only.
   */
  readonly timeouts?: boolean
  /** Timeout of elements that give none, in milliseconds. */
  readonly timeout?: number
  /** How often expired elements are taken away, in milliseconds. */
  readonly gcInterval?: number
  /** Most elements that it may hold. */
  readonly size?: number
  /** What to choose the data structure for; the kernel's default is `performance`. */
  readonly policy?: 'performance' | 'memory'
  /** Elements do not change once a rule uses the set. */
  readonly constant?: boolean
  /** Each element counts the packets that found it. */
  readonly counters?: boolean
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
}

/**
 * Whether elements carry their range in one piece (keyEnd) rather than as two elements.
 *
 * @internal
 */
export function isConcatRange(set: SetDef): boolean {
  return set.interval === true && set.key.length > 1
}
