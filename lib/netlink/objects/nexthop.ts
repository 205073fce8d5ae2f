/**
 * Next hops as objects of their own (linux/nexthop.h, RTM_NEWNEXTHOP): routes name them by number
 * (`nextHopId`), and changing one changes all its routes at once.
 */
import { orNone } from '../base/options.js'
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import { checkInteger } from '../base/check.js'
import {
  ERRNO,
  NLM_F,
  Names,
  RTNH_F,
  routeProtocols,
  scopes,
  type Family,
  type RouteProtocol,
  type Scope,
} from '../base/constants.js'
import {
  addressMember,
  familyMember,
  flag,
  integer,
  linkMember,
  MemberTable,
  named,
  order,
  own,
  plain,
  written,
  type Member,
  type WireArgs,
  type WriteContext,
} from '../base/members.js'
import { familyName, familyNumber, familyOf } from '../base/prefix.js'
import { StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** How a group shares packets out: NEXTHOP_GRP_TYPE_* (linux/nexthop.h). */
export type NextHopGroupType = 'multipath' | 'resilient'

const groupTypes = new Names<NextHopGroupType>('groupType', {
  multipath: 0,
  resilient: 1,
})

/** A next hop in a group. */
export interface NextHopMember {
  /** Number of the next hop. */
  readonly id: number
  /** Its share, 1 to 256 (above 255 from Linux 6.13 on); 1 when absent. */
  readonly weight?: number
}

/** How a resilient group keeps flows where they are when its members change. */
export interface ResilientGroup {
  /** Number of buckets that flows fall into, 1 to 65535. */
  readonly buckets?: number
  /** Seconds that a bucket has to be unused before it moves. */
  readonly idleTimer?: number
  /** Seconds out of balance after which buckets move though they are used; 0 is never. */
  readonly unbalancedTimer?: number
}

/** A next hop, or a group of them, to add or replace. */
export interface NextHopSpec {
  /** Its number, 1 to 4294967295: what routes and groups call it by. */
  readonly id: number
  /** The family of what has no `via`; IPv4 when absent. Groups have none. */
  readonly family?: Family
  /** Address of the gateway. */
  readonly via?: string
  /** The interface that packets leave by. */
  readonly link?: LinkLike
  /** The gateway is on the link, whatever the routes say (RTNH_F_ONLINK). */
  readonly onlink?: boolean
  /** It drops what comes. */
  readonly blackhole?: boolean
  /** For forwarding tables of VXLAN links instead of routes; it has no link (Linux 5.8). */
  readonly fdb?: boolean
  /** Several next hops, in the place of `via` and `link`. */
  readonly group?: readonly NextHopMember[]
  /** `multipath` when absent; `resilient` needs Linux 5.13. */
  readonly groupType?: NextHopGroupType
  /** The settings of a resilient group; the kernel's own when absent. */
  readonly resilient?: ResilientGroup
  /** Who installs it; `boot` when absent. */
  readonly protocol?: RouteProtocol | number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** A next hop as the kernel reports it; it can be given back to `replace`. */
export interface NextHopEntry extends NextHopSpec {
  /** Index of the interface that packets leave by. */
  readonly link?: number
  /** Who installed it. */
  readonly protocol: RouteProtocol | number
  /** How far the gateway is: `link` with one, `host` without; `global` for groups. */
  readonly scope: Scope | number
}

/** Which next hops a dump or flush means; absent members fit all. */
export interface NextHopFilter {
  /** Those of one family; groups have none. */
  readonly family?: Family
  /** Those that leave by the link. */
  readonly link?: LinkLike
  /** Those whose link is a port of it: a bridge or VRF. */
  readonly master?: LinkLike
  /** Groups alone. */
  readonly groups?: boolean
}

const HUNDREDTHS = 100

/** Seconds here, hundredths of a second at the kernel (USER_HZ). */
const seconds: Member<number> = {
  write: (value, field) => {
    const most = Math.floor(0xffffffff / HUNDREDTHS)
    const whole = Math.round(Number(value) * HUNDREDTHS)
    const fits = typeof value === 'number' && whole >= 0 && value <= most
    if (fits) return whole
    throw new ArgumentError(`${field}: must be a number of seconds from 0 to ${most}`)
  },
  read: (wire: number) => wire / HUNDREDTHS,
}

const RESILIENT = new MemberTable<ResilientGroup>({
  buckets: integer(1, 0xffff),
  idleTimer: seconds,
  unbalancedTimer: seconds,
})

const MEMBER = new MemberTable<NextHopMember>({ id: own, weight: own })
const MOST_ID = 0xffffffff

function membersToWire(group: readonly NextHopMember[]): Wire {
  if (!Array.isArray(group) || group.length === 0) {
    throw new ArgumentError('group: give a list of next hops with at least one')
  }
  return group.map((member: NextHopMember, i) => {
    MEMBER.check(member, 'a member of a group', `group.${i}.`)
    const { id, weight = 1 } = member
    return {
      id: checkInteger(id, `group.${i}.id`, 1, MOST_ID),
      weight: checkInteger(weight, `group.${i}.weight`, 1, 256) - 1,
    }
  })
}

interface WireMember {
  id: number
  weight: number
}

/** A next hop: native/rtnl/nexthop.cc has the attributes. */
const NEXT_HOP = new MemberTable<NextHopSpec>({
  id: written(integer(1, MOST_ID)),
  family: own,
  via: addressMember(),
  link: linkMember(),
  onlink: flag(RTNH_F.onlink),
  blackhole: { ...order, read: (on: boolean) => on },
  fdb: { ...order, read: (on: boolean) => on },
  group: {
    write: (value) => membersToWire(value),
    read: (wire: WireMember[]) =>
      wire.map(({ id, weight }) => ({ id, weight: weight + 1 })),
  },
  groupType: own,
  resilient: {
    write: (value) => {
      RESILIENT.check(value, 'resilient', 'resilient.')
      return RESILIENT.write(value, {}, 'resilient.')
    },
    read: (wire: object) => RESILIENT.read<ResilientGroup>(wire, {}),
  },
  protocol: written(named(routeProtocols)),
  unknown: plain,
})

const FILTER = new MemberTable<NextHopFilter>({
  family: familyMember,
  link: linkMember(),
  master: linkMember(),
  groups: order,
})

interface WireNextHop {
  id: number
  family: number
  scope: number
  protocol: number
  flags: number
  group?: WireMember[]
  groupType?: number
}

/**
 * A next hop from the addon's form.
 *
 * @internal
 */
export function nextHopFromWire(wire: unknown): NextHopEntry {
  const w = wire as WireNextHop
  const entry: { -readonly [K in keyof NextHopEntry]?: NextHopEntry[K] } = {
    id: w.id,
    protocol: routeProtocols.name(w.protocol),
    scope: scopes.name(w.scope),
  }
  if (w.family) entry.family = familyName(w.family)
  if (w.group) entry.groupType = groupTypes.name(w.groupType ?? 0) as NextHopGroupType
  NEXT_HOP.readBits(w.flags, entry)
  return NEXT_HOP.read<NextHopEntry>(w, entry)
}

/** What a group cannot have: the kernel would refuse it without a word on which. */
const NOT_FOR_GROUPS = ['family', 'via', 'link', 'onlink', 'blackhole'] as const

function checkGroup(spec: NextHopSpec): void {
  if (spec.group) {
    const wrong = NOT_FOR_GROUPS.find((name) => spec[name] !== undefined)
    if (wrong) throw new ArgumentError(`${wrong}: a group has none; its next hops do`)
  } else if (spec.groupType !== undefined || spec.resilient !== undefined) {
    const wrong = spec.groupType === undefined ? 'resilient' : 'groupType'
    throw new ArgumentError(`${wrong}: only for groups; give group as well`)
  }
  if (spec.resilient !== undefined && spec.groupType !== 'resilient') {
    throw new ArgumentError('resilient: give groupType resilient as well')
  }
}

function toWire(spec: NextHopSpec, context: WriteContext): WireArgs {
  NEXT_HOP.check(withoutTold(spec), 'nextHop')
  if (spec.id === undefined)
    throw new ArgumentError('id: give the number of the next hop')
  checkGroup(spec)
  const family =
    spec.family ?? (spec.via === undefined ? 'ipv4' : familyOf(spec.via, 'via'))
  return {
    family: spec.group ? 0 : familyNumber(family),
    protocol: routeProtocols.number('boot'),
    flags: NEXT_HOP.bits(spec).flags,
    ...(spec.groupType !== undefined && {
      groupType: groupTypes.number(spec.groupType),
    }),
    ...NEXT_HOP.write(spec, context),
  }
}

/** What was read can be given back: the scope is the kernel's to say. */
function withoutTold(spec: NextHopSpec): NextHopSpec {
  if (typeof spec !== 'object' || spec === null) return spec
  const { scope: _, ...rest } = spec as NextHopSpec & { readonly scope?: unknown }
  return rest
}

/**
 * The request behind `replace`, for the undo of another step: links go by index here.
 *
 * @internal
 */
export function replaceNextHopStep(spec: NextHopSpec) {
  const flags = NLM_F.create | NLM_F.replace
  return { op: 'nextHop.new', args: toWire(spec, {}), flags, accept: [] as number[] }
}

/** The verbs for next hops of one namespace in a plan. */
export class NextHopVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds a next hop or a group.
   *
   * @throws NetlinkError EEXIST when the number is taken
   * @throws NetlinkError ENETDOWN when the link is down; for a blackhole `lo`
   * @throws NetlinkError EHOSTUNREACH when no route reaches the gateway (IPv6)
   * @throws NetlinkError ENETUNREACH when no route reaches the gateway (IPv4)
   * @throws NetlinkError EINVAL for what does not go together: a group of what there is not, or of
   *   groups; a gateway without a link, or by an index that no link has
   */
  add(spec: NextHopSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl, [])
  }

  /**
   * Adds a next hop, or leaves the one that has its number.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: NextHopSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl, [ERRNO.EEXIST])
  }

  /**
   * Adds a next hop, or puts it in the place of the one that has its number: for all routes and
   * groups that name it. `was` is the next hop that undo puts back.
   *
   * @throws NetlinkError EINVAL also for a group in the place of a single one, or the reverse
   * @throws NetlinkError as `add` for the rest, but for EEXIST
   */
  replace(spec: NextHopSpec, was?: NextHopSpec): void {
    const flags = NLM_F.create | NLM_F.replace
    const op = 'nextHop.new'
    const context = { sink: this.sink }
    const undo = was && [{ op, args: toWire(was, context), flags, accept: [] }]
    this.sink.add(op, toWire(spec, context), { flags, undo })
  }

  /**
   * Deletes a next hop, and with it the routes that name it; groups lose it as a member.
   *
   * @throws NetlinkError ENOENT when there is none of that number
   */
  del(id: number): void {
    this.sink.add('nextHop.del', { id: checkInteger(id, 'id', 1, MOST_ID) })
  }

  /** Deletes a next hop, if it is there. */
  delIfExists(id: number): void {
    const args = { id: checkInteger(id, 'id', 1, MOST_ID) }
    this.sink.add('nextHop.del', args, { accept: [ERRNO.ENOENT] })
  }

  /**
   * Reads one next hop.
   *
   * @throws NetlinkError ENOENT when there is none of that number
   */
  get(id: number): StepRef<NextHopEntry> {
    const at = this.sink.add('nextHop.get', { id: checkInteger(id, 'id', 1, MOST_ID) })
    return new StepRef(at, nextHopFromWire)
  }

  /** Reads all next hops and groups, or those that fit. */
  dump(filter?: NextHopFilter): StepRef<NextHopEntry[]> {
    const at = this.sink.add('nextHop.dump', this.#filter(orNone(filter)))
    return new StepRef(at, (wire) => (wire as unknown[]).map(nextHopFromWire))
  }

  #filter(filter: NextHopFilter): WireArgs {
    FILTER.check(filter, 'nextHop.dump')
    return { family: 0, ...FILTER.write(filter, { sink: this.sink }) }
  }

  #put(spec: NextHopSpec, flags: number, accept: number[]): void {
    const args = toWire(spec, { sink: this.sink })
    const undo = [
      { op: 'nextHop.del', args: { id: spec.id }, flags: 0, accept: [ERRNO.ENOENT] },
    ]
    this.sink.add('nextHop.new', args, { flags, accept, undo })
  }
}
