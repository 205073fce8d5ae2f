/**
 * Named objects: counters, quotas and limits that several rules share.
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { nftFamilyName, nftFamilyNumber, type NftFamily } from './types.js'
import { commentBytes, readComment } from './userdata.js'

/** NFT_OBJECT_* (linux/netfilter/nf_tables.h). */
export const objectTypes = {
  /** NFT_OBJECT_COUNTER */
  counter: 1,
  /** NFT_OBJECT_QUOTA */
  quota: 2,
  /** NFT_OBJECT_CT_HELPER */
  ctHelper: 3,
  /** NFT_OBJECT_LIMIT */
  limit: 4,
  /** NFT_OBJECT_CONNLIMIT */
  connlimit: 5,
  /** NFT_OBJECT_TUNNEL */
  tunnel: 6,
  /** NFT_OBJECT_CT_TIMEOUT */
  ctTimeout: 7,
  /** NFT_OBJECT_SECMARK */
  secmark: 8,
  /** NFT_OBJECT_CT_EXPECT */
  ctExpectation: 9,
  /** NFT_OBJECT_SYNPROXY */
  synproxy: 10,
} as const

/** A kind of named object. */
export type ObjectType = keyof typeof objectTypes

/** Counted packets and bytes. */
export interface CounterState {
  /** Packets that were counted. */
  readonly packets: number
  /** Bytes of those packets. */
  readonly bytes: number
}

/** An amount of traffic. It matches up to the amount; with `over`, beyond it. */
export interface QuotaDef {
  /** The amount in bytes. */
  readonly bytes: number
  /** Matches beyond the amount rather than up to it (NFT_QUOTA_F_INV). */
  readonly over?: boolean
  /** Bytes that count as used already. */
  readonly consumed?: number
}

const UNITS = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 } as const

/** A rate. It matches below the rate; with `over`, above it. */
export interface LimitDef {
  /** How many in each unit of time. */
  readonly rate: number
  /** The unit of time. */
  readonly per: keyof typeof UNITS
  /** What the rate counts; `packets` when absent. */
  readonly of?: 'packets' | 'bytes'
  /** So much more at once; 5 packets or no bytes when absent, as the nft program has it. */
  readonly burst?: number
  /** Matches above the rate rather than below it (NFT_LIMIT_F_INV). */
  readonly over?: boolean
}

/** Names an object. Objects of different types have names of their own. */
export interface ObjectRef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Its kind. */
  readonly type: ObjectType
  /** Its name, unique among objects of that kind in the table. */
  readonly name: string
}

/** What the addon tells of an object that has no members of its own here, and takes again. */
export interface ObjectData {
  /** A conntrack helper (NFTA_CT_HELPER_*): its name, family and protocol number. */
  readonly ctHelper?: { readonly [name: string]: Wire }
  /** The attributes of NFTA_OBJ_DATA as bytes. */
  readonly raw?: Uint8Array
}

/** A named object to make: a counter, a quota, a limit, or one that was read. */
export interface ObjectDef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Its name, unique among objects of that kind in the table. */
  readonly name: string
  /** Makes a counter, with what it has counted already; `{}` starts from zero. */
  readonly counter?: Partial<CounterState>
  /** Makes a quota. */
  readonly quota?: QuotaDef
  /** Makes a limit. */
  readonly limit?: LimitDef
  /** Its kind, where that is none of the three. */
  readonly type?: ObjectType
  /** What makes one of another kind: as it was read. */
  readonly data?: ObjectData
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
}

/** A named object as the kernel tells it; it can be given back to `addObject`. */
export interface ObjectInfo extends ObjectRef {
  /** The kernel's number for it, unique in the table. */
  readonly handle: number
  /** How many rules and elements refer to it. */
  readonly use: number
  /** What a counter has counted. */
  readonly counter?: CounterState
  /** A quota and what is used of it. */
  readonly quota?: QuotaDef
  /** The settings of a limit. */
  readonly limit?: LimitDef
  /** What is told of one of another kind. */
  readonly data?: ObjectData
  /** Text that it was given. */
  readonly comment?: string
}

// NFT_QUOTA_F_INV, NFT_LIMIT_F_INV
const INVERTED = 1

/**
 * A quota in the addon's form (NFTA_QUOTA_*).
 *
 * @internal
 */
export function quotaToWire(quota: QuotaDef): { [key: string]: Wire } {
  return {
    bytes: quota.bytes,
    flags: quota.over ? INVERTED : 0,
    consumed: quota.consumed ?? 0,
  }
}

/**
 * A limit in the addon's form (NFTA_LIMIT_*). Throws a TypeError for an unknown unit.
 *
 * @internal
 */
export function limitToWire(limit: LimitDef): { [key: string]: Wire } {
  const unit: number | undefined = UNITS[limit.per]
  if (!unit) {
    const known = Object.keys(UNITS).join(', ')
    throw new ArgumentError(`limit.per: ${String(limit.per)} is none of ${known}`)
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

const OWN = ['counter', 'quota', 'limit'] as const

/**
 * The type of an object to make. Throws an ArgumentError unless it is exactly one.
 *
 * @internal
 */
export function objectType(def: ObjectDef): ObjectType {
  const types: ObjectType[] = OWN.filter((type) => def[type])
  if (def.data && def.type) types.push(def.type)
  const [type] = types
  if (types.length === 1 && type && (def.type ?? type) === type) return type
  throw new ArgumentError(`object ${def.name}: give one of counter, quota and limit`)
}

/**
 * An object in the addon's form.
 *
 * @internal
 */
export function objectToWire(def: ObjectDef): { [key: string]: Wire } {
  const type = objectType(def)
  const { counter, quota, limit } = def
  const data = {
    ...(counter && {
      counter: { packets: counter.packets ?? 0, bytes: counter.bytes ?? 0 },
    }),
    ...(quota && { quota: quotaToWire(quota) }),
    ...(limit && { limit: limitToWire(limit) }),
    ...def.data,
  }
  return {
    family: nftFamilyNumber(def.family),
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
  } & ObjectData
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

/**
 * An object from the addon's answer; undefined for a type that has no name here.
 *
 * @internal
 */
export function objectFromWire(wire: unknown): ObjectInfo | undefined {
  const w = wire as WireObject
  const types = Object.entries(objectTypes) as [ObjectType, number][]
  const type = types.find(([, number]) => number === w.type)?.[0]
  if (!type) return undefined
  const { counter, quota, limit, ...data } = w.data ?? {}
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
    ...(Object.keys(data).length > 0 && { data }),
    ...(comment !== undefined && { comment }),
  }
}
