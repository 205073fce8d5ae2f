/**
 * Tables, chains and rules: what to make, and what the kernel tells of them.
 */
import type { Wire } from '../binding.js'
import type { Expr } from './expr.js'
import {
  hookName,
  hookNumber,
  nftFamilyNumber,
  nftFamilyName,
  priorityNumber,
  type NftFamily,
  type NftHook,
  type PriorityName,
} from './families.js'
import type { CounterState } from './object.js'
import { withChecks } from './protocol-checks.js'
import { commentBytes, readComment, withComment } from './userdata.js'

/** Names a table. */
export interface TableRef {
  /** Family of the packets that it sees. */
  readonly family: NftFamily
  /** Its name, unique in the family. */
  readonly name: string
}

/** A table to make. */
export interface TableDef extends TableRef {
  /** Its chains see no packets while it is dormant. */
  readonly dormant?: boolean
  /** Text of up to 127 bytes. */
  readonly comment?: string
}

/** A table as the kernel tells it. */
export interface TableInfo extends TableDef {
  /** The kernel's number for it. */
  readonly handle: number
  /** How many chains, sets and objects it holds. */
  readonly use: number
}

/** Names a chain. */
export interface ChainRef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Its name, unique among the chains of the table. */
  readonly name: string
}

/** A chain. With `hook` packets enter it there, else rules jump to it. */
export interface ChainDef extends ChainRef {
  /** Where packets enter it; absent for a chain that rules jump to. */
  readonly hook?: NftHook
  /** `filter` when absent; `nat` chains see the first packet of a flow. */
  readonly type?: 'filter' | 'nat' | 'route'
  /** Lower runs first. A number, or nft's name for it in the family: `dstnat`, `filter - 5`. */
  readonly priority?: number | PriorityName
  /** What happens to packets that no rule decides about; `accept` when absent. */
  readonly policy?: 'accept' | 'drop'
  /** The interface of an ingress or egress hook; several with `devices`. */
  readonly device?: string
  /** The interfaces of an ingress or egress hook. */
  readonly devices?: readonly string[]
  /**
   * It belongs to the one rule that jumps to it, as `jump { … }` in nft, and takes no more rules once
   * that rule is there (NFT_CHAIN_BINDING, Linux 5.9 and later).
   */
  readonly binding?: boolean
  /** Text of up to 127 bytes. */
  readonly comment?: string
}

/** A chain as the kernel tells it. */
export interface ChainInfo extends ChainDef {
  /** The kernel's number for it, unique in the table. */
  readonly handle: number
  /** How many rules it has, and how many lead to it. */
  readonly use: number
  /** Its place among the chains of its hook; lower runs first. */
  readonly priority?: number
  /** What its policy counted, where that is on. */
  readonly counter?: CounterState
}

/** What xt matches and targets want to know of their rule (NFTA_RULE_COMPAT_*). */
export interface RuleCompat {
  /** IP protocol number, or the ethertype in the bridge family. */
  readonly protocol: number
  /** NFT_RULE_COMPAT_F_* bits (linux/netfilter/nf_tables.h). */
  readonly flags: number
}

/** A rule to make. */
export interface RuleDef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Name of the chain. */
  readonly chain: string
  /** What it matches and does, in order; the library's functions make them. */
  readonly expressions: readonly Expr[]
  /** Text of up to 127 bytes that `nft list` shows. */
  readonly comment?: string
  /** User data as bytes. A comment beside it is put in. */
  readonly userdata?: Uint8Array
  /**
   * For rules with xt matches or targets: the protocol number that the rule is about and NFT_RULE_
   * COMPAT_F_* bits. The kernel does not tell it again.
   */
  readonly compat?: RuleCompat
}

/** Names a rule: handles are unique within a table. */
export interface RuleRef {
  /** Family of the table that it is in. */
  readonly family: NftFamily
  /** Name of that table. */
  readonly table: string
  /** Name of the chain. */
  readonly chain: string
  /** The kernel's number for it. */
  readonly handle: number
}

/** A rule as the kernel tells it. It serves as a RuleDef too, which makes the same rule again. */
export interface RuleInfo extends RuleDef {
  /** The kernel's number for it, unique in the table. */
  readonly handle: number
}

const DORMANT = 1
/** NFT_CHAIN_BINDING */
const BINDING = 4
const POLICIES = ['drop', 'accept'] as const

function userdataOf(def: { comment?: string | undefined; userdata?: Uint8Array }) {
  const { comment, userdata } = def
  if (userdata) return { userdata: withComment(userdata, comment) }
  return comment ? { userdata: commentBytes(comment) } : undefined
}

