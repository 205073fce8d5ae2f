/**
 * Policy rules: which packets look into which routing table (linux/fib_rules.h, RTM_NEWRULE).
 */
import type { Wire } from '../../binding.js'
import { checkInteger, checkLinkName } from '../base/check.js'
import {
  AF,
  ERRNO,
  NLM_F,
  routeTables,
  ruleActions,
  type Family,
  type RouteTable,
  type RuleAction,
} from '../base/constants.js'
import { checkOptions, type Options } from '../base/options.js'
import { familyFilter, familyName, familyNumber, parsePrefix } from '../base/prefix.js'
import { StepRef, type StepSink } from '../base/steps.js'

/** First and last of a range of ports or user ids. */
export interface Range {
  /** The lowest number. */
  readonly first: number
  /** The highest number, `first` for a single one. */
  readonly last: number
}

/** A rule to add or delete; absent members fit all packets. */
export interface RuleSpec {
  /** The family, where `from` and `to` do not tell it; IPv4 when absent. */
  readonly family?: Family
  /** Prefix that packets come from. */
  readonly from?: string
  /** Prefix that packets go to. */
  readonly to?: string
  /** `main` when absent, for rules that look into a table. */
  readonly table?: RouteTable | number
  /** Lower comes first; the kernel picks one below the lowest when absent. */
  readonly priority?: number
  /** Packet mark, compared under `mask` (all bits when absent). */
  readonly mark?: number
  /** Bits of the mark that count (FRA_FWMASK). */
  readonly mask?: number
  /** Name of the link that packets come in by; it need not exist. */
  readonly inLink?: string
  /** Name of the link that the socket is bound to. */
  readonly outLink?: string
  /** `table` when absent, or `goto` when that is given. */
  readonly action?: RuleAction
  /** Priority of the rule to go on with. */
  readonly goto?: number
  /** Fits what the rule would not (FIB_RULE_INVERT). */
  readonly invert?: boolean
  /** Type of service of the packets, 0 to 255. */
  readonly tos?: number
  /** A route of at most that prefix length does not count. */
  readonly suppressPrefixLength?: number
  /** A route by a link of that group does not count. */
  readonly suppressGroup?: number
  /** IPPROTO_* number. */
  readonly ipProtocol?: number
  /** Source ports of the packets (FRA_SPORT_RANGE). */
  readonly sourcePorts?: Range
  /** Destination ports of the packets (FRA_DPORT_RANGE). */
  readonly destinationPorts?: Range
  /** Users whose sockets sent the packets (FRA_UID_RANGE). */
  readonly uids?: Range
  /** RTPROT_* of who made the rule. */
  readonly protocol?: number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** A rule as the kernel reports it; it can be given back to `add`. */
export interface Rule extends RuleSpec {
  /** Family of the packets. */
  readonly family: Family
  /** Lower comes first (FRA_PRIORITY). */
  readonly priority: number
  /** What happens to packets that fit. */
  readonly action: RuleAction
}

/** FIB_RULE_INVERT (linux/fib_rules.h). */
const INVERT = 2
const U32 = 0xffffffff

interface WireRule {
  family: number
  toLength: number
  fromLength: number
  tos: number
  action: number
  flags: number
  to?: string
  from?: string
  table?: number
  priority?: number
  suppressPrefixLength?: number
  suppressGroup?: number
  [name: string]: unknown
}

const SAME = [
  'mark',
  'mask',
  'inLink',
  'outLink',
  'goto',
  'ipProtocol',
  'sourcePorts',
  'destinationPorts',
  'uids',
  'protocol',
  'unknown',
] as const

/**
 * A rule from the addon's form (native/rtnl/rule.cc).
 *
 * @internal
 */
export function policyRuleFromWire(wire: unknown): Rule {
  const w = wire as WireRule
  const same = SAME.filter((name) => w[name] !== undefined && w[name] !== null)
  const action = ruleActions.name(w.action) as RuleAction
  // -1 stands for none (net/core/fib_rules.c, fib_nl_fill_rule).
  const { suppressPrefixLength = -1, suppressGroup = -1 } = w
  return {
    family: familyName(w.family),
    priority: w.priority ?? 0,
    action,
    ...(action === 'table' && { table: routeTables.name(w.table ?? 0) }),
    ...(w.from !== undefined && { from: `${w.from}/${w.fromLength}` }),
    ...(w.to !== undefined && { to: `${w.to}/${w.toLength}` }),
    ...(w.flags & INVERT && { invert: true }),
    ...(w.tos && { tos: w.tos }),
    ...(suppressPrefixLength >= 0 && { suppressPrefixLength }),
    ...(suppressGroup >= 0 && { suppressGroup }),
    ...Object.fromEntries(same.map((name) => [name, w[name]])),
  }
}

/** What a rule has. */
const OPTIONS: Options<Rule> = {
  family: 'value',
  from: 'value',
  to: 'value',
  table: 'value',
  priority: 'value',
  mark: 'value',
  mask: 'value',
  inLink: 'value',
  outLink: 'value',
  action: 'value',
  goto: 'value',
  tos: 'value',
  suppressPrefixLength: 'value',
  suppressGroup: 'value',
  ipProtocol: 'value',
  sourcePorts: 'value',
  destinationPorts: 'value',
  uids: 'value',
  protocol: 'value',
  unknown: 'value',
  invert: 'switch',
}

function optional(value: number | undefined, field: string, max: number) {
  return value === undefined ? undefined : checkInteger(value, field, 0, max)
}

function range(value: Range | undefined, field: string, max: number) {
  if (value === undefined) return undefined
  checkInteger(value.first, `${field}.first`, 0, max)
  checkInteger(value.last, `${field}.last`, value.first, max)
  return { first: value.first, last: value.last }
}

function linkName(value: string | undefined, field: string) {
  return value === undefined ? undefined : checkLinkName(value, field)
}

// An action is always sent by us: without one the kernel does nothing on a match.
function toWire(spec: RuleSpec): { [key: string]: Wire } {
  checkOptions(spec, 'rule', OPTIONS)
  const from = spec.from === undefined ? undefined : parsePrefix(spec.from, 'from')
  const to = spec.to === undefined ? undefined : parsePrefix(spec.to, 'to')
  const family = spec.family ?? from?.family ?? to?.family ?? 'ipv4'
  for (const part of [from, to]) {
    if (part && part.family !== family) {
      throw new TypeError(`family: ${part.address} is not ${family}; give one family`)
    }
  }
  const action = spec.action ?? (spec.goto === undefined ? 'table' : 'goto')
  const table = action === 'table' ? (spec.table ?? 'main') : undefined
  return {
    family: familyNumber(family),
    fromLength: from?.length ?? 0,
    toLength: to?.length ?? 0,
    from: from?.address,
    to: to?.address,
    action: ruleActions.number(action),
    flags: spec.invert ? INVERT : 0,
    table: table === undefined ? undefined : routeTables.number(table),
    tos: optional(spec.tos, 'tos', 255),
    priority: optional(spec.priority, 'priority', U32),
    goto: optional(spec.goto, 'goto', U32),
    mark: optional(spec.mark, 'mark', U32),
    mask: optional(spec.mask, 'mask', U32),
    inLink: linkName(spec.inLink, 'inLink'),
    outLink: linkName(spec.outLink, 'outLink'),
    suppressPrefixLength: optional(
      spec.suppressPrefixLength,
      'suppressPrefixLength',
      128,
    ),
    suppressGroup: optional(spec.suppressGroup, 'suppressGroup', 0x7fffffff),
    ipProtocol: optional(spec.ipProtocol, 'ipProtocol', 255),
    sourcePorts: range(spec.sourcePorts, 'sourcePorts', 0xffff),
    destinationPorts: range(spec.destinationPorts, 'destinationPorts', 0xffff),
    uids: range(spec.uids, 'uids', U32),
    protocol: optional(spec.protocol, 'protocol', 255),
    unknown: spec.unknown,
  }
}

/** The verbs for policy rules of one namespace in a plan. */
export class RuleVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds a rule.
   *
   * @throws NetlinkError EEXIST when there is an equal one
   * @throws NetlinkError EINVAL for what does not go together: a `goto` without a target or
   *   backwards, ports from 0, ECN bits in `tos`
   */
  add(spec: RuleSpec): void {
    this.#put(spec, [])
  }

