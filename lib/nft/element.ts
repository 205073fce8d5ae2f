/**
 * Elements of sets and maps.
 */
import { ArgumentError, locate } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { bytesOf, successor } from '../ip/index.js'
import type { Expr } from './expr/core.js'
import type { CounterState } from './object.js'
import { keyRange, type KeyRange } from './range.js'
import { isConcatRange, setName, type SetDef } from './set-def.js'
import { encodeInto, encodeValue, typeLength } from './types.js'
import type { DataValue } from './types.js'
import { commentBytes } from './userdata.js'
import { verdictToWire, type Verdict } from './verdict.js'

/** An element of a set or map. */
export interface SetElement {
  /**
   * One value a part; empty where the set's types have no name here, and for `catchAll`. In an interval
   * set an address may be a prefix, `10.0.0.0/8`, and an interface name the beginning of some, `eth*`.
   */
  readonly key: readonly DataValue[]
  /** The last key of a range, in an interval set. */
  readonly keyEnd?: readonly DataValue[]
  /** What a map leads to. */
  readonly data?: readonly DataValue[]
  /** The last of the range that a map with `dataInterval` leads to; `data` when absent. */
  readonly dataEnd?: readonly DataValue[]
  /** What a verdict map leads to. */
  readonly verdict?: Verdict
  /** Name of the object that an object map leads to. */
  readonly object?: string
  /** Stands for all keys that no other element has; `key` is empty then. */
  readonly catchAll?: boolean
  /** Milliseconds that it lives, counted from when it is added. */
  readonly timeout?: number
  /** Milliseconds that it has left; adding one with it makes it live so much longer. */
  readonly expires?: number
  /** The count of a set with counters. */
  readonly counter?: CounterState
  /** What works in it, with its state, where that is more than a counter. */
  readonly expressions?: readonly Expr[]
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
  /** The key as bytes; taken where the set's types have no name here. */
  readonly keyBytes?: Uint8Array
  /** The last key of its range as bytes, when it is one; taken as `keyBytes` is. */
  readonly keyEndBytes?: Uint8Array
  /** The datum as bytes; taken as `keyBytes` is. */
  readonly dataBytes?: Uint8Array
}

/** An element as the kernel tells it. */
export interface ElementInfo extends SetElement {
  /** The key as bytes. */
  readonly keyBytes: Uint8Array
}

/**
 * NFT_SET_ELEM_INTERVAL_END: the key after a range.
 *
 * @internal
 */
export const INTERVAL_END = 1
/**
 * NFT_SET_ELEM_CATCHALL
 *
 * @internal
 */
export const CATCH_ALL = 2

type WireElement = { [key: string]: Wire }

function dataValue(set: SetDef, e: SetElement): Uint8Array {
  const { data: types = [], dataInterval, dataLength } = set
  if (types.length === 0) return bytesFor(e.dataBytes, 'dataBytes', dataLength)
  const first = encodeValue(types, e.data ?? [])
  if (!dataInterval) return first
  return Uint8Array.from([...first, ...encodeValue(types, e.dataEnd ?? e.data ?? [])])
}

function bytesFor(bytes: Uint8Array | undefined, field: string, length?: number) {
  if (bytes instanceof Uint8Array && bytes.length === length) return bytes
  throw new ArgumentError(
    `${field}: the types of the set have no name here; give ${length} bytes`,
  )
}

const counterOf = (counter: CounterState): Expr => ({
  expr: 'counter',
  data: { ...counter },
})

function expressionsToWire({ counter, expressions }: SetElement): WireElement {
  const list =
    expressions?.map((e) => (counter && e.expr === 'counter' ? counterOf(counter) : e)) ??
    (counter ? [counterOf(counter)] : [])
  if (list.length > 1) return { expressions: list }
  return list.length === 1 ? { expr: list[0] } : {}
}

const noData = () => new ArgumentError('data: the set is no map to data')

function restToWire(set: SetDef, e: SetElement): WireElement {
  if (!set.data && e.data) throw noData()
  if (!set.dataInterval && e.dataEnd) {
    throw new ArgumentError('dataEnd: the map leads to no ranges; define it dataInterval')
  }
  return {
    ...(set.data && { data: { value: dataValue(set, e) } }),
    ...(e.verdict && { data: { verdict: verdictToWire(e.verdict) } }),
    ...(e.object && { object: e.object }),
    ...(e.timeout !== undefined && { timeout: e.timeout }),
    ...(e.expires !== undefined && { expiration: e.expires }),
    ...expressionsToWire(e),
    ...(e.comment && { userdata: commentBytes(e.comment) }),
  }
}

function keyOf(set: SetDef, e: SetElement): KeyRange {
  if (set.key.length === 0) {
    const first = bytesFor(e.keyBytes, 'keyBytes', set.keyLength)
    if (!e.keyEndBytes) return { first, last: first }
    return { first, last: bytesFor(e.keyEndBytes, 'keyEndBytes', set.keyLength) }
  }
  if (set.interval) return keyRange(set.key, e.key, e.keyEnd)
  const only = encodeValue(set.key, e.key)
  return { first: only, last: only }
}

