/**
 * The verbs for routes.
 */
import { orNone } from '../base/options.js'
import {
  ERRNO,
  NLM_F,
  routeProtocols,
  routeTables,
  routeTypes,
  type Family,
  type RouteProtocol,
  type RouteTable,
  type RouteType,
} from '../base/constants.js'
import {
  decodeIp,
  addressMember,
  familyMember,
  linkMember,
  MemberTable,
  named,
  plain,
  type WireArgs,
} from '../base/members.js'
import { familyNumber, parsePrefix } from '../base/prefix.js'
import { StepRef, type LinkLike, type StepSink } from '../base/steps.js'
import {
  replacement,
  routeFromWire,
  routeToDelete,
  routeToWire,
  type Route,
  type RouteSpec,
} from './route.js'

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

const FILTER = new MemberTable<RouteFilter>({
  family: familyMember,
  table: named(routeTables),
  protocol: named(routeProtocols),
  type: named(routeTypes),
  link: linkMember(),
})

const LOOKUP = new MemberTable<RouteLookup>({
  source: addressMember('from'),
  tos: plain,
  mark: plain,
  link: linkMember(),
  inLink: linkMember(),
})

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
    const { args, flags } = replacement(spec, { sink: this.sink })
    const undo = was && [replacement(was, { sink: this.sink })]
    this.sink.add('route.new', args, { flags, undo })
  }

  /**
   * Deletes the first route that fits what is given.
   *
   * @throws NetlinkError ESRCH when there is none
   * @throws NetlinkError EINVAL for bits beyond the prefix (IPv4)
   */
  del(spec: RouteSpec): void {
    this.sink.add('route.del', routeToDelete(spec, { sink: this.sink }))
  }

  /** Deletes the first route that fits, if there is one. */
  delIfExists(spec: RouteSpec): void {
    this.sink.add('route.del', routeToDelete(spec, { sink: this.sink, optional: true }), {
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
   * Reads the routes of all tables and both families, or those that fit. A route that stays is told
   * once; of IPv4, one that comes or goes meanwhile may be told or not. Routes of IPv6 that do not
   * fit into one datagram are read until two readings agree, because the kernel goes on by a count
   * and does not tell of changes; NetlinkError EINTR when ten did not. So are routes of IPv4 where
   * hundreds have one prefix.
   *
   * A route of some thousand hops fits into no datagram of a dump. At one of IPv6 the kernel ends
   * the dump without a word (seen on Linux 6.18), as it does with `ip -6 route`; so with two
   * thousand of IPv4.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  dump(given?: RouteFilter): StepRef<Route[]> {
    const filter = orNone(given)
    const at = this.sink.add('route.dump', this.#filter(filter), {
      accept: filter.table === undefined ? [] : [ERRNO.ENOENT],
    })
    return new StepRef(at, (wire) => decodeIp(wire, routeFromWire))
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
  get(to: string, given?: RouteLookup): StepRef<Route> {
    const packet = orNone(given)
    const { address: ip, length, family: version } = parsePrefix(to, 'to')
    LOOKUP.check(packet, 'route.get')
    const fullLength = version === 'ipv4' ? 32 : 128
    const at = this.sink.add('route.get', {
      family: familyNumber(version),
      toLength: length,
      to: ip,
      fromLength: packet.source === undefined ? 0 : fullLength,
      ...LOOKUP.write(packet, { sink: this.sink }),
    })
    return new StepRef(at, routeFromWire)
  }

  #filter(filter: RouteFilter): WireArgs {
    FILTER.check(filter, 'the filter of routes')
    return { family: 0, ...FILTER.write(filter, { sink: this.sink }) }
  }

  #put(spec: RouteSpec, flags: number, accept: number[] = []): void {
    const args = routeToWire(spec, { sink: this.sink })
    const undo = [{ op: 'route.del', args, accept: [ERRNO.ESRCH, ERRNO.ENODEV] }]
    this.sink.add('route.new', args, { flags, accept, undo })
  }
}
