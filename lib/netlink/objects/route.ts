/**
 * Routes (linux/rtnetlink.h, RTM_NEWROUTE).
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import {
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
import {
  addressMember,
  flag,
  integer,
  linkMember,
  MemberTable,
  named,
  own,
  plain,
  unlessEmpty,
  written,
  type WireArgs,
  type WriteContext,
} from '../base/members.js'
import { checkOptions } from '../base/options.js'
import { familyName, familyNumber, familyOf, parsePrefix } from '../base/prefix.js'
import type { LinkLike } from '../base/steps.js'

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
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
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
  /**
   * Number of a next hop object, which says where packets go: in the place of `via`, `link` and
   * `hops`. The kernel tells those beside it, as they follow from the object; given back with it
   * they are passed over.
   */
  readonly nextHopId?: number
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

/** One of a route's next hops. */
const HOP = new MemberTable<NextHop>({
  via: own,
  weight: integer(1, 256),
  flags: plain,
  unknown: plain,
  link: linkMember(),
})

/** Flags that the kernel sets and does not take back: dead, linkdown, offload and the like. */
const SETTABLE_FLAGS = RTNH_F.onlink

const METRICS = {
  lock: 'value',
  mtu: 'value',
  window: 'value',
  rtt: 'value',
  rttVariance: 'value',
  slowStartThreshold: 'value',
  congestionWindow: 'value',
  advmss: 'value',
  reordering: 'value',
  hopLimit: 'value',
  initCwnd: 'value',
  features: 'value',
  rtoMin: 'value',
  initRwnd: 'value',
  quickAck: 'value',
  fastOpenNoCookie: 'value',
  unknown: 'value',
} as const

function metricsToWire(metrics: NonNullable<RouteSpec['metrics']>): Wire {
  checkOptions(metrics, 'the metrics of a route', METRICS, 'metrics.')
  return metrics
}

/** A route: native/rtnl/route.cc has the attributes. */
const ROUTE = new MemberTable<RouteSpec>({
  to: own,
  from: own,
  family: own,
  via: own,
  source: addressMember(),
  table: written(named(routeTables)),
  protocol: written(named(routeProtocols)),
  scope: written(named(scopes)),
  type: written(named(routeTypes)),
  priority: plain,
  tos: unlessEmpty(plain),
  flags: own,
  onlink: flag(RTNH_F.onlink),
  hops: own,
  nextHopId: integer(1, 0xffffffff),
  metrics: { ...plain, write: metricsToWire },
  preference: plain,
  flow: plain,
  expires: plain,
  unknown: plain,
  link: linkMember(),
})

interface WireRoute {
  family: number
  toLength: number
  fromLength: number
  protocol: number
  scope: number
  type: number
  table?: number
  flags: number
  to?: string
  from?: string
  via?: string
  viaOther?: string
  hops?: (NextHop & { viaOther?: string })[]
}

/**
 * A route from the addon's form.
 *
 * @internal
 */
export function routeFromWire(wire: unknown): Route {
  const w = wire as WireRoute
  const route: { -readonly [K in keyof Route]?: Route[K] } = {
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
  if (flags) route.flags = flags
  if (via !== undefined) route.via = via
  if (w.hops !== undefined) route.hops = w.hops.map(hopFromWire)
  return ROUTE.read<Route>(w, route)
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
    throw new ArgumentError(
      `${field}: ${via} cannot carry an IPv6 route; give an IPv6 gateway`,
    )
  }
  return other ? { viaOther: via } : { via }
}

function hopToWire(hop: NextHop, family: Family, i: number, { sink }: WriteContext) {
  HOP.check(hop, 'a next hop', `hops.${i}.`)
  return {
    ...viaToWire(hop.via, family, `hops.${i}.via`),
    ...HOP.write(hop, { sink }, `hops.${i}.`),
  }
}

/** The kernel takes the number of a next hop alone: what follows from it is left out. */
function byNumber(given: RouteSpec): RouteSpec {
  const { via, link: _link, hops: _hops, flags, onlink: _onlink, type, ...spec } = given
  // The family of a `default` that only its gateway tells.
  const family = spec.family ?? (via === undefined ? undefined : familyOf(via, 'via'))
  return {
    ...spec,
    ...(family && { family }),
    // The kernel tells what a next hop that drops amounts to (fib_dump_info), and has a unicast route.
    ...(type !== undefined && { type: type === 'blackhole' ? 'unicast' : type }),
    ...(flags !== undefined && { flags: flags & ~RTNH_F.onlink }),
  }
}

