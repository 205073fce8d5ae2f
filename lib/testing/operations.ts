/**
 * Every operation of the fake kernel by its name in a plan.
 */
import {
  delAddress,
  delNeighbour,
  dumpAddresses,
  newAddress,
  newNeighbour,
} from './addresses.js'
import {
  addAltNames,
  addTun,
  delAltNames,
  delLink,
  dumpPorts,
  linkToWire,
  newLink,
  setLink,
  setPort,
} from './links.js'
import { NTF } from '../netlink/base/constants.js'
import type { FakeLink, FakeNamespace, Fields } from './model.js'
import { batch, nftReads } from './nft.js'
import { delRoute, dumpRoutes, getRoute, newRoute } from './routes.js'
import { delNextHop, delRule, newNextHop, newRule } from './rules.js'
import { getSysctl, setSysctl } from './sysctl.js'

/** What an operation is given. */
export interface Call {
  readonly ns: FakeNamespace
  readonly args: Fields
  readonly flags: number
  /** The namespaces of the plan, by position. */
  readonly all: FakeNamespace[]
  /** Reports the link that the step made or found, for references of later steps. */
  readonly found: (link: FakeLink) => void
}

function byFamily(list: Fields[], args: Fields): Fields[] {
  const family = args['family'] || undefined
  return list
    .filter((item) => family === undefined || item['family'] === family)
    .map((item) => ({ ...item }))
}

/** Whether a neighbour, or the question for some, means proxies. */
function isProxy({ flags }: Fields): boolean {
  return Boolean(Number(flags ?? 0) & NTF.proxy)
}

/** Answers with the step's result, or refuses. */
export const operations: Record<string, (call: Call) => unknown> = {
  'link.new': ({ ns, args, flags, all, found }) => {
    const link = newLink(ns, args, flags, all)
    found(link)
    return { index: link.index, peerIndex: link.peer?.link.index ?? 0 }
  },
  'link.set': ({ ns, args, all }) => setLink(ns, args, all),
  'link.del': ({ ns, args }) => delLink(ns, args),
  'link.get': ({ ns, args, found }) => {
    const link = ns.link(args)
    found(link)
    return linkToWire(link)
  },
  'link.dump': ({ ns, args }) => {
    // IFLA_MASTER of -1 asks for the links without one.
    const alone = (args['unknown'] as Fields[] | undefined)?.some((a) => a['type'] === 10)
    const wanted = args['master'] as number | undefined
    return ns.links.map(linkToWire).filter((link) => {
      if (alone) return !link['master']
      return !wanted || link['master'] === wanted
    })
  },
  'tun.new': ({ ns, args, found }) => {
    const link = addTun(ns, args)
    found(link)
    return { index: link.index, peerIndex: 0 }
  },
  'linkProperty.new': ({ ns, args }) => addAltNames(ns, args),
  'linkProperty.del': ({ ns, args }) => delAltNames(ns, args),
  'bridgePort.set': ({ ns, args }) => setPort(ns, args),
  'bridgePort.dump': ({ ns }) => dumpPorts(ns),
  'address.new': ({ ns, args, flags }) => newAddress(ns, args, flags),
  'address.del': ({ ns, args }) => delAddress(ns, args),
  'address.dump': ({ ns, args }) => dumpAddresses(ns, args),
  'neighbour.new': ({ ns, args, flags }) => newNeighbour(ns, args, flags),
  'neighbour.del': ({ ns, args }) => delNeighbour(ns, args),
  'neighbour.dump': ({ ns, args }) =>
    byFamily(
      ns.neighbours.filter((one) => isProxy(one) === isProxy(args)),
      args,
    ),
  'rule.new': ({ ns, args }) => newRule(ns, args),
  'rule.del': ({ ns, args }) => delRule(ns, args),
  'rule.dump': ({ ns, args }) => byFamily(ns.rules, args),
  'nextHop.new': ({ ns, args, flags }) => newNextHop(ns, args, flags),
  'nextHop.del': ({ ns, args }) => delNextHop(ns, args),
  'nextHop.dump': ({ ns, args }) => byFamily(ns.nextHops, args),
  'route.new': ({ ns, args, flags }) => newRoute(ns, args, flags),
  'route.del': ({ ns, args }) => delRoute(ns, args),
  'route.get': ({ ns, args }) => getRoute(ns, args),
  'route.dump': ({ ns, args }) => dumpRoutes(ns, args),
  'sysctl.get': ({ ns, args }) => getSysctl(ns, args['name']),
  'sysctl.set': ({ ns, args }) => setSysctl(ns, args['name'], args['value']),
  'nft.batch': ({ ns, args }) => batch(ns, args),
  // The fake forwards no packets, so that it tracks no connections.
  'conntrack.flush': () => 0,
  'conntrack.list': () => [],
  // Nor has it sockets.
  'socket.dump': () => [],
  ...Object.fromEntries(
    Object.entries(nftReads).map(([op, read]) => [
      op,
      ({ ns, args }: Call) => read(ns, args),
    ]),
  ),
}