/**
 * A table in the addon's form.
 *
 * @internal
 */
export function tableToWire(table: TableDef): { [key: string]: Wire } {
  return {
    family: nftFamilyNumber(table.family),
    name: table.name,
    ...(table.dormant !== undefined && { flags: table.dormant ? DORMANT : 0 }),
    ...(table.comment && { userdata: commentBytes(table.comment) }),
  }
}

/**
 * A chain in the addon's form. Throws a TypeError for what its family does not have.
 *
 * @internal
 */
export function chainToWire(chain: ChainDef): { [key: string]: Wire } {
  const { family, table, name, hook, device, devices } = chain
  return {
    family: nftFamilyNumber(family),
    table,
    name,
    ...(hook && {
      hook: {
        number: hookNumber(hook, family),
        priority: priorityNumber(chain.priority ?? 0, family),
        ...(device !== undefined && { device }),
        ...(devices && { devices }),
      },
      type: chain.type ?? 'filter',
      policy: POLICIES.indexOf(chain.policy ?? 'accept'),
    }),
    ...(chain.binding && { flags: BINDING }),
    ...userdataOf({ comment: chain.comment }),
  }
}

/**
 * A rule in the addon's form. Throws an ArgumentError for fields whose protocols do not go together.
 *
 * @internal
 */
export function ruleToWire(rule: RuleDef): { [key: string]: Wire } {
  const { family, table, chain, expressions, compat } = rule
  return {
    family: nftFamilyNumber(family),
    table,
    chain,
    expressions: withChecks(expressions, family),
    ...(compat && { compat: { ...compat } }),
    ...userdataOf(rule),
  }
}

interface WireInfo {
  family: number
  table: string
  chain: string
  name: string
  handle: number
  use?: number
  flags?: number
  userdata?: Uint8Array
}

/**
 * A table from the addon's answer.
 *
 * @internal
 */
export function tableFromWire(wire: unknown): TableInfo {
  const w = wire as WireInfo
  const comment = readComment(w.userdata)
  return {
    family: nftFamilyName(w.family),
    name: w.name,
    handle: w.handle,
    use: w.use ?? 0,
    ...((w.flags ?? 0) & DORMANT && { dormant: true }),
    ...(comment !== undefined && { comment }),
  }
}

interface WireChain extends WireInfo {
  hook?: { number: number; priority: number; device?: string; devices?: string[] }
  type?: ChainDef['type']
  policy?: number
  counters?: CounterState
}

function hookFromWire(w: WireChain, family: NftFamily) {
  if (!w.hook) return {}
  const hook = hookName(w.hook.number, family)
  const { priority, device, devices } = w.hook
  return {
    ...(hook && { hook }),
    ...(w.type && { type: w.type }),
    priority,
    policy: POLICIES[w.policy ?? 1] ?? 'accept',
    ...(device !== undefined && { device }),
    ...(devices && { devices }),
  }
}

/**
 * A chain from the addon's answer.
 *
 * @internal
 */
export function chainFromWire(wire: unknown): ChainInfo {
  const w = wire as WireChain
  const family = nftFamilyName(w.family)
  const comment = readComment(w.userdata)
  return {
    family,
    table: w.table,
    name: w.name,
    handle: w.handle,
    use: w.use ?? 0,
    ...hookFromWire(w, family),
    ...((w.flags ?? 0) & BINDING && { binding: true }),
    ...(w.counters && { counter: w.counters }),
    ...(comment !== undefined && { comment }),
  }
}

// What the kernel tells and refuses when it is given back. Absent means the same: the timeout of a
// dynset in a set without timeouts (nft_dynset_init), the flags of an option that is written
// (nft_exthdr_tcp_set_init).
function addable(expression: Expr): Expr {
  const { expr, data = {} } = expression
  const name =
    expr === 'dynset' ? 'timeout' : expr === 'exthdr' && data['sreg'] ? 'flags' : ''
  if (data[name] !== 0) return expression
  const { [name]: _, ...rest } = data
  return { ...expression, data: rest }
}

/**
 * A rule from the addon's answer.
 *
 * @internal
 */
export function ruleFromWire(wire: unknown): RuleInfo {
  const w = wire as WireInfo & { expressions?: Expr[] }
  const comment = readComment(w.userdata)
  return {
    family: nftFamilyName(w.family),
    table: w.table,
    chain: w.chain,
    handle: w.handle,
    expressions: (w.expressions ?? []).map(addable),
    ...(comment !== undefined && { comment }),
    ...(w.userdata && { userdata: w.userdata }),
  }
}
