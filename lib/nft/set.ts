/**
 * Sets and maps, and their elements.
 */
import type { Wire } from '../binding.js'
import {
  decodeValue,
  encodeValue,
  nftFamilies,
  typeId,
  typeLength,
  type DataTypeName,
  type DataValue,
  type NftFamily,
} from './types.js'

/** What a set is. With `data` it is a map. */
export interface SetDef {
  readonly family: NftFamily
  readonly table: string
  readonly name: string
  /** Types of the key; several make a concatenation. */
  readonly key: readonly DataTypeName[]
  readonly data?: readonly DataTypeName[]
  /** Elements are address ranges. */
  readonly interval?: boolean
  /** Rules add elements, and elements may have a timeout. */
  readonly dynamic?: boolean
  /** Most elements that rules may add. */
  readonly size?: number
}

/** An element of a set or map. */
export interface SetElement {
  readonly key: readonly DataValue[]
  readonly data?: readonly DataValue[]
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
}

// NFT_SET_* and NFT_SET_ELEM_* bits.
const FLAG = { interval: 4, map: 8, timeout: 16, eval: 32 } as const
const ELEMENT_END = 1

/** The longest comment, in bytes: a user-data entry holds 128 with the closing NUL. */
export const MAX_COMMENT = 127

/** User data is a row of type, length, value; type 0 is the comment (libnftnl/udata.h). */
export function commentBytes(comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment)
  if (text.length > MAX_COMMENT) {
    throw new TypeError(`comment: ${text.length} bytes is more than ${MAX_COMMENT}`)
  }
  return Uint8Array.of(0, text.length + 1, ...text, 0)
}

function readComment(userdata: Uint8Array | undefined): string | undefined {
  if (!userdata) return undefined
  for (let at = 0; at + 2 <= userdata.length; at += 2 + (userdata[at + 1] ?? 0)) {
    if (userdata[at] !== 0) continue
    const text = userdata.subarray(at + 2, at + 1 + (userdata[at + 1] ?? 0))
    return new TextDecoder().decode(text)
  }
  return undefined
}

/** The set in the addon's form. `id` names it within its transaction. */
export function setToWire(set: SetDef, id: number): { [key: string]: Wire } {
  const flags =
    (set.interval ? FLAG.interval : 0) |
    (set.data ? FLAG.map : 0) |
    (set.dynamic ? FLAG.timeout | FLAG.eval : 0)
  return {
    family: nftFamilies[set.family],
    table: set.table,
    name: set.name,
    flags,
    keyType: typeId(set.key),
    keyLength: typeLength(set.key),
    ...(set.data && { dataType: typeId(set.data), dataLength: typeLength(set.data) }),
    ...(set.size && { description: { size: set.size } }),
    id,
  }
}

/** An element in the addon's form. */
export function elementToWire(set: SetDef, element: SetElement): { [key: string]: Wire } {
  return {
    key: { value: encodeValue(set.key, element.key) },
    ...(set.data && { data: { value: encodeValue(set.data, element.data ?? []) } }),
    ...(element.comment && { userdata: commentBytes(element.comment) }),
  }
}

/** The two elements that stand for the IPv4 addresses `first` to `last`, both included. */
export function intervalToWire(first: number, last: number): { [key: string]: Wire }[] {
  const bytes = (n: number) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n])
  const start = { key: { value: bytes(first) } }
  // A range that reaches the last address has no end element.
  if (last >= 0xffffffff) return [start]
  return [start, { key: { value: bytes(last + 1) }, flags: ELEMENT_END }]
}

interface WireElements {
  elements?: {
    key: { value: Uint8Array }
    data?: { value?: Uint8Array }
    userdata?: Uint8Array
  }[]
}

/** Elements from the addon's answer to a dump. */
export function elementsFromWire(set: SetDef, wire: unknown): SetElement[] {
  return ((wire ?? []) as WireElements[]).flatMap((message) =>
    (message.elements ?? []).map((e) => {
      const comment = readComment(e.userdata)
      return {
        key: decodeValue(set.key, e.key.value),
        ...(set.data && e.data?.value && { data: decodeValue(set.data, e.data.value) }),
        ...(comment !== undefined && { comment }),
      }
    }),
  )
}
