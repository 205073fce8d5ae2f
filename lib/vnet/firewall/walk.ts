/**
 * What a chain of nftables does with a packet of which some things are known and others are not: a
 * walk by three values. A firewall's rules are others' work: nothing is taken for certain that cannot
 * be told from the rule itself.
 */
import type { Expr, RuleInfo } from '../../nft/index.js'

/** Whether something holds: undefined where it depends on what is not known. */
export type Known = boolean | undefined

/** What becomes of a packet in a chain. */
export type Fate = 'accept' | 'drop' | 'goes on'

/** What a chain does: for certain, and what it may do before that. */
export interface Outcome {
  readonly fate: Fate
  /** Some rule accepts what fits a condition that is not known. */
  readonly mayAccept: boolean
}

/** What is known of the packet, by `expression:key`; see `fieldOf`. */
export type Packet = Readonly<Record<string, Uint8Array>>

/** A set's keys in hex, each with its verdict where it is a verdict map; undefined for ranges. */
export type Keys = ReadonlyMap<string, WireVerdict | undefined> | undefined

interface WireVerdict {
  readonly code: number
  readonly chain?: string
}

/** A table's rules, by chain, and what is known of its sets. */
export interface Ruleset {
  readonly rules: ReadonlyMap<string, readonly RuleInfo[]>
  readonly sets: ReadonlyMap<string, Keys>
  /** Chains whose fate is known beforehand. */
  readonly settled?: ReadonlyMap<string, Fate>
}

// NF_* and NFT_* verdicts (linux/netfilter.h, linux/netfilter/nf_tables.h).
const DROP = 0
const ACCEPT = 1
const QUEUE = 3
const JUMP = -3
const GOTO = -4
const RETURN = -5
const MAX_DEPTH = 16

interface Attributes {
  readonly [name: string]: unknown
  readonly dreg?: number
  readonly sreg?: number
  readonly data?: { readonly value?: Uint8Array; readonly verdict?: WireVerdict }
}

/** Walks a chain. */
export function walk(
  ruleset: Ruleset,
  chain: string,
  packet: Packet,
  depth = 0,
): Outcome {
  const settled = ruleset.settled?.get(chain)
  if (settled) return { fate: settled, mayAccept: false }
  let mayAccept = false
  if (depth > MAX_DEPTH) return { fate: 'goes on', mayAccept: true }
  for (const rule of ruleset.rules.get(chain) ?? []) {
    const { holds, verdict } = judge(rule.expressions, ruleset, packet)
    if (holds === false || !verdict) continue
    const end = follow(ruleset, verdict, packet, depth)
    if (end.mayAccept || (holds === undefined && end.fate === 'accept')) mayAccept = true
    if (holds !== true) continue
    if (end.fate !== 'goes on') return { fate: end.fate, mayAccept }
    if (verdict.code === RETURN || verdict.code === GOTO) break
  }
  return { fate: 'goes on', mayAccept }
}

function follow(
  ruleset: Ruleset,
  { code, chain = '' }: WireVerdict,
  packet: Packet,
  depth: number,
): Outcome {
  const plain = (fate: Fate) => ({ fate, mayAccept: false })
  if (code === ACCEPT) return plain('accept')
  if (code === DROP) return plain('drop')
  // Who reads the queue decides.
  if (code === QUEUE) return { fate: 'goes on', mayAccept: true }
  const leads = code === JUMP || code === GOTO
  return leads ? walk(ruleset, chain, packet, depth + 1) : plain('goes on')
}

/** Whether a rule's conditions hold for a packet, and what it does then. */
export function judge(
  expressions: readonly Expr[],
  { sets }: Pick<Ruleset, 'sets'>,
  packet: Packet,
): { holds: Known; verdict: WireVerdict | undefined } {
  const registers = new Map<number, Uint8Array | undefined>()
  let holds: Known = true
  for (const { expr, data = {}, raw } of expressions) {
    const all = data as Attributes
    const value = all.sreg === undefined ? undefined : registers.get(place(all.sreg))
    let fits: Known = true
    if (expr === 'immediate' && all.data?.verdict) {
      return { holds, verdict: signed(all.data.verdict) }
    }
    if (expr === 'reject') return { holds, verdict: { code: DROP } }
    if (expr === 'cmp') fits = compare(value, all)
    else if (expr === 'lookup') {
      const found = lookUp(value, sets.get(String(all['set'])), all)
      if (found.verdict && all.dreg === 0) {
        return { holds: and(holds, found.fits), verdict: signed(found.verdict) }
      }
      fits = found.fits
    } else if (expr === 'match' || expr === 'target') {
      const extension = xt(expr, raw ?? new Uint8Array(), packet)
      if (extension === 'drop') return { holds, verdict: { code: DROP } }
      fits = extension
    } else if (all.dreg !== undefined) {
      registers.set(place(all.dreg), load(expr, all, value, packet))
    } else if (!HARMLESS.has(expr)) fits = undefined
    holds = and(holds, fits)
    if (holds === false) return { holds, verdict: undefined }
  }
  return { holds, verdict: undefined }
}