const UNREACHABLE = new Set<unknown>(['blackhole', 'unreachable', 'prohibit', 'throw'])

function familyOfSpec(spec: RouteSpec): Family {
  if (spec.to !== 'default') return parsePrefix(spec.to, 'to').family
  if (spec.from) return parsePrefix(spec.from, 'from').family
  return spec.family ?? (spec.via ? familyOf(spec.via, 'via') : 'ipv4')
}

// As ip-route(8) has it: what has no gateway is on the link, or with `local` on the host.
function usualScope(spec: RouteSpec, family: Family): Scope {
  const far =
    spec.via ||
    spec.hops ||
    spec.nextHopId ||
    family === 'ipv6' ||
    UNREACHABLE.has(spec.type)
  if (far) return 'global'
  return spec.type === 'local' ? 'host' : 'link'
}

/**
 * A route in the addon's form. Throws a TypeError naming what is wrong.
 *
 * @internal
 */
export function routeToWire(given: RouteSpec, context: WriteContext): WireArgs {
  ROUTE.check(given, 'route')
  const spec = given.nextHopId === undefined ? given : byNumber(given)
  if (spec.hops !== undefined && !Array.isArray(spec.hops)) {
    throw new ArgumentError('hops: give a list of next hops')
  }
  const family = familyOfSpec(spec)
  const prefix = spec.to === 'default' ? undefined : parsePrefix(spec.to, 'to')
  const from = spec.from === undefined ? undefined : parsePrefix(spec.from, 'from')
  const hops = spec.hops?.map((hop, i) => hopToWire(hop, family, i, context))
  return {
    family: familyNumber(family),
    toLength: prefix?.length ?? 0,
    fromLength: from?.length ?? 0,
    tos: 0,
    protocol: routeProtocols.number('boot'),
    scope: scopes.number(spec.scope ?? usualScope(spec, family)),
    type: routeTypes.number('unicast'),
    table: routeTables.number('main'),
    ...(prefix && { to: prefix.address }),
    ...(from && { from: from.address }),
    ...viaToWire(spec.via, family),
    ...ROUTE.write(spec, context),
    flags: (spec.flags ?? 0) | ROUTE.bits(spec).flags,
    ...(hops && { hops }),
  }
}

/**
 * The request behind `replace`.
 *
 * @internal
 */
export function replacement(spec: RouteSpec, context: WriteContext) {
  return {
    op: 'route.new',
    args: routeToWire(spec, context),
    flags: NLM_F.create | NLM_F.replace,
  }
}

/**
 * The same for the undo of another step: links go by index here.
 *
 * @internal
 */
export function replaceStep(spec: RouteSpec) {
  return replacement(spec, {})
}

/**
 * A request that puts a route beside those of its prefix, table and priority, unless it is there.
 *
 * @internal
 */
export function appendStep(spec: RouteSpec) {
  const flags = NLM_F.create | NLM_F.append
  return { op: 'route.new', args: routeToWire(spec, {}), flags, accept: [ERRNO.EEXIST] }
}

/**
 * A request that takes a route away, if it is there.
 *
 * @internal
 */
export function removeStep(spec: RouteSpec) {
  const accept = [ERRNO.ESRCH, ERRNO.ENODEV]
  return { op: 'route.del', args: routeToDelete(spec, {}), accept }
}

/**
 * What tells a route to delete: members that the caller left out fit any (fib_table_delete in
 * net/ipv4/fib_trie.c takes 0, and RT_SCOPE_NOWHERE, for any).
 *
 * @internal
 */
export function routeToDelete(spec: RouteSpec, context: WriteContext): WireArgs {
  return {
    ...routeToWire(spec, context),
    ...(spec.protocol === undefined && { protocol: 0 }),
    ...(spec.scope === undefined && { scope: scopes.number('nowhere') }),
    ...(spec.type === undefined && { type: 0 }),
  }
}