  /**
   * Adds a rule, or leaves the equal one that is there.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: RuleSpec): void {
    this.#put(spec, [ERRNO.EEXIST])
  }

  /**
   * Deletes the first rule that fits.
   *
   * @throws NetlinkError ENOENT when there is none
   */
  del(spec: RuleSpec): void {
    this.sink.add('rule.del', toWire(spec))
  }

  /** Deletes the first rule that fits, if there is one. */
  delIfExists(spec: RuleSpec): void {
    this.sink.add('rule.del', toWire(spec), { accept: [ERRNO.ENOENT] })
  }

  /** Reads all rules, IPv4 and IPv6, or those of a family, in the order that they are asked. */
  dump(options: { family?: Family } = {}): StepRef<Rule[]> {
    checkOptions(options, 'rule.dump', { family: 'value' })
    const family = familyFilter(options.family)
    const at = this.sink.add('rule.dump', { family })
    return new StepRef(at, (wire) =>
      (wire as WireRule[])
        .filter((rule) => rule.family === AF.ipv4 || rule.family === AF.ipv6)
        .map(policyRuleFromWire),
    )
  }

  #put(spec: RuleSpec, accept: number[]): void {
    const args = toWire(spec)
    this.sink.add('rule.new', args, {
      flags: NLM_F.create | NLM_F.excl,
      accept,
      undo: [{ op: 'rule.del', args, accept: [ERRNO.ENOENT] }],
    })
  }
}