/**
 * An element of a set without ranges in the addon's form.
 *
 * @internal
 */
export function elementToWire(set: SetDef, element: SetElement): WireElement {
  return { key: { value: keyOf(set, element).first }, ...restToWire(set, element) }
}

/**
 * An element in the addon's form: a list, because a range of a plain interval set is two to the
 * kernel, its first key and the one after its last.
 *
 * @internal
 */
export function elementsToWire(set: SetDef, element: SetElement): WireElement[] {
  if (element.catchAll) return [{ flags: CATCH_ALL, ...restToWire(set, element) }]
  if (!set.interval) {
    if (!element.keyEnd) return [elementToWire(set, element)]
    throw new ArgumentError(
      `keyEnd: ${set.name} holds no ranges; define it with interval`,
    )
  }
  const { first, last } = keyOf(set, element)
  const rest = restToWire(set, element)
  if (isConcatRange(set)) {
    return [{ key: { value: first }, ...rest, keyEnd: { value: last } }]
  }
  const [start, ...end] = intervalToWire(first, last)
  return [{ ...start, ...rest }, ...end]
}

/**
 * The bytes of an end of a range: an IPv4 address as number, or bytes already.
 *
 * @internal
 */
export function intervalKey(key: number | Uint8Array): Uint8Array {
  return typeof key === 'number' ? bytesOf(key, 4) : key
}

/**
 * The elements that stand for the keys `first` to `last`, both included: bytes, or IPv4 addresses
 * as numbers.
 *
 * @internal
 */
export function intervalToWire(
  first: number | Uint8Array,
  last: number | Uint8Array,
): WireElement[] {
  const start = { key: { value: intervalKey(first) } }
  const after = successor(intervalKey(last))
  // A range that reaches the last key has no end element.
  return after ? [start, { key: { value: after }, flags: INTERVAL_END }] : [start]
}

/**
 * Whether an element is nothing but key, datum and comment, so that many can be packed.
 *
 * @internal
 */
export function isPlain(set: SetDef, e: SetElement): boolean {
  return (
    !e.keyEnd &&
    !e.catchAll &&
    !e.verdict &&
    !e.object &&
    !e.counter &&
    !e.expressions &&
    !set.dataInterval &&
    set.key.length > 0 &&
    set.data?.length !== 0 &&
    e.timeout === undefined &&
    e.expires === undefined &&
    !set.interval
  )
}

/**
 * Many plain elements in the addon's packed form (native/nft/set.cc).
 *
 * @internal
 */
export function packElements(set: SetDef, elements: readonly SetElement[]): WireElement {
  const count = elements.length
  const keyLength = typeLength(set.key)
  const dataLength = set.data ? typeLength(set.data) : 0
  const keys = new Uint8Array(count * keyLength)
  const data = new Uint8Array(count * dataLength)
  const comments: Uint8Array[] = []
  const commented = elements.some((element) => element.comment)
  elements.forEach((element, i) =>
    locate(`elements.${i}`, setName(set), () => {
      if (element.data && !set.data) throw noData()
      encodeInto(set.key, element.key, keys, i * keyLength)
      if (set.data) encodeInto(set.data, element.data ?? [], data, i * dataLength)
    }),
  )
  if (commented) {
    for (const { comment } of elements) {
      const bytes = comment ? commentBytes(comment) : new Uint8Array()
      comments.push(Uint8Array.of(bytes.length), bytes)
    }
  }
  return {
    count,
    keyLength,
    keys,
    ...(set.data && { dataLength, data }),
    ...(commented && { userdata: new Uint8Array(Buffer.concat(comments)) }),
  }
}

/**
 * The most bytes that an element in the addon's form takes in its message.
 *
 * @internal
 */
export function wireSize(e: WireElement): number {
  const pad = (n: number) => (n + 3) & ~3
  const data = e['data'] as { value?: Uint8Array; verdict?: { chain?: string } }
  const bytes = (name: string) =>
    (e[name] as { value?: Uint8Array } | undefined)?.value?.length ?? 0
  const chain = data?.verdict?.chain?.length ?? 0
  const object = (e['object'] as string | undefined)?.length ?? 0
  const userdata = (e['userdata'] as Uint8Array | undefined)?.length ?? 0
  const sizes = [
    bytes('key'),
    bytes('keyEnd'),
    bytes('data'),
    chain * 3,
    object * 3,
    userdata,
  ]
  const expressions = (e['expressions'] as readonly Expr[] | undefined)?.length ?? 0
  // Headers of the element, its attributes and what they nest; flags, timeouts and an expression: the
  // largest is a limit, of five numbers.
  sizes.push((expressions + (e['expr'] ? 1 : 0)) * 96)
  return sizes.reduce((sum, n) => sum + 12 + pad(n), 4 + 8 + 12 + 12)
}
