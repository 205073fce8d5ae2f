/**
 * Routes (linux/rtnetlink.h, RTM_NEWROUTE).
 */
import type { Wire } from '../../binding.js'
import {
  AF,
  ERRNO,
  NLM_F,
  RTNH_F,
  routeProtocols,
  routeTables,
  routeTypes,
  scopes,
  type Family,
  type RouteProtocol,
  type RouteTable,
  type RouteType,
  type Scope,
} from '../base/constants.js'
import { checkOptions, type Options } from '../base/options.js'
import {
  familyFilter,
  familyName,
  familyNumber,
  familyOf,
  parsePrefix,
} from '../base/prefix.js'
import { checkInteger } from '../base/check.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** One of several next hops. */
export interface NextHop {
  /** The interface that packets leave by. */
  readonly link: LinkLike
  /** Gateway on that interface; of either family, as in a route. */
  readonly via?: string
  /** 1 to 256. */
  readonly weight?: number
  /** RTNH_F_* bits. */
  readonly flags?: number
}

/** A route to add, replace or delete. */
export interface RouteSpec {
  /** `default` or a prefix: `10.0.0.0/24`. */
  readonly to: string
  /** IPv6: the prefix that packets come from. */
  readonly from?: string
  /** The family of a `default` without `via`; IPv4 when absent. */
  readonly family?: Family
  /** The next hop; of either family, an IPv4 route may go by an IPv6 one. */
  readonly via?: string
  /** The interface that packets leave by (RTA_OIF). */
  readonly link?: LinkLike
  /** Preferred source address. */
  readonly source?: string
  /** `main` when absent. */
  readonly table?: RouteTable | number
  /** `boot` when absent. */
  readonly protocol?: RouteProtocol | number
  /** `link` for routes without `via`, else `global`, when absent. */
  readonly scope?: Scope | number
  /** `unicast` when absent. */
  readonly type?: RouteType | number
  /** The metric: lower wins. */
  readonly priority?: number
  /** Only packets of that type of service, IPv4; 0 when absent. */
  readonly tos?: number
  /** RTNH_F_* bits; RTNH_F_ONLINK (4) takes a gateway that no route reaches. */
  readonly flags?: number
  /** RTNH_F_ONLINK: the gateway is on the link, whatever the routes say. */
  readonly onlink?: boolean
  /** Several next hops in the place of `via` and `link` (RTA_MULTIPATH). */
  readonly hops?: readonly NextHop[]
  /** RTAX_*: mtu, advmss and others, by name. */
  readonly metrics?: { readonly [name: string]: number }
  /** IPv6 router preference. */
  readonly preference?: number
  /** RTA_FLOW: the realms, `source << 16 | destination` (IPv4). */
  readonly flow?: number
  /** IPv6: seconds until the route goes. */
  readonly expires?: number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** A route as the kernel reports it; it can be given back to `replace`. */
export interface Route extends RouteSpec {
  /** Family of the destination. */
  readonly family: Family
  /** Index of the interface that packets leave by. */
  readonly link?: number
  /** Routing table that it is in (RTA_TABLE). */
  readonly table: RouteTable | number
  /** Who installed it (rtm_protocol). */
  readonly protocol: RouteProtocol | number
  /** How far the destination is (rtm_scope). */
  readonly scope: Scope | number
  /** What it does with packets (rtm_type). */
  readonly type: RouteType | number
}

/** Flags that the kernel sets and does not take back: dead, linkdown, offload and the like. */
const SETTABLE_FLAGS = 0x4

/** What the addon's table for routes calls the attributes (native/rtnl/route.cc). */
interface WireRoute {
  family: number
  toLength: number
  fromLength: number
  tos: number
  protocol: number
  scope: number
  type: number
  flags: number
  table?: number
  to?: string
  from?: string
  via?: string
  viaOther?: string
  flow?: number
  link?: number
  source?: string
  priority?: number
  metrics?: { [name: string]: number }
  hops?: (NextHop & { viaOther?: string })[]
  preference?: number
  expires?: number
  unknown?: Wire
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A route from the addon's form. A dump may hold very many: members are set one by one.
 *
 * @internal
 */
export function routeFromWire(wire: unknown): Route {
  const w = wire as WireRoute
  const route: Mutable<Route> = {
    family: familyName(w.family),
    to: w.to === undefined ? 'default' : `${w.to}/${w.toLength}`,
    table: routeTables.name(w.table ?? 254),
    protocol: routeProtocols.name(w.protocol),
    scope: scopes.name(w.scope),
    type: routeTypes.name(w.type),
  }
  const flags = w.flags & SETTABLE_FLAGS
  const via = w.via ?? w.viaOther
  if (w.from !== undefined) route.from = `${w.from}/${w.fromLength}`
  if (w.tos) route.tos = w.tos
  if (flags) route.flags = flags
  if (via !== undefined) route.via = via
  if (w.link !== undefined) route.link = w.link
  if (w.source !== undefined) route.source = w.source
  if (w.priority !== undefined) route.priority = w.priority
  if (w.metrics !== undefined) route.metrics = w.metrics
  if (w.hops !== undefined) route.hops = w.hops.map(hopFromWire)
  if (w.preference !== undefined) route.preference = w.preference
  if (w.flow !== undefined) route.flow = w.flow
  if (w.expires !== undefined) route.expires = w.expires
  if (w.unknown !== undefined) route.unknown = w.unknown
  return route
}

function hopFromWire({ viaOther, ...hop }: NextHop & { viaOther?: string }): NextHop {
  return viaOther === undefined ? hop : { ...hop, via: viaOther }
}

/** The gateway, under the attribute that its family asks for: RTA_GATEWAY or RTA_VIA. */
function viaToWire(
  via: string | undefined,
  family: Family,
  field = 'via',
): { [key: string]: Wire } {
  if (via === undefined) return {}
  const other = familyOf(via, field) !== family
  if (other && family === 'ipv6') {
    throw new TypeError(
      `${field}: ${via} cannot carry an IPv6 route; give an IPv6 gateway`,
    )
  }
  return other ? { viaOther: via } : { via }
}

function hopToWire(
  { via, weight, flags, link }: NextHop,
  family: Family,
  field: string,
  sink?: StepSink,
): { [key: string]: Wire } {
  return {
    ...viaToWire(via, family, `${field}.via`),
    weight:
      weight === undefined ? undefined : checkInteger(weight, `${field}.weight`, 1, 256),
    flags,
    link: linkToWire(link, sink, { field: `${field}.link` }),
  }
}

const UNREACHABLE = new Set<unknown>(['blackhole', 'unreachable', 'prohibit', 'throw'])

function familyOfSpec(spec: RouteSpec): Family {
  if (spec.to !== 'default') return parsePrefix(spec.to, 'to').family
  if (spec.from) return parsePrefix(spec.from, 'from').family
  return spec.family ?? (spec.via ? familyOf(spec.via, 'via') : 'ipv4')
}

function scopeOf(spec: RouteSpec, family: Family): number {
  if (spec.scope !== undefined) return scopes.number(spec.scope)
  const far = spec.via || spec.hops || family === 'ipv6' || UNREACHABLE.has(spec.type)
  return scopes.number(far ? 'global' : spec.type === 'local' ? 'host' : 'link')
}

function toWire(
  spec: RouteSpec,
  sink?: StepSink,
  optional = false,
): { [key: string]: Wire } {
  checkOptions(spec, 'route', OPTIONS)
  if (spec.hops !== undefined && !Array.isArray(spec.hops)) {
    throw new TypeError('hops: give a list of next hops')
  }
  const family = familyOfSpec(spec)
  const prefix = spec.to === 'default' ? undefined : parsePrefix(spec.to, 'to')
  const from = spec.from === undefined ? undefined : parsePrefix(spec.from, 'from')
  return {
    family: familyNumber(family),
    toLength: prefix?.length ?? 0,
    fromLength: from?.length ?? 0,
    tos: spec.tos ?? 0,
    protocol: routeProtocols.number(spec.protocol ?? 'boot'),
    scope: scopeOf(spec, family),
    type: routeTypes.number(spec.type ?? 'unicast'),
    flags: (spec.flags ?? 0) | (spec.onlink ? RTNH_F.onlink : 0),
    table: routeTables.number(spec.table ?? 'main'),
    to: prefix?.address,
    from: from?.address,
    ...viaToWire(spec.via, family),
    source: spec.source,
    priority: spec.priority,
    metrics: spec.metrics && { ...spec.metrics },
    preference: spec.preference,
    flow: spec.flow,
    expires: spec.expires,
    unknown: spec.unknown,
    hops: spec.hops?.map((hop, i) => hopToWire(hop, family, `hops.${i}`, sink)),
    link: spec.link === undefined ? undefined : linkToWire(spec.link, sink, { optional }),
  }
}

/** What a route to add or delete has. */
const OPTIONS: Options<Route> = {
  to: 'value',
  from: 'value',
  family: 'value',
  via: 'value',
  link: 'value',
  source: 'value',
  table: 'value',
  protocol: 'value',
  scope: 'value',
  type: 'value',
  priority: 'value',
  tos: 'value',
  flags: 'value',
  hops: 'value',
  metrics: 'value',
  preference: 'value',
  flow: 'value',
  expires: 'value',
  unknown: 'value',
  onlink: 'switch',
}

/**
 * The request behind `replace`; for the undo of another step. Links go by index here.
 *
 * @internal
 */
export function replaceStep(spec: RouteSpec) {
  return replacement(spec)
}

function replacement(spec: RouteSpec, sink?: StepSink) {
  return {
    op: 'route.new',
    args: toWire(spec, sink),
    flags: NLM_F.create | NLM_F.replace,
  }
}

/**
 * What tells a route to delete: members that the caller left out fit any (fib_table_delete in
 * net/ipv4/fib_trie.c takes 0, and RT_SCOPE_NOWHERE, for any).
 */
function toDeleteWire(spec: RouteSpec, sink: StepSink, optional = false) {
  return {
    ...toWire(spec, sink, optional),
    ...(spec.protocol === undefined && { protocol: 0 }),
    ...(spec.scope === undefined && { scope: scopes.number('nowhere') }),
    ...(spec.type === undefined && { type: 0 }),
  }
}

/** Which routes a dump or flush means; absent members fit all. */
export interface RouteFilter {
  /** Both families when absent. */
  readonly family?: Family
  /** Routing table; all when absent. */
  readonly table?: RouteTable | number
  /** The interface that packets leave by. */
  readonly link?: LinkLike
  /** Who installed the route. */
  readonly protocol?: RouteProtocol | number
  /** What the route does. */
  readonly type?: RouteType | number
}

/** What else a look-up knows of the packet. */
export interface RouteLookup {
  /** Source address. */
  readonly source?: string
  /** Link that it leaves by. */
  readonly link?: LinkLike
  /** Link that it came in by. */
  readonly inLink?: LinkLike
  /** Mark of the packet, for rules that look at it (RTA_MARK). */
  readonly mark?: number
  /** Type of service of the packet. */
  readonly tos?: number
}

/** What a filter of routes has. */
const FILTER: Options<RouteFilter> = {
  family: 'value',
  table: 'value',
  link: 'value',
  protocol: 'value',
  type: 'value',
}

/** What a look-up has. */
const LOOKUP: Options<RouteLookup> = {
  source: 'value',
  link: 'value',
  inLink: 'value',
  mark: 'value',
  tos: 'value',
}

/** The verbs for routes of one namespace in a plan. */
export class RouteVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds a route.
   *
   * @throws NetlinkError EEXIST when there is one of that prefix, table and priority
   * @throws NetlinkError ENETUNREACH when no route reaches the gateway (IPv4)
   * @throws NetlinkError EHOSTUNREACH when no route reaches the gateway (IPv6)
   * @throws NetlinkError ENETDOWN when the link is down (IPv4)
   * @throws NetlinkError EACCES when the link has no IPv6, as while it is down
   * @throws NetlinkError ENODEV when the link is gone, or none was given and none follows
   * @throws NetlinkError EINVAL for what does not go together: bits beyond the prefix (IPv4), a
   *   source that is no address of this namespace, a gateway for a blackhole
   * @throws NetlinkError ERANGE for an empty list of hops
   */
  add(spec: RouteSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl)
  }