/** Expressions that change nothing about a packet's way. */
const HARMLESS = new Set([
  'counter',
  'log',
  'notrack',
  'meta',
  'ct',
  'payload',
  'objref',
  'last',
])

const and = (a: Known, b: Known): Known =>
  a === false || b === false ? false : a === true && b === true ? true : undefined

const place = (register: number) => (register < 8 ? (register - 1) * 4 : register - 8)

const signed = ({ code, ...rest }: WireVerdict) => ({ code: code | 0, ...rest })

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** The name of a field for `Packet`. */
export function fieldOf(expr: string, data: Attributes): string {
  const parts = expr === 'payload' ? ['base', 'offset', 'length'] : ['key']
  return `${expr}:${parts.map((name) => data[name] ?? 0).join(':')}`
}

function load(
  expr: string,
  data: Attributes,
  value: Uint8Array | undefined,
  packet: Packet,
): Uint8Array | undefined {
  if (expr === 'immediate') return data.data?.value
  if (expr === 'bitwise') return value && masked(value, data)
  return packet[fieldOf(expr, data)]
}

function masked(value: Uint8Array, data: Attributes): Uint8Array | undefined {
  const bytes = (name: string) =>
    (data[name] as { value?: Uint8Array } | undefined)?.value
  const [mask, xor] = [bytes('mask'), bytes('xor')]
  if (!mask || !xor) return undefined
  return mask.map((byte, i) => ((value[i] ?? 0) & byte) ^ (xor[i] ?? 0))
}

function compare(value: Uint8Array | undefined, { op = 0, data }: Attributes): Known {
  const wanted = data?.value
  if (!value || !wanted) return undefined
  const order = Buffer.compare(value.subarray(0, wanted.length), wanted)
  // NFT_CMP_*
  const answers = [order === 0, order !== 0, order < 0, order <= 0, order > 0, order >= 0]
  return answers[Number(op)]
}

function lookUp(
  value: Uint8Array | undefined,
  keys: Keys,
  { flags = 0, dreg }: Attributes,
): { fits: Known; verdict?: WireVerdict | undefined } {
  if (!value || !keys) {
    // Some key may lead to a verdict that accepts.
    const verdicts = dreg === 0 && keys ? [...keys.values()] : []
    const best = verdicts.find((one) => one?.code === ACCEPT) ?? verdicts.find(Boolean)
    return {
      fits: undefined,
      verdict: best ?? (dreg === 0 ? { code: ACCEPT } : undefined),
    }
  }
  const length = [...keys.keys()][0]?.length ?? 0
  const key = hex(value).slice(0, length)
  const isThere = keys.has(key)
  // NFT_LOOKUP_F_INV
  return { fits: isThere !== (Number(flags) === 1), verdict: keys.get(key) }
}

/** XT_CONNTRACK_STATE, and the places of the structure (linux/netfilter/xt_conntrack.h). */
const XT_STATE = { flag: 1, flags: 146, invert: 148, states: 150 } as const
/** XT_CONNTRACK_STATE_BIT(IP_CT_NEW) */
const XT_NEW = 8

// What iptables-nft hands on as it is: (length, type, name), (4, 2, revision), (length, 3, bytes).
function xt(kind: 'match' | 'target', raw: Uint8Array, packet: Packet): Known | 'drop' {
  const bytes = Buffer.from(raw)
  if (bytes.length < 8) return undefined
  const nameEnd = bytes.readUInt16LE(0)
  const name = bytes.toString('latin1', 4, nameEnd).replace(/\0.*$/s, '')
  if (kind === 'target') {
    if (name === 'REJECT') return 'drop'
    return (
      ['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'TCPMSS', 'CT'].includes(name) || undefined
    )
  }
  if (name === 'comment') return true
  if (name !== 'conntrack' || !packet['ct:0']) return undefined
  const info = bytes.subarray(Math.ceil(nameEnd / 4) * 4 + 8 + 4)
  if (info.length < XT_STATE.states + 2) return undefined
  const at = (offset: number) => info.readUInt16LE(offset)
  if (at(XT_STATE.flags) !== XT_STATE.flag) return undefined
  const fits = (at(XT_STATE.states) & XT_NEW) !== 0
  return fits !== ((at(XT_STATE.invert) & XT_STATE.flag) !== 0)
}
