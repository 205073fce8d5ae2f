/**
 * Elements of sets and maps.
 */
import { ArgumentError } from '../argument-error.js'
import type { Wire } from '../binding.js'
import { bytesOf, predecessor, successor } from '../ip/index.js'
import type { CounterState } from './object.js'
import { keyRange } from './range.js'
import { isConcatRange, type SetDef } from './set-def.js'
import { decodeValue, encodeInto, encodeValue, typeLength } from './types.js'
import type { DataValue } from './types.js'
import { commentBytes, readComment } from './userdata.js'
import { verdictFromWire, verdictToWire, type Verdict } from './verdict.js'

/** An element of a set or map. */
export interface SetElement {
  /** One value a part. In an interval set an address may be a prefix: `10.0.0.0/8`. */
  readonly key: readonly DataValue[]
  /** The last key of a range, in an interval set. */
  readonly keyEnd?: readonly DataValue[]
  /** What a map leads to. */
  readonly data?: readonly DataValue[]
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
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
}

/** An element as the kernel tells it. */
export interface ElementInfo extends SetElement {
  /** The key as bytes. */
  readonly keyBytes: Uint8Array
  /** The last key of its range as bytes, when it is one. */
  readonly keyEndBytes?: Uint8Array
  /** The datum as bytes. */
  readonly dataBytes?: Uint8Array
}

// NFT_SET_ELEM_* bits.
const INTERVAL_END = 1
const CATCH_ALL = 2

type WireElement = { [key: string]: Wire }

function restToWire(set: SetDef, e: SetElement): WireElement {
  return {
    ...(set.data && { data: { value: encodeValue(set.data, e.data ?? []) } }),
    ...(e.verdict && { data: { verdict: verdictToWire(e.verdict) } }),
    ...(e.object && { object: e.object }),
    ...(e.timeout !== undefined && { timeout: e.timeout }),
    ...(e.expires !== undefined && { expiration: e.expires }),
    ...(e.counter && { expr: { expr: 'counter', data: { ...e.counter } } }),
    ...(e.comment && { userdata: commentBytes(e.comment) }),
  }
}

/**
 * An element of a set without ranges in the addon's form.
 *
 * @internal
 */
export function elementToWire(set: SetDef, element: SetElement): WireElement {
  return {
    key: { value: encodeValue(set.key, element.key) },
    ...restToWire(set, element),
  }
}

/**
 * An element in the addon's form: a list, because a range of a plain interval set is two to the
 * kernel, its first key and the one after its last.
 *
 * @internal
 */
export function elementsToWire(set: SetDef, element: SetElement): WireElement[] {
  const rest = restToWire(set, element)
  if (element.catchAll) return [{ flags: CATCH_ALL, ...rest }]
  if (!set.interval) {
    if (!element.keyEnd) return [elementToWire(set, element)]
    throw new ArgumentError(
      `keyEnd: ${set.name} holds no ranges; define it with interval`,
    )
  }
  const { first, last } = keyRange(set.key, element.key, element.keyEnd)
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
  elements.forEach((element, i) => {
    encodeInto(set.key, element.key, keys, i * keyLength)
    if (set.data) encodeInto(set.data, element.data ?? [], data, i * dataLength)
  })
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
  // Headers of the element, its attributes and what they nest; flags, timeouts and a counter.
  return sizes.reduce((sum, n) => sum + 12 + pad(n), 4 + 8 + 12 + 12 + 52)
}

interface WireElementInfo {
  key?: { value: Uint8Array }
  keyEnd?: { value: Uint8Array }
  data?: { value?: Uint8Array; verdict?: { code: number; chain?: string } }
  object?: string
  flags?: number
  timeout?: number
  expiration?: number
  expr?: { expr: string; data?: unknown }
  expressions?: { expr: string; data?: unknown }[]
  userdata?: Uint8Array
}

function elementFromWire(
  set: SetDef,
  e: WireElementInfo,
  last?: Uint8Array,
): ElementInfo {
  const comment = readComment(e.userdata)
  const keyBytes = e.key?.value ?? new Uint8Array()
  const end = e.keyEnd?.value ?? last
  const isRange = end !== undefined && Buffer.compare(end, keyBytes) !== 0
  const verdict = e.data?.verdict && verdictFromWire(e.data.verdict)
  const known = set.key.length > 0
  const counter = [e.expr, ...(e.expressions ?? [])].find((x) => x?.expr === 'counter')
  const catchAll = ((e.flags ?? 0) & CATCH_ALL) !== 0
  return {
    keyBytes,
    key: known && !catchAll ? decodeValue(set.key, keyBytes) : [],
    ...(isRange && known && { keyEnd: decodeValue(set.key, end) }),
    ...(isRange && { keyEndBytes: end }),
    ...(e.data?.value && { dataBytes: e.data.value }),
    ...(set.data &&
      set.data.length > 0 &&
      e.data?.value && { data: decodeValue(set.data, e.data.value) }),
    ...(verdict && { verdict }),
    ...(e.object !== undefined && { object: e.object }),
    ...(catchAll && { catchAll }),
    ...(e.timeout !== undefined && { timeout: e.timeout }),
    ...(e.expiration !== undefined && { expires: e.expiration }),
    ...(counter && { counter: counter.data as unknown as CounterState }),
    ...(comment !== undefined && { comment }),
  }
}

// The kernel tells starts and ends of ranges one by one, in no promised order.
function rangesFromWire(set: SetDef, list: readonly WireElementInfo[]): ElementInfo[] {
  const isEnd = (e: WireElementInfo) => ((e.flags ?? 0) & INTERVAL_END) !== 0
  const keyOf = (e: WireElementInfo) => e.key?.value ?? new Uint8Array()
  const sorted = list
    .filter((e) => e.key)
    .sort(
      (a, b) => Buffer.compare(keyOf(a), keyOf(b)) || Number(isEnd(b)) - Number(isEnd(a)),
    )
  const out: ElementInfo[] = []
  sorted.forEach((e, i) => {
    if (isEnd(e)) return
    const next = sorted[i + 1]
    const last = next ? predecessor(keyOf(next)) : keyOf(e).map(() => 255)
    out.push(elementFromWire(set, e, last))
  })
  const others = list.filter((e) => !e.key)
  return [...out, ...others.map((e) => elementFromWire(set, e))]
}

/**
 * Elements from the addon's answer to a dump.
 *
 * @internal
 */
export function elementsFromWire(set: SetDef, wire: unknown): ElementInfo[] {
  const messages = (wire ?? []) as { elements?: WireElementInfo[] }[]
  const list = messages.flatMap((message) => message.elements ?? [])
  if (set.interval && !isConcatRange(set)) return rangesFromWire(set, list)
  return list.map((e) => elementFromWire(set, e))
}
