/**
 * Named objects: counters, quotas and limits that several rules share.
 */
import type { Wire } from '../binding.js'
import { nftFamilies, nftFamilyName, type NftFamily } from './types.js'
import { commentBytes, readComment } from './userdata.js'

/** NFT_OBJECT_* (linux/netfilter/nf_tables.h). */
export const objectTypes = { counter: 1, quota: 2, limit: 4 } as const

/** A kind of named object. */
export type ObjectType = keyof typeof objectTypes

/** Counted packets and bytes. */
export interface CounterState {
  readonly packets: number
  readonly bytes: number
}

/** An amount of traffic. It matches up to the amount; with `over`, beyond it. */
export interface QuotaDef {
  readonly bytes: number
  readonly over?: boolean
  /** Bytes that count as used already. */
  readonly consumed?: number
}

const UNITS = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 } as const

/** A rate. It matches below the rate; with `over`, above it. */
export interface LimitDef {
  readonly rate: number
  readonly per: keyof typeof UNITS
  /** What the rate counts; `packets` when absent. */
  readonly of?: 'packets' | 'bytes'
  /** So much more at once; 5 packets or no bytes when absent, as the nft program has it. */
  readonly burst?: number
  readonly over?: boolean
}

/** Names an object. Objects of different types have names of their own. */
export interface ObjectRef {
  readonly family: NftFamily
  readonly table: string
  readonly type: ObjectType
  readonly name: string
}

/** A named object to make: one of the three. */
export interface ObjectDef {
  readonly family: NftFamily
  readonly table: string
  readonly name: string
  readonly counter?: Partial<CounterState>
  readonly quota?: QuotaDef
  readonly limit?: LimitDef
  readonly comment?: string
}

/** A named object as the kernel tells it. */
export interface ObjectInfo extends ObjectRef {
  readonly handle: number
  /** How many rules and elements refer to it. */
  readonly use: number
  readonly counter?: CounterState
  readonly quota?: QuotaDef
  readonly limit?: LimitDef
  readonly comment?: string
}

// NFT_QUOTA_F_INV, NFT_LIMIT_F_INV
const INVERTED = 1

/** A quota in the addon's form (NFTA_QUOTA_*). */
export function quotaToWire(quota: QuotaDef): { [key: string]: Wire } {
  return {
    bytes: quota.bytes,
    flags: quota.over ? INVERTED : 0,
    consumed: quota.consumed ?? 0,
  }
}

/** A limit in the addon's form (NFTA_LIMIT_*). Throws a TypeError for an unknown unit. */
export function limitToWire(limit: LimitDef): { [key: string]: Wire } {
  const unit: number | undefined = UNITS[limit.per]
  if (!unit) {
    const known = Object.keys(UNITS).join(', ')
    throw new TypeError(`limit.per: ${String(limit.per)} is none of ${known}`)
  }
  const bytes = limit.of === 'bytes'
  return {
    rate: limit.rate,
    unit,
    burst: limit.burst ?? (bytes ? 0 : 5),
    type: bytes ? 1 : 0,
    flags: limit.over ? INVERTED : 0,
  }
}

/** The type of an object to make. Throws a TypeError unless it is exactly one. */
export function objectType(def: ObjectDef): ObjectType {
  const types = (Object.keys(objectTypes) as ObjectType[]).filter((type) => def[type])
  const [type] = types
  if (types.length === 1 && type) return type
  throw new TypeError(`object ${def.name}: give one of counter, quota and limit`)
}

/** An object in the addon's form. */
export function objectToWire(def: ObjectDef): { [key: string]: Wire } {
  const type = objectType(def)
  const { counter, quota, limit } = def
  const data = {
    ...(counter && {
      counter: { packets: counter.packets ?? 0, bytes: counter.bytes ?? 0 },
    }),
    ...(quota && { quota: quotaToWire(quota) }),
    ...(limit && { limit: limitToWire(limit) }),
  }
  return {
    family: nftFamilies[def.family],
    table: def.table,
    name: def.name,
    type: objectTypes[type],
    data,
    ...(def.comment && { userdata: commentBytes(def.comment) }),
  }
}

interface WireObject {
  family: number
  table: string
  name: string
  type: number
  handle: number
  use?: number
  userdata?: Uint8Array
  data?: {
    counter?: CounterState
    quota?: { bytes: number; flags?: number; consumed?: number }
    limit?: { rate: number; unit: number; burst: number; type: number; flags: number }
  }
}

function limitFromWire(
  w: NonNullable<NonNullable<WireObject['data']>['limit']>,
): LimitDef {
  const units = Object.entries(UNITS) as [keyof typeof UNITS, number][]
  return {
    rate: w.rate,
    per: units.find(([, seconds]) => seconds === w.unit)?.[0] ?? 'second',
    of: w.type === 1 ? 'bytes' : 'packets',
    burst: w.burst,
    ...(w.flags & INVERTED && { over: true }),
  }
}

/** An object from the addon's answer; undefined for a type that has no name here. */
export function objectFromWire(wire: unknown): ObjectInfo | undefined {
  const w = wire as WireObject
  const types = Object.entries(objectTypes) as [ObjectType, number][]
  const type = types.find(([, number]) => number === w.type)?.[0]
  if (!type) return undefined
  const { counter, quota, limit } = w.data ?? {}
  const comment = readComment(w.userdata)
  return {
    family: nftFamilyName(w.family),
    table: w.table,
    name: w.name,
    type,
    handle: w.handle,
    use: w.use ?? 0,
    ...(counter && { counter }),
    ...(quota && {
      quota: {
        bytes: quota.bytes,
        consumed: quota.consumed ?? 0,
        ...((quota.flags ?? 0) & INVERTED && { over: true }),
      },
    }),
    ...(limit && { limit: limitFromWire(limit) }),
    ...(comment !== undefined && { comment }),
  }
}
