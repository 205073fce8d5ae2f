/**
 * Numbers of the kernel's headers and the words that stand for them at the edge.
 */
import { ArgumentError } from '../../argument-error.js'

/**
 * Address families (linux/socket.h).
 *
 * @internal
 */
export const AF = { ipv4: 2, ipv6: 10, bridge: 7 } as const

export type { Family } from '../../ip/index.js'

/**
 * NLM_F_* bits of requests that make something (linux/netlink.h).
 *
 * @internal
 */
export const NLM_F = {
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800,
} as const

/**
 * The errnos that verbs accept (asm-generic/errno.h).
 *
 * @internal
 */
export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  EAGAIN: 11,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ERESTART: 85,
  EADDRNOTAVAIL: 99,
} as const

/** Interface flags (linux/if.h). */
export const IFF = {
  /** IFF_UP: switched on. */
  up: 0x1,
  /** IFF_LOOPBACK */
  loopback: 0x8,
  /** IFF_RUNNING: it can carry frames. */
  running: 0x40,
  /** IFF_NOARP: it resolves no addresses. */
  noArp: 0x80,
  /** IFF_PROMISC: it takes all frames. */
  promiscuous: 0x100,
  /** IFF_ALLMULTI: it takes all multicasts. */
  allMulticast: 0x200,
  /** IFF_MULTICAST: it can carry multicasts. */
  multicast: 0x1000,
  /** IFF_LOWER_UP: there is a carrier. */
  lowerUp: 0x10000,
} as const

/** Address flags (linux/if_addr.h). */
export const IFA_F = {
  /** IFA_F_NODAD: usable at once, without asking whether another has it. */
  nodad: 0x02,
  /** IFA_F_OPTIMISTIC: usable while it is being asked (RFC 4429). */
  optimistic: 0x04,
  /** IFA_F_HOMEADDRESS: of Mobile IPv6. */
  homeAddress: 0x10,
  /** IFA_F_PERMANENT: it has no lifetime. */
  permanent: 0x80,
  /** IFA_F_MANAGETEMPADDR: privacy addresses are made from it (RFC 4941). */
  manageTemporary: 0x100,
  /** IFA_F_NOPREFIXROUTE: no route was added for its prefix. */
  noprefixroute: 0x200,
  /** IFA_F_MCAUTOJOIN: joins the multicast group of that address. */
  mcAutoJoin: 0x400,
} as const

/** Neighbour states (linux/neighbour.h). */
export const NUD = {
  /** NUD_REACHABLE: it answered lately. */
  reachable: 0x02,
  /** NUD_STALE: known, to be asked again when used. */
  stale: 0x04,
  /** NUD_DELAY: to be asked in a moment. */
  delay: 0x08,
  /** NUD_PROBE: being asked. */
  probe: 0x10,
  /** NUD_NOARP: needs no resolution. */
  noArp: 0x40,
  /** NUD_PERMANENT: set by hand, never asked. */
  permanent: 0x80,
} as const

/** Neighbour flags (linux/neighbour.h). */
export const NTF = {
  /** NTF_USE: ask now. */
  use: 0x01,
  /** NTF_SELF: of the link's own table. */
  self: 0x02,
  /** NTF_MASTER: of the table of its bridge. */
  master: 0x04,
  /** NTF_PROXY: requests for it are answered. */
  proxy: 0x08,
  /** NTF_EXT_LEARNED: put there by a control plane. */
  extLearned: 0x10,
  /** NTF_OFFLOADED: the hardware has it. */
  offloaded: 0x20,
  /** NTF_STICKY: does not move to another port. */
  sticky: 0x40,
  /** NTF_ROUTER: the neighbour is an IPv6 router. */
  router: 0x80,
} as const

/**
 * What a dump of links brings along or leaves out (linux/rtnetlink.h).
 *
 * @internal
 */
export const RTEXT_FILTER = { bridgeVlans: 0x4, skipStatistics: 0x8 } as const

/**
 * Route flags (linux/rtnetlink.h); `onlink` is RTNH_F_ONLINK.
 *
 * @internal
 */
export const RTNH_F = { onlink: 4 } as const

/**
 * Two-way names of a set of numbers.
 *
 * @internal
 */
export class Names<T extends string> {
  // Made when they are first asked: a plug-in's call needs few of them.
  #byName: ReadonlyMap<string, number> | undefined
  #byNumber: ReadonlyMap<number, T> | undefined

  constructor(
    readonly what: string,
    readonly entries: Readonly<Record<T, number>>,
  ) {}

  /** The number of a name; numbers pass through. Throws a TypeError for an unknown name. */
  number(value: T | number): number {
    if (typeof value === 'number') return value
    this.#byName ??= new Map(this.#list())
    const number = this.#byName.get(value)
    if (number === undefined) {
      const known = Object.keys(this.entries).join(', ')
      throw new ArgumentError(`${this.what}: ${value} is not one of ${known}`)
    }
    return number
  }

  /** The name of a number, or the number when it has none. */
  name(number: number): T | number {
    this.#byNumber ??= new Map(this.#list().map(([name, value]) => [value, name]))
    return this.#byNumber.get(number) ?? number
  }

  #list(): [T, number][] {
    return Object.entries(this.entries) as [T, number][]
  }
}

/** Who installed a route: RTPROT_* (linux/rtnetlink.h). */
export type RouteProtocol = 'redirect' | 'kernel' | 'boot' | 'static' | 'ra' | 'dhcp'
/** @internal */
export const routeProtocols = new Names<RouteProtocol>('protocol', {
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  ra: 9,
  dhcp: 16,
})

/** How far a route or address reaches: RT_SCOPE_*. */
export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere'
/** @internal */
export const scopes = new Names<Scope>('scope', {
  global: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
})

/** What a route does: RTN_*. */
export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'
/** @internal */
export const routeTypes = new Names<RouteType>('type', {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
})

/** Routing tables: RT_TABLE_*. */
export type RouteTable = 'default' | 'main' | 'local'
/** @internal */
export const routeTables = new Names<RouteTable>('table', {
  default: 253,
  main: 254,
  local: 255,
})

/** What a policy rule does: FR_ACT_* (linux/fib_rules.h). */
export type RuleAction =
  'table' | 'goto' | 'nop' | 'blackhole' | 'unreachable' | 'prohibit'
/** @internal */
export const ruleActions = new Names<RuleAction>('action', {
  table: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
})

/** How much the kernel trusts a neighbour entry: NUD_* (linux/neighbour.h). */
export type NeighbourState =
  | 'none'
  | 'incomplete'
  | 'reachable'
  | 'stale'
  | 'delay'
  | 'probe'
  | 'failed'
  | 'noArp'
  | 'permanent'
/** @internal */
export const neighbourStates = new Names<NeighbourState>('state', {
  none: 0,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
})

/** Operational state of a link: IF_OPER_* (linux/if.h). */
export type OperState =
  'unknown' | 'notPresent' | 'down' | 'lowerLayerDown' | 'testing' | 'dormant' | 'up'
/** @internal */
export const operStates = new Names<OperState>('operState', {
  unknown: 0,
  notPresent: 1,
  down: 2,
  lowerLayerDown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
})

/** What marks a VLAN tag: ETH_P_8021Q and ETH_P_8021AD (linux/if_ether.h). */
export type VlanProtocol = '802.1Q' | '802.1ad'
/** @internal */
export const etherTypes = new Names<VlanProtocol>('protocol', {
  '802.1Q': 0x8100,
  '802.1ad': 0x88a8,
})
