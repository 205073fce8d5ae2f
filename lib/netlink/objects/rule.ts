/**
 * Policy rules: which packets look into which routing table (linux/fib_rules.h, RTM_NEWRULE).
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import { checkInteger, checkLinkName } from '../base/check.js'
import {
  ERRNO,
  NLM_F,
  routeTables,
  ruleActions,
  type Family,
  type RouteTable,
  type RuleAction,
} from '../base/constants.js'
import {
  decodeIp,
  checked,
  familyMember,
  flag,
  integer,
  MemberTable,
  own,
  plain,
  told,
  toggle,
  u32,
  unlessEmpty,
  type Member,
  type WireArgs,
} from '../base/members.js'
import { checkOptions, orNone } from '../base/options.js'
import { familyName, familyNumber, parsePrefix } from '../base/prefix.js'
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
  /** Id of the tunnel that packets came by (FRA_TUN_ID). */
  readonly tunnelId?: number
  /** FRA_FLOW: the realms of packets that it fits, `source << 16 | destination` (IPv4). */
  readonly flow?: number
  /** Looks into the table of the VRF that packets are of, in the place of `table`. */
  readonly l3mdev?: boolean
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

/** Which rules a dump means. */
export interface RuleFilter {
  /** Both families when absent. */
  readonly family?: Family
}

/** FIB_RULE_INVERT (linux/fib_rules.h). */
const INVERT = 2

function range(max: number): Member<Range> {
  const check = (given: Range, field: string): Wire => {
    checkOptions(given, field, { first: 'value', last: 'value' }, `${field}.`)
    const first = checkInteger(given.first, `${field}.first`, 0, max)
    return { first, last: checkInteger(given.last, `${field}.last`, first, max) }
  }
  return { ...told, write: check }
}

/** -1 stands for none (net/core/fib_rules.c, fib_nl_fill_rule). */
function unlessNegative(member: Member<number>): Member<number> {
  return { ...member, read: (wire: number) => (wire < 0 ? undefined : wire) }
}

/** A rule: native/rtnl/rule.cc has the attributes. */
const RULE = new MemberTable<RuleSpec>({
  family: own,
  from: own,
  to: own,
  table: own,
  action: own,
  priority: u32,
  goto: u32,
  invert: flag(INVERT),
  tos: unlessEmpty(integer(0, 255)),
  mark: u32,
  mask: u32,
  inLink: checked(checkLinkName),
  outLink: checked(checkLinkName),
  suppressPrefixLength: unlessNegative(integer(0, 128)),
  suppressGroup: unlessNegative(integer(0, 0x7fffffff)),
  ipProtocol: integer(0, 255),
  sourcePorts: range(0xffff),
  destinationPorts: range(0xffff),
  uids: range(0xffffffff),
  tunnelId: unlessEmpty(integer(0, Number.MAX_SAFE_INTEGER)),
  flow: unlessEmpty(u32),
  l3mdev: { ...toggle, read: (wire: number) => wire !== 0 || undefined },
  protocol: integer(0, 255),
  unknown: plain,
})

const FILTER = new MemberTable<RuleFilter>({ family: familyMember })

interface WireRule {
  family: number
  toLength: number
  fromLength: number
  action: number
  flags: number
  to?: string
  from?: string
  table?: number
  l3mdev?: number
}

/**
 * A rule from the addon's form.
 *
 * @internal
 */
export function policyRuleFromWire(wire: unknown): Rule {
  const w = wire as WireRule
  const action = ruleActions.name(w.action) as RuleAction
  const rule: { -readonly [K in keyof Rule]?: Rule[K] } = {
    family: familyName(w.family),
    priority: 0,
    action,
  }
  if (action === 'table' && !w.l3mdev) rule.table = routeTables.name(w.table ?? 0)
  if (w.from !== undefined) rule.from = `${w.from}/${w.fromLength}`
  if (w.to !== undefined) rule.to = `${w.to}/${w.toLength}`
  RULE.readBits(w.flags, rule)
  return RULE.read<Rule>(w, rule)
}

// An action is always sent by us: without one the kernel does nothing on a match.
function toWire(spec: RuleSpec): WireArgs {
  RULE.check(spec, 'rule')
  const from = spec.from === undefined ? undefined : parsePrefix(spec.from, 'from')
  const to = spec.to === undefined ? undefined : parsePrefix(spec.to, 'to')
  const wanted = spec.family ?? from?.family ?? to?.family ?? 'ipv4'
  for (const part of [from, to]) {
    if (part && part.family !== wanted) {
      throw new ArgumentError(`family: ${part.address} is not ${wanted}; give one family`)
    }
  }
  const action = spec.action ?? (spec.goto === undefined ? 'table' : 'goto')
  if (spec.l3mdev && spec.table !== undefined) {
    throw new ArgumentError('l3mdev: the VRF tells the table; leave `table` out')
  }
  const looksUp = action === 'table' && !spec.l3mdev
  return {
    family: familyNumber(wanted),
    fromLength: from?.length ?? 0,
    toLength: to?.length ?? 0,
    ...(from && { from: from.address }),
    ...(to && { to: to.address }),
    action: ruleActions.number(action),
    flags: RULE.bits(spec).flags,
    ...(looksUp && { table: routeTables.number(spec.table ?? 'main') }),
    ...RULE.write(spec, {}),
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
   * Adds a rule, or leaves the equal one that is there; without a priority, whatever its priority is.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: RuleSpec): void {
    // The kernel looks for an equal one at the priority that it has just picked, where there is none.
    const op = spec.priority === undefined ? 'rule.ensure' : 'rule.new'
    this.#put(spec, [ERRNO.EEXIST], op)
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

  /**
   * Reads all rules, IPv4 and IPv6, or those of a family, in the order that they are asked. More than
   * fit into one datagram are read until two readings agree, because the kernel does not tell of
   * changes in between; NetlinkError EINTR when ten did not.
   */
  dump(given?: RuleFilter): StepRef<Rule[]> {
    const filter = orNone(given)
    FILTER.check(filter, 'rule.dump')
    const at = this.sink.add('rule.dump', { family: 0, ...FILTER.write(filter, {}) })
    return new StepRef(at, (wire) => decodeIp(wire, policyRuleFromWire))
  }

  #put(spec: RuleSpec, accept: number[], op = 'rule.new'): void {
    const args = toWire(spec)
    this.sink.add(op, args, {
      flags: NLM_F.create | NLM_F.excl,
      accept,
      undo: [{ op: 'rule.del', args, accept: [ERRNO.ENOENT] }],
    })
  }
}
