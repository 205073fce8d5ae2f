/**
 * Sets and maps in the addon's form.
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { objectTypes, type ObjectType } from './object.js'
import { isConcatRange, type SetDef } from './set-def.js'
import {
  isHostOrder,
  nftFamilies,
  nftFamilyName,
  partLengths,
  typeId,
  typeLength,
  typeNames,
} from './types.js'
import { readSetComment, setUserdata } from './userdata.js'

// NFT_SET_* bits.
const FLAG = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 16,
  eval: 32,
  object: 64,
  concat: 128,
} as const

const DATA_VERDICT = 0xffffff00
const POLICIES = ['performance', 'memory'] as const

function flagsOf(set: SetDef): number {
  const timed = set.timeouts ?? (set.dynamic || set.timeout !== undefined)
  return (
    (set.constant ? FLAG.constant : 0) |
    (set.interval ? FLAG.interval : 0) |
    (isConcatRange(set) ? FLAG.concat : 0) |
    (set.data || set.verdicts ? FLAG.map : 0) |
    (set.objects ? FLAG.object : 0) |
    (timed ? FLAG.timeout : 0) |
    (set.dynamic ? FLAG.eval : 0)
  )
}

function dataToWire(set: SetDef): { [key: string]: Wire } {
  if (set.verdicts) return { dataType: DATA_VERDICT, dataLength: 16 }
  if (set.objects) return { objectType: objectTypes[set.objects] }
  if (!set.data) return {}
  return { dataType: typeId(set.data), dataLength: typeLength(set.data) }
}

/**
 * The set in the addon's form. `id` names it within its transaction.
 * Throws a TypeError when it is a map in more than one way.
 *
 * @internal
 */
export function setToWire(set: SetDef, id: number): { [key: string]: Wire } {
  if ([set.data, set.verdicts, set.objects].filter(Boolean).length > 1) {
    throw new ArgumentError(`set ${set.name}: give one of data, verdicts and objects`)
  }
  const userdata = setUserdata({
    comment: set.comment,
    hostKey: isHostOrder(set.key),
    hostData: isHostOrder(set.data ?? []),
  })
  const fields = partLengths(set.key).map((length) => ({ length }))
  const description = {
    ...(set.size && { size: set.size }),
    ...(isConcatRange(set) && { concat: fields }),
  }
  return {
    family: nftFamilies[set.family],
    table: set.table,
    name: set.name,
    flags: flagsOf(set),
    keyType: typeId(set.key),
    keyLength: typeLength(set.key),
    ...dataToWire(set),
    ...(set.policy && { policy: POLICIES.indexOf(set.policy) }),
    ...(Object.keys(description).length > 0 && { description }),
    ...(set.timeout !== undefined && { timeout: set.timeout }),
    ...(set.gcInterval !== undefined && { gcInterval: set.gcInterval }),
    ...(set.counters && { expr: { expr: 'counter', data: { bytes: 0, packets: 0 } } }),
    ...(userdata && { userdata }),
    id,
  }
}

/** A set as the kernel tells it. */
export interface SetInfo extends SetDef {
  /** The kernel's number for it. */
  readonly handle: number
  /** It belongs to one rule and has a name such as `__set0`. */
  readonly anonymous?: boolean
  /**
   * False when the nft program's type numbers of the key or data have no name here: `key` (or
   * `data`) is then empty, and elements have bytes only.
   */
  readonly known: boolean
  /** Length of a key in bytes. */
  readonly keyLength: number
  /** User data as bytes; the comment and the nft program's notes are in it. */
  readonly userdata?: Uint8Array
}

interface WireSet {
  family: number
  table: string
  name: string
  handle: number
  flags?: number
  keyType?: number
  keyLength?: number
  dataType?: number
  objectType?: number
  policy?: number
  description?: { size?: number }
  timeout?: number
  gcInterval?: number
  expr?: { expr: string }
  userdata?: Uint8Array
}

/**
 * A set from the addon's answer.
 *
 * @internal
 */
export function setFromWire(wire: unknown): SetInfo {
  const w = wire as WireSet
  const has = (flag: number) => ((w.flags ?? 0) & flag) !== 0
  const key = typeNames(w.keyType ?? 0)
  const verdicts = has(FLAG.map) && w.dataType === DATA_VERDICT
  const data = has(FLAG.map) && !verdicts ? typeNames(w.dataType ?? 0) : undefined
  const isData = has(FLAG.map) && !verdicts
  const comment = readSetComment(w.userdata)
  const objects = (Object.keys(objectTypes) as ObjectType[]).find(
    (name) => objectTypes[name] === w.objectType,
  )
  return {
    family: nftFamilyName(w.family),
    table: w.table,
    name: w.name,
    handle: w.handle,
    key: key ?? [],
    keyLength: w.keyLength ?? 0,
    known: key !== undefined && (!isData || data !== undefined),
    ...(isData && { data: data ?? [] }),
    ...(verdicts && { verdicts }),
    ...(objects && { objects }),
    ...(has(FLAG.interval) && { interval: true }),
    ...(has(FLAG.eval) && { dynamic: true }),
    ...((has(FLAG.timeout) || has(FLAG.eval)) && { timeouts: has(FLAG.timeout) }),
    ...(w.timeout && { timeout: w.timeout }),
    ...(w.gcInterval && { gcInterval: w.gcInterval }),
    ...(w.description?.size && { size: w.description.size }),
    ...(w.policy && { policy: POLICIES[w.policy] ?? 'performance' }),
    ...(has(FLAG.constant) && { constant: true }),
    ...(has(FLAG.anonymous) && { anonymous: true }),
    ...(w.expr?.expr === 'counter' && { counters: true }),
    ...(comment !== undefined && { comment }),
    ...(w.userdata && { userdata: w.userdata }),
  }
}
