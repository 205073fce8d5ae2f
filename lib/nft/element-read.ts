/**
 * Elements of sets and maps from the addon's answers.
 */
import { predecessor } from '../ip/index.js'
import { CATCH_ALL, INTERVAL_END, type ElementInfo } from './element.js'
import type { Expr } from './expr/core.js'
import type { CounterState } from './object.js'
import { namePrefix } from './range.js'
import { isConcatRange, type SetDef } from './set-def.js'
import { decodeValue, partLengths } from './types.js'
import { readComment } from './userdata.js'
import { verdictFromWire } from './verdict.js'

/**
 * An element in the addon's answer.
 *
 * @internal
 */
export interface WireElementInfo {
  key?: { value: Uint8Array }
  keyEnd?: { value: Uint8Array }
  data?: { value?: Uint8Array; verdict?: { code: number; chain?: string } }
  object?: string
  flags?: number
  timeout?: number
  expiration?: number
  expr?: Expr
  expressions?: Expr[]
  userdata?: Uint8Array
}

/** The last key of a range; a part that is the beginning of names is so in both ends. */
function rangeFromWire(set: SetDef, first: Uint8Array, last: Uint8Array) {
  const key = decodeValue(set.key, first, set.interval)
  const keyEnd = decodeValue(set.key, last, set.interval)
  let at = 0
  let single = true
  partLengths(set.key).forEach((length, i) => {
    const [from, to] = [first, last].map((bytes) => bytes.subarray(at, at + length))
    const prefix =
      set.key[i] === 'ifname' && from && to ? namePrefix(from, to) : undefined
    if (prefix !== undefined) key[i] = keyEnd[i] = prefix
    else if (from && to && Buffer.compare(from, to) !== 0) single = false
    at += (length + 3) & ~3
  })
  return single ? { key } : { key, keyEnd }
}

function dataFromWire({ data: types = [], dataInterval }: SetDef, bytes: Uint8Array) {
  if (types.length === 0) return {}
  if (!dataInterval) return { data: decodeValue(types, bytes) }
  const half = bytes.length / 2
  return {
    data: decodeValue(types, bytes.subarray(0, half)),
    dataEnd: decodeValue(types, bytes.subarray(half)),
  }
}

function expressionsFromWire({ expr, expressions }: WireElementInfo) {
  const list = expressions ?? (expr ? [expr] : [])
  const counter = list.find((one) => one.expr === 'counter')
  const more = list.length > 1 || (list.length === 1 && !counter)
  return {
    ...(counter && { counter: counter.data as unknown as CounterState }),
    ...(more && { expressions: list }),
  }
}

/**
 * One element from the addon's answer; `last` is the last key of its range, where that is known.
 *
 * @internal
 */
export function elementFromWire(
  set: SetDef,
  e: WireElementInfo,
  last?: Uint8Array,
): ElementInfo {
  const comment = readComment(e.userdata)
  const keyBytes = e.key?.value ?? new Uint8Array()
  const end = e.keyEnd?.value ?? last
  const isRange = end !== undefined && Buffer.compare(end, keyBytes) !== 0
  const verdict = e.data?.verdict && verdictFromWire(e.data.verdict)
  const catchAll = ((e.flags ?? 0) & CATCH_ALL) !== 0
  const known = set.key.length > 0 && !catchAll
  return {
    keyBytes,
    ...(known ? rangeFromWire(set, keyBytes, isRange ? end : keyBytes) : { key: [] }),
    ...(isRange && { keyEndBytes: end }),
    ...(e.data?.value && { dataBytes: e.data.value }),
    ...(e.data?.value && dataFromWire(set, e.data.value)),
    ...(verdict && { verdict }),
    ...(e.object !== undefined && { object: e.object }),
    ...(catchAll && { catchAll }),
    ...(e.timeout !== undefined && { timeout: e.timeout }),
    ...(e.expiration !== undefined && { expires: e.expiration }),
    ...expressionsFromWire(e),
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
