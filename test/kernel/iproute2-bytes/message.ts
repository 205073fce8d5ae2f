/**
 * rtnetlink messages taken apart for comparison: attributes without order, nested ones by what is
 * in them, and what two spellings say alike spelt alike.
 */

/** What an attribute holds: bytes as hexadecimal digits, or attributes, or parts with a header. */
export type Content = string | Attributes | readonly Part[]
/** Attributes by type number. An attribute that comes more than once is a list. */
export type Attributes = { [type: string]: Content[] }
/** A struct and the attributes behind it. */
export interface Part {
  readonly header: string
  readonly attributes: Attributes
}
/** A message without its length and sequence number. */
export interface Message extends Part {
  readonly type: number
  readonly flags: number
}

type Reader = (bytes: Buffer) => Content
type Readers = { readonly [type: number]: Reader }

const hex: Reader = (bytes) => bytes.toString('hex')
const align = (n: number) => (n + 3) & ~3
// NLA_F_NESTED and NLA_F_NET_BYTEORDER: iproute2 sets the first where a kernel asks for it only.
const TYPE_MASK = 0x3fff

function attributes(bytes: Buffer, readers: Readers = {}): Attributes {
  const out: Attributes = {}
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) {
      throw new Error(`an attribute of ${length} bytes at ${at} of ${bytes.length}`)
    }
    const type = bytes.readUInt16LE(at + 2) & TYPE_MASK
    const read = readers[type] ?? hex
    ;(out[type] ??= []).push(read(bytes.subarray(at + 4, at + length)))
    at += align(length)
  }
  return out
}

function part(bytes: Buffer, size: number, readers?: Readers): Part {
  const header = bytes.subarray(0, size).toString('hex')
  return { header, attributes: attributes(bytes.subarray(size), readers) }
}

/** Text, whether or not a NUL byte ends it: the kernel takes both (NLA_STRING). */
const text: Reader = (bytes) => hex(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes)
const nest =
  (readers?: Readers): Reader =>
  (bytes) =>
    attributes(bytes, readers)

/** RTA_MULTIPATH: struct rtnexthop, whose first two bytes are its length, again and again. */
const hops: Reader = (bytes) => {
  const out: Part[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    if (length < 8) throw new Error(`a next hop of ${length} bytes`)
    out.push(part(bytes.subarray(at + 2, at + length), 6))
    at += align(length)
  }
  return out
}

/** Kinds whose settings hold more than plain attributes (IFLA_INFO_DATA). */
const kindData: { readonly [kind: string]: Reader } = {
  // VETH_INFO_PEER, 1: struct ifinfomsg and attributes.
  veth: nest({ 1: (bytes) => [part(bytes, 16)] }),
}

/**
 * IFLA_LINKINFO: IFLA_INFO_KIND, 1, tells what IFLA_INFO_DATA, 2, holds. That a kind is given no
 * settings can be told by none of it, or by an empty one.
 */
const linkInfo: Reader = (bytes) => {
  const kind = (attributes(bytes, { 1: (b) => b.toString() })[1]?.[0] ?? '') as string
  const read = kindData[kind.replace('\0', '')] ?? nest()
  const { 2: data, ...rest } = attributes(bytes, { 1: text, 2: read })
  const settings = data?.filter((one) => Object.keys(one).length > 0)
  return settings?.length ? { ...rest, 2: settings } : rest
}

// By family of messages (type / 4, linux/rtnetlink.h): size of the struct, and what is nested.
const FAMILIES: { readonly [family: number]: readonly [number, Readers] } = {
  // IFLA_PROTINFO, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC
  4: [16, { 12: nest(), 18: linkInfo, 20: text, 26: nest() }],
  5: [8, {}],
  // RTA_METRICS, RTA_MULTIPATH
  6: [12, { 8: nest(), 9: hops }],
  7: [12, {}],
  8: [12, {}],
  // RTM_NEWLINKPROP: IFLA_PROP_LIST of IFLA_ALT_IFNAME
  27: [16, { 52: nest({ 53: text }) }],
}

const NEWLINK = 16
const SETLINK = 19
const DELNEIGH = 29
const [NLM_F_REQUEST, NLM_F_ACK, NLM_F_ECHO] = [1, 4, 8]
const le32 = (n: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return bytes.toString('hex')
}

/**
 * Spells alike what the kernel reads alike:
 * - a table of routes or rules up to 255 fits into the struct, any into RTA_TABLE or FRA_TABLE;
 * - a default route goes to nowhere, or to a prefix of length 0 (RTA_DST);
 * - the lower flags of an address fit into the struct, all into IFA_FLAGS; none is the same as zero;
 * - a change of a link is RTM_NEWLINK without NLM_F_CREATE, or RTM_SETLINK;
 * - NLM_F_ECHO only asks for an answer, which tells the index of a link that was made;
 * - an alternative name is added whatever the flags (rtnl_linkprop, net/core/rtnetlink.c);
 * - neighbours are deleted whatever their state (neigh_delete, rtnl_fdb_del).
 */
function plain(message: Message): Message {
  const { type, flags, attributes: all } = message
  const header = Buffer.from(message.header, 'hex')
  const family = type >> 2
  if (family === 6 || family === 8) {
    all['15'] ??= [le32(header[4] ?? 0)]
    header[4] = 0
  }
  if (family === 6 && header[1] === 0) delete all['1']
  if (family === 5) {
    all['8'] ??= [le32(header[2] ?? 0)]
    header[2] = 0
  }
  const counted = family === 27 ? NLM_F_REQUEST | NLM_F_ACK : ~NLM_F_ECHO
  if (type === DELNEIGH) header.writeUInt16LE(0, 8)
  return {
    // A port of a bridge (family AF_BRIDGE) is changed by RTM_SETLINK alone.
    type: type === SETLINK && header[0] === 0 ? NEWLINK : type,
    flags: flags & counted,
    header: header.toString('hex'),
    attributes: all,
  }
}

/** Takes a message of rtnetlink apart. */
export function parse(bytes: Buffer): Message {
  const type = bytes.readUInt16LE(4)
  const [size, readers] = FAMILIES[type >> 2] ?? []
  if (size === undefined) throw new Error(`no message of type ${type} is known here`)
  const body = bytes.subarray(16, bytes.readUInt32LE(0))
  return plain({ type, flags: bytes.readUInt16LE(6), ...part(body, size, readers) })
}
