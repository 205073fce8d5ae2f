/**
 * Routes (linux/rtnetlink.h, RTM_NEWROUTE).
 */
import type { Wire } from '../binding.js'
import {
  AF,
  ERRNO,
  NLM_F,
  routeProtocols,
  routeTables,
  routeTypes,
  scopes,
  type Family,
  type RouteProtocol,
  type RouteTable,
  type RouteType,
  type Scope,
} from './constants.js'
import { familyName, familyNumber, familyOf, parsePrefix } from './prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

/** One of several next hops. */
export interface NextHop {
  readonly link: LinkLike
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
  /** Only for packets from this prefix (IPv6). */
  readonly from?: string
  /** The family of a `default` without `via`; IPv4 when absent. */
  readonly family?: Family
  readonly via?: string
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
  readonly tos?: number
  /** RTNH_F_* bits; RTNH_F_ONLINK (4) takes a gateway that no route reaches. */
  readonly flags?: number
  readonly hops?: readonly NextHop[]
  /** RTAX_*: mtu, advmss and others, by name. */
  readonly metrics?: { readonly [name: string]: number }
  /** IPv6 router preference. */
  readonly preference?: number
  /** RTA_FLOW: the realms, `source << 16 | destination` (IPv4). */
  readonly flow?: number
  /** Attributes that this version does not name, kept as bytes. */
  readonly unknown?: Wire
}

/** A route as the kernel reports it; it can be given back to `replace`. */
export interface Route extends RouteSpec {
  readonly family: Family
  readonly link?: number
  readonly table: RouteTable | number
  readonly protocol: RouteProtocol | number
  readonly scope: Scope | number
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
  flow?: number
  via?: string
  link?: number
  source?: string
  priority?: number
  metrics?: { [name: string]: number }
  hops?: NextHop[]
  preference?: number
  unknown?: Wire
}

const OPTIONAL = [
  'via',
  'link',
  'source',
  'priority',
  'metrics',
  'hops',
  'preference',
  'flow',
  'unknown',
] as const

/** A route from the addon's form. */
export function routeFromWire(wire: unknown): Route {
  const w = wire as WireRoute
  const present = OPTIONAL.filter((key) => w[key] !== undefined)
  const flags = w.flags & SETTABLE_FLAGS
  return {
    family: familyName(w.family),
    to: w.to === undefined ? 'default' : `${w.to}/${w.toLength}`,
    ...(w.from !== undefined && { from: `${w.from}/${w.fromLength}` }),
    table: routeTables.name(w.table ?? 254),
    protocol: routeProtocols.name(w.protocol),
    scope: scopes.name(w.scope),
    type: routeTypes.name(w.type),
    ...(w.tos && { tos: w.tos }),
    ...(flags && { flags }),
    ...Object.fromEntries(present.map((key) => [key, w[key]])),
  }
}

function hopToWire(hop: NextHop): { [key: string]: Wire } {
  return {
    link: linkToWire(hop.link),
    via: hop.via,
    weight: hop.weight,
    flags: hop.flags,
  }
}

function toWire(spec: RouteSpec): { [key: string]: Wire } {
  const isDefault = spec.to === 'default'
  const prefix = isDefault ? undefined : parsePrefix(spec.to, 'to')
  const from = spec.from === undefined ? undefined : parsePrefix(spec.from, 'from')
  const family =
    prefix?.family ?? spec.family ?? (spec.via ? familyOf(spec.via, 'via') : 'ipv4')
  const reach = spec.via || spec.hops || family === 'ipv6' ? 'global' : 'link'
  return {
    family: familyNumber(family),
    toLength: prefix?.length ?? 0,
    fromLength: from?.length ?? 0,
    tos: spec.tos ?? 0,
    protocol: routeProtocols.number(spec.protocol ?? 'boot'),
    scope: scopes.number(spec.scope ?? reach),
    type: routeTypes.number(spec.type ?? 'unicast'),
    flags: spec.flags ?? 0,
    table: routeTables.number(spec.table ?? 'main'),
    to: prefix?.address,
    from: from?.address,
    flow: spec.flow,
    via: spec.via,
    link: spec.link === undefined ? undefined : linkToWire(spec.link),
    source: spec.source,
    priority: spec.priority,
    hops: spec.hops?.map(hopToWire),
    metrics: spec.metrics && { ...spec.metrics },
    preference: spec.preference,
    unknown: spec.unknown,
  }
}

/** The request behind `replace`; for the undo of another step. */
export function replaceStep(spec: RouteSpec) {
  return { op: 'route.new', args: toWire(spec), flags: NLM_F.create | NLM_F.replace }
}

/** The verbs for routes of one namespace in a plan. */
export class RouteVerbs {
  constructor(private readonly sink: StepSink) {}

  /** Adds a route. EEXIST when there is one of that prefix, table and priority. */
  add(spec: RouteSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl, [])
  }

  /** Adds a route, or leaves the one that there is for its prefix, table and priority. */
  ensure(spec: RouteSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl, [ERRNO.EEXIST])
  }

  /**
   * Adds a route, or puts it in the place of the one with its prefix, table and priority.
   * `was` is the route that undo puts back.
   */
  replace(spec: RouteSpec, was?: RouteSpec): void {
    const { args, flags } = replaceStep(spec)
    this.sink.add('route.new', args, { flags, undo: was && [replaceStep(was)] })
  }

  /** Deletes a route. ESRCH when it is not there. */
  del(spec: RouteSpec): void {
    this.sink.add('route.del', toWire(spec))
  }

  /** Deletes a route, if it is there. */
  delIfExists(spec: RouteSpec): void {
    this.sink.add('route.del', toWire(spec), { accept: [ERRNO.ESRCH, ERRNO.ENODEV] })
  }

  /** Reads the routes of all tables, IPv4 or IPv6. */
  dump(options: { family: Family }): StepRef<Route[]> {
    const at = this.sink.add('route.dump', { family: AF[options.family] })
    return new StepRef(at, (wire) => (wire as unknown[]).map(routeFromWire))
  }

  /** Asks which route a packet to `to` would take. ENETUNREACH when there is none. */
  get(to: string): StepRef<Route> {
    const { address, length, family } = parsePrefix(to, 'to')
    const at = this.sink.add('route.get', {
      family: AF[family],
      toLength: length,
      to: address,
    })
    return new StepRef(at, routeFromWire)
  }

  #put(spec: RouteSpec, flags: number, accept: number[]): void {
    const args = toWire(spec)
    const undo = [{ op: 'route.del', args, accept: [ERRNO.ESRCH, ERRNO.ENODEV] }]
    this.sink.add('route.new', args, { flags, accept, undo })
  }
}
