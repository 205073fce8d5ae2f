/**
 * Sets and maps in the addon's form.
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import type { Expr } from './expr/core.js'
import { objectTypes, type ObjectType } from './object.js'
import { isConcatRange, setName, type SetDef } from './set-def.js'
import {
  isHostOrder,
  nftFamilyNumber,
  nftFamilyName,
  partLengths,
  typeId,
  typeLength,
  typeNames,
  type DataTypeName,
} from './types.js'
import { readSetComment, setUserdata, withSetComment } from './userdata.js'

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
  expressions: 256,
} as const

const DATA_VERDICT = 0xffffff00
const POLICIES = ['performance', 'memory'] as const

function flagsOf(set: SetDef): number {
  const timed = set.timeouts ?? (set.dynamic || set.timeout !== undefined)
  return (
    (set.anonymous ? FLAG.anonymous : 0) |
    (set.constant ? FLAG.constant : 0) |
    (set.interval ? FLAG.interval : 0) |
    (isConcatRange(set) ? FLAG.concat : 0) |
    (set.data || set.verdicts ? FLAG.map : 0) |
    (set.objects ? FLAG.object : 0) |
    (timed ? FLAG.timeout : 0) |
    (set.dynamic ? FLAG.eval : 0) |
    ((set.expressions?.length ?? 0) > 1 ? FLAG.expressions : 0)
  )
}

function keyToWire(set: SetDef): { [key: string]: Wire } {
  if (set.key.length > 0) {
    return { keyType: typeId(set.key), keyLength: typeLength(set.key) }
  }
  const { keyType, keyLength } = set
  if (keyType !== undefined && keyLength) return { keyType, keyLength }
  throw new ArgumentError(`key: give the types of the key of ${setName(set)}`)
}

/** The length in bytes of what a map's elements lead to. */
function dataLength(set: SetDef): number {
  const { data = [], dataLength: told = 0, dataInterval } = set
  if (data.length === 0) return told
  return typeLength(data) * (dataInterval ? 2 : 1)
}

function dataToWire(set: SetDef): { [key: string]: Wire } {
  if (set.verdicts) return { dataType: DATA_VERDICT, dataLength: 16 }
  if (set.objects) return { objectType: objectTypes[set.objects] }
  if (!set.data) return {}
  const type = set.data.length > 0 ? typeId(set.data) : set.dataType
  if (type === undefined) {
    throw new ArgumentError(`data: give the types that ${setName(set)} leads to`)
  }
  return { dataType: type, dataLength: dataLength(set) }
}

const COUNTER: Expr = { expr: 'counter', data: { bytes: 0, packets: 0 } }

function expressionsToWire(set: SetDef): { [key: string]: Wire } {
  const list = set.expressions ?? (set.counters ? [COUNTER] : [])
  if (list.length > 1) return { expressions: list }
  return list.length === 1 ? { expr: list[0] } : {}
}

function descriptionToWire(set: SetDef): { [key: string]: Wire } {
  const lengths = set.keyParts ?? partLengths(set.key)
  const description = {
    ...(set.size && { size: set.size }),
    ...(isConcatRange(set) && { concat: lengths.map((length) => ({ length })) }),
  }
  return Object.keys(description).length > 0 ? { description } : {}
}

function userdataToWire(set: SetDef): { [key: string]: Wire } {
  const bytes = set.userdata
    ? withSetComment(set.userdata, set.comment)
    : setUserdata({
        comment: set.comment,
        hostKey: isHostOrder(set.key),
        hostData: isHostOrder(set.data ?? []),
        dataInterval: set.dataInterval === true,
      })
  return bytes ? { userdata: bytes } : {}
}

/**
 * The set in the addon's form. `id` names it within its transaction.
 * Throws an ArgumentError when it is a map in more than one way.
 *
 * @internal
 */
export function setToWire(set: SetDef, id: number): { [key: string]: Wire } {
  if ([set.data, set.verdicts, set.objects].filter(Boolean).length > 1) {
    throw new ArgumentError(`set ${set.name}: give one of data, verdicts and objects`)
  }
  return {
    family: nftFamilyNumber(set.family),
    table: set.table,
    name: set.name,
    flags: flagsOf(set),
    ...keyToWire(set),
    ...dataToWire(set),
    ...(set.policy && { policy: POLICIES.indexOf(set.policy) }),
    ...descriptionToWire(set),
    ...(set.timeout !== undefined && { timeout: set.timeout }),
    ...(set.gcInterval !== undefined && { gcInterval: set.gcInterval }),
    ...expressionsToWire(set),
    ...userdataToWire(set),
    id,
  }
}

/** A set as the kernel tells it. */
export interface SetInfo extends SetDef {
  /** The kernel's number for it. */
  readonly handle: number
  /**
   * False when the nft program's type numbers of the key or data have no name here: `key` (or
   * `data`) is then empty, and elements have bytes only.
   */
  readonly known: boolean
  /** Length of a key in bytes. */
  readonly keyLength: number
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
  dataLength?: number
  objectType?: number
  policy?: number
  description?: { size?: number; concat?: { length: number }[] }
  timeout?: number
  gcInterval?: number
  expr?: Expr
  expressions?: Expr[]
  userdata?: Uint8Array
}

/** The types behind a number; empty where they have no name here, or another length. */
function typesOf(id = 0, length = 0, interval = false): readonly DataTypeName[] {
  const names = typeNames(id) ?? []
  return typeLength(names) * (interval ? 2 : 1) === length ? names : []
}

function keyFromWire({ keyType, keyLength, description }: WireSet) {
  const key = typesOf(keyType, keyLength)
  const parts = description?.concat?.map(({ length }) => length)
  return {
    key,
    keyLength: keyLength ?? 0,
    ...(key.length === 0 && { keyType, ...(parts && { keyParts: parts }) }),
  }
}

function dataFromWire({ dataType, dataLength: length }: WireSet) {
  const single = typesOf(dataType, length)
  const ranges = single.length === 0 ? typesOf(dataType, length, true) : []
  if (ranges.length > 0) return { data: ranges, dataInterval: true }
  if (single.length > 0) return { data: single }
  return { data: single, dataType, dataLength: length }
}

function expressionsFromWire({ expr, expressions = expr ? [expr] : [] }: WireSet) {
  const [first] = expressions
  if (!first) return {}
  if (expressions.length === 1 && first.expr === 'counter') return { counters: true }
  return { expressions }
}

/**
 * A set from the addon's answer.
 *
 * @internal
 */
export function setFromWire(wire: unknown): SetInfo {
  const w = wire as WireSet
  const has = (flag: number) => ((w.flags ?? 0) & flag) !== 0
  const verdicts = has(FLAG.map) && w.dataType === DATA_VERDICT
  const isData = has(FLAG.map) && !verdicts
  const key = keyFromWire(w)
  const data = isData ? dataFromWire(w) : undefined
  const comment = readSetComment(w.userdata)
  const objects = (Object.keys(objectTypes) as ObjectType[]).find(
    (name) => objectTypes[name] === w.objectType,
  )
  return {
    family: nftFamilyName(w.family),
    table: w.table,
    name: w.name,
    handle: w.handle,
    ...key,
    known: key.key.length > 0 && (!data || data.data.length > 0),
    ...data,
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
    ...expressionsFromWire(w),
    ...(comment !== undefined && { comment }),
    ...(w.userdata && { userdata: w.userdata }),
  }
}