  /**
   * Adds a route beside those of its prefix, table and priority; IPv6 joins them as hops.
   *
   * @throws NetlinkError EEXIST when the same is there
   * @throws NetlinkError as `add` for the rest
   */
  append(spec: RouteSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.append)
  }

  /**
   * Adds a route, or leaves the one that there is for its prefix, table and priority.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: RouteSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl, [ERRNO.EEXIST])
  }

  /**
   * Adds a route, or puts it in the place of the one with its prefix, table and priority.
   * `was` is the route that undo puts back.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  replace(spec: RouteSpec, was?: RouteSpec): void {
    const { args, flags } = replacement(spec, this.sink)
    const undo = was && [replacement(was, this.sink)]
    this.sink.add('route.new', args, { flags, undo })
  }

  /**
   * Deletes the first route that fits what is given.
   *
   * @throws NetlinkError ESRCH when there is none
   * @throws NetlinkError EINVAL for bits beyond the prefix (IPv4)
   */
  del(spec: RouteSpec): void {
    this.sink.add('route.del', toDeleteWire(spec, this.sink))
  }

  /** Deletes the first route that fits, if there is one. */
  delIfExists(spec: RouteSpec): void {
    this.sink.add('route.del', toDeleteWire(spec, this.sink, true), {
      accept: [ERRNO.ESRCH, ERRNO.ENODEV],
    })
  }

  /**
   * Deletes all routes that fit; the result is how many. Without a table, those of `main`.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  flush(filter: RouteFilter & { readonly family: Family }): StepRef<number> {
    const args = this.#filter({ table: 'main', ...filter })
    // A table that was never used is not there (ENOENT): it has no routes.
    const at = this.sink.add('route.flush', args, { accept: [ERRNO.ENOENT] })
    return new StepRef(at, (count) => Number(count ?? 0))
  }

  /**
   * Reads the routes of all tables and both families, or those that fit. The kernel keeps no count
   * of changes for the routes of IPv4: it goes on after the last prefix that it told, so that a
   * route which stays is told once, and one that comes or goes meanwhile may be told or not.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  dump(filter: RouteFilter = {}): StepRef<Route[]> {
    const at = this.sink.add('route.dump', this.#filter(filter), {
      accept: filter.table === undefined ? [] : [ERRNO.ENOENT],
    })
    return new StepRef(at, (wire) =>
      ((wire ?? []) as WireRoute[])
        .filter(({ family }) => family === AF.ipv4 || family === AF.ipv6)
        .map(routeFromWire),
    )
  }

  /**
   * Asks which route a packet to `to` would take.
   *
   * @throws NetlinkError ENETUNREACH when there is none, or that is a `throw`, or the source is no
   *   address of this namespace (IPv4)
   * @throws NetlinkError EHOSTUNREACH when the route is `unreachable`
   * @throws NetlinkError EACCES when the route is `prohibit`
   * @throws NetlinkError EINVAL when the route is `blackhole`, or `to` is a prefix
   * @throws NetlinkError ENODEV when a link is gone (IPv4)
   */
  get(to: string, packet: RouteLookup = {}): StepRef<Route> {
    const { address, length, family } = parsePrefix(to, 'to')
    checkOptions(packet, 'route.get', LOOKUP)
    const { source, link, inLink } = packet
    const at = this.sink.add('route.get', {
      family: AF[family],
      toLength: length,
      to: address,
      fromLength: source === undefined ? 0 : family === 'ipv4' ? 32 : 128,
      from: source,
      tos: packet.tos,
      mark: packet.mark,
      link: link === undefined ? undefined : linkToWire(link, this.sink),
      inLink:
        inLink === undefined
          ? undefined
          : linkToWire(inLink, this.sink, { field: 'inLink' }),
    })
    return new StepRef(at, routeFromWire)
  }

  #filter(filter: RouteFilter): { [key: string]: Wire } {
    checkOptions(filter, 'the filter of routes', FILTER)
    const { family, table, link, protocol, type } = filter
    return {
      family: familyFilter(family),
      table: table === undefined ? undefined : routeTables.number(table),
      protocol: protocol === undefined ? undefined : routeProtocols.number(protocol),
      type: type === undefined ? undefined : routeTypes.number(type),
      link: link === undefined ? undefined : linkToWire(link, this.sink),
    }
  }

  #put(spec: RouteSpec, flags: number, accept: number[] = []): void {
    const args = toWire(spec, this.sink)
    const undo = [{ op: 'route.del', args, accept: [ERRNO.ESRCH, ERRNO.ENODEV] }]
    this.sink.add('route.new', args, { flags, accept, undo })
  }
}
