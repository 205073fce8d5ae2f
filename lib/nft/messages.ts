/**
 * Elements of a set, parted into messages of a transaction.
 */
import type { Wire } from '../binding.js'
import { isPlain, packElements, wireSize, type SetElement } from './element.js'
import type { SetDef } from './set-def.js'
import { typeLength } from './types.js'

// One message must stay below 64 KiB, the most that an attribute (the list) can hold.
const MOST_BYTES = 60_000
// Fewer stay legible in a printed plan; more are packed, which is many times faster.
const PACK_FROM = 64

/** What one message says of elements. */
export interface MessagePart {
  readonly members: { readonly [key: string]: Wire }
  /** The element behind each entry of the message's list, for naming the one that is refused. */
  readonly about: readonly SetElement[]
}

/** Messages for elements; `wire` holds for each what stands for it, which must not be parted. */
export function inMessages(
  elements: readonly SetElement[],
  wire: readonly { [key: string]: Wire }[][],
): MessagePart[] {
  const parts: MessagePart[] = []
  let list: { [key: string]: Wire }[] = []
  let about: SetElement[] = []
  let size = 0
  const flush = () => {
    if (list.length > 0) parts.push({ members: { elements: list }, about })
    list = []
    about = []
    size = 0
  }
  wire.forEach((group, i) => {
    const more = group.reduce((sum, e) => sum + wireSize(e), 0)
    if (size + more > MOST_BYTES) flush()
    size += more
    list.push(...group)
    for (const _ of group) about.push(elements[i] as SetElement)
  })
  flush()
  return parts
}

/** Whether the elements can be packed, and are enough for that to be worth it. */
export function isPackable(set: SetDef, elements: readonly SetElement[]): boolean {
  return elements.length >= PACK_FROM && elements.every((e) => isPlain(set, e))
}

/** Messages for elements in the packed form. */
export function packedInMessages(
  set: SetDef,
  elements: readonly SetElement[],
): MessagePart[] {
  const longest = elements.reduce((n, e) => Math.max(n, e.comment?.length ?? 0), 0)
  const data = set.data ? 12 + typeLength(set.data) : 0
  const each = 4 + 12 + typeLength(set.key) + data + (longest ? 10 + 3 * longest : 0) + 12
  const count = Math.max(1, Math.floor(MOST_BYTES / each))
  const parts: MessagePart[] = []
  for (let at = 0; at < elements.length; at += count) {
    const about = elements.slice(at, at + count)
    parts.push({ members: { packed: packElements(set, about) }, about })
  }
  return parts
}
