/**
 * What sets and maps are.
 */
import type { Expr } from './expr/core.js'
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

/**
 * The types of a set by number, where they have no name here: nft's `typeof vlan id`. Sets that are
 * read have what they need to be made again; elements have their bytes.
 */
export interface SetNumbers {
  /** The nft program's number of the key's type, where `key` is empty. */
  readonly keyType?: number
  /** Length of a key in bytes. */
  readonly keyLength?: number
  /** Lengths in bytes of the parts of a concatenation, where its elements are ranges. */
  readonly keyParts?: readonly number[]
  /** The nft program's number of the type of what a map leads to, where `data` is empty. */
  readonly dataType?: number
  /** Length in bytes of what a map leads to. */
  readonly dataLength?: number
}

/** What a set is. With `data`, `verdicts` or `objects` it is a map. */
export interface SetDef extends SetRef, SetNumbers {
  /** Types of the key; several make a concatenation. */
  readonly key: readonly DataTypeName[]
  /** Types of what a map leads to; several make a concatenation. */
  readonly data?: readonly DataTypeName[]
  /** What a map leads to are ranges, from an element's `data` to its `dataEnd`; nft's `interval`. */
  readonly dataInterval?: boolean
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
  /**
   * It belongs to the one rule that uses it, as `{ 80, 443 }` in nft. Its name is for the transaction
   * alone, which has to add that rule too.
   */
  readonly anonymous?: boolean
  /** Each element counts the packets that found it. */
  readonly counters?: boolean
  /** What works in each element when a packet finds it: counter(), limit(…), quota(…). */
  readonly expressions?: readonly Expr[]
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
  /** User data as bytes: the nft program's notes, such as `typeof`. A comment beside it is put in. */
  readonly userdata?: Uint8Array
}

/**
 * Whether elements carry their range in one piece (keyEnd) rather than as two elements.
 *
 * @internal
 */
export function isConcatRange(set: SetDef): boolean {
  const parts = set.keyParts?.length ?? set.key.length
  return set.interval === true && parts > 1
}

/**
 * The set for people: `set inet t s`.
 *
 * @internal
 */
export function setName(set: SetDef): string {
  const kind = set.data || set.verdicts || set.objects ? 'map' : 'set'
  return `${kind} ${set.family} ${set.table} ${set.name}`
}
