/**
 * User data: what programs note at objects of the ruleset, which the kernel only carries. It is
 * a row of type, length, value (libnftnl/udata.h); the nft program shows comments from it.
 */
import { ArgumentError } from '../argument-error.js'

/**
 * The longest comment, in bytes: the nft program takes 128 with the closing NUL.
 *
 * @internal
 */
export const MAX_COMMENT = 127

/** Type numbers of comments; sets have their own (NFTNL_UDATA_*_COMMENT). */
const COMMENT = 0
const SET_KEY_BYTEORDER = 0
const SET_DATA_BYTEORDER = 1
const SET_DATA_INTERVAL = 6
const SET_COMMENT = 7
// enum byteorder of nftables' include/datatype.h.
const HOST_ENDIAN = 1

function entry(type: number, value: Uint8Array): number[] {
  return [type, value.length, ...value]
}

function text(comment: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${comment}\0`)
  if (bytes.length - 1 > MAX_COMMENT) {
    throw new ArgumentError(
      `comment: ${bytes.length - 1} bytes is more than ${MAX_COMMENT}`,
    )
  }
  return bytes
}

/**
 * The user data that says a comment at a table, chain, rule, element or object.
 * Throws a TypeError when it is longer than MAX_COMMENT bytes of UTF-8.
 *
 * @internal
 */
export function commentBytes(comment: string): Uint8Array {
  return Uint8Array.from(entry(COMMENT, text(comment)))
}

/**
 * The user data of a set: its comment, which of its types are in this machine's order, and whether
 * its data are ranges.
 */
export function setUserdata(set: {
  readonly comment?: string | undefined
  readonly hostKey: boolean
  readonly hostData: boolean
  readonly dataInterval?: boolean
}): Uint8Array | undefined {
  const host = new Uint8Array(Uint32Array.of(HOST_ENDIAN).buffer)
  const yes = new Uint8Array(Uint32Array.of(1).buffer)
  const bytes = [
    ...(set.hostKey ? entry(SET_KEY_BYTEORDER, host) : []),
    ...(set.hostData ? entry(SET_DATA_BYTEORDER, host) : []),
    ...(set.dataInterval ? entry(SET_DATA_INTERVAL, yes) : []),
    ...(set.comment ? entry(SET_COMMENT, text(set.comment)) : []),
  ]
  return bytes.length > 0 ? Uint8Array.from(bytes) : undefined
}

function* entries(userdata: Uint8Array): Generator<{ type: number; value: Uint8Array }> {
  for (let at = 0; at + 2 <= userdata.length; at += 2 + (userdata[at + 1] ?? 0)) {
    const length = userdata[at + 1] ?? 0
    yield { type: userdata[at] ?? 0, value: userdata.subarray(at + 2, at + 2 + length) }
  }
}

function readText(userdata: Uint8Array | undefined, wanted: number): string | undefined {
  if (!userdata) return undefined
  for (const { type, value } of entries(userdata)) {
    if (type === wanted) return new TextDecoder().decode(value.subarray(0, -1))
  }
  return undefined
}

function withText(userdata: Uint8Array, type: number, comment?: string): Uint8Array {
  if (comment === undefined || readText(userdata, type) === comment) return userdata
  const others = [...entries(userdata)].filter((one) => one.type !== type)
  const kept = others.flatMap((one) => entry(one.type, one.value))
  return Uint8Array.from([...kept, ...entry(type, text(comment))])
}

/**
 * The user data of a rule with that comment in the place of its own; as it is without one.
 *
 * @internal
 */
export function withComment(userdata: Uint8Array, comment?: string): Uint8Array {
  return withText(userdata, COMMENT, comment)
}

/**
 * The same for a set.
 *
 * @internal
 */
export function withSetComment(userdata: Uint8Array, comment?: string): Uint8Array {
  return withText(userdata, SET_COMMENT, comment)
}

/** The comment in the user data of a table, chain, rule, element or object. */
export function readComment(userdata: Uint8Array | undefined): string | undefined {
  return readText(userdata, COMMENT)
}

/** The comment in the user data of a set. */
export function readSetComment(userdata: Uint8Array | undefined): string | undefined {
  return readText(userdata, SET_COMMENT)
}
