/**
 * Families of tables, the hooks that chains of each can have, and the priorities that the nft
 * program knows by name.
 */
import { ArgumentError } from '../argument-error.js'

/** Families of tables (NFPROTO_*, linux/netfilter.h). */
export const nftFamilies = {
  /** NFPROTO_INET: IPv4 and IPv6. */
  inet: 1,
  /** NFPROTO_IPV4 */
  ip: 2,
  /** NFPROTO_ARP */
  arp: 3,
  /** NFPROTO_NETDEV: all packets of a device. */
  netdev: 5,
  /** NFPROTO_BRIDGE: frames that a bridge forwards. */
  bridge: 7,
  /** NFPROTO_IPV6 */
  ip6: 10,
} as const

/** A family of tables by name. */
export type NftFamily = keyof typeof nftFamilies

const familyNames: ReadonlyMap<number, NftFamily> = new Map(
  Object.entries(nftFamilies).map(([name, number]) => [number, name as NftFamily]),
)

/**
 * The number of a family. Throws an ArgumentError for a word that is none.
 *
 * @internal
 */
export function nftFamilyNumber(family: NftFamily): number {
  if (Object.hasOwn(nftFamilies, family)) return nftFamilies[family]
  const known = Object.keys(nftFamilies).join(', ')
  throw new ArgumentError(`family: ${String(family)} is not one of ${known}`)
}

/**
 * The name of a family's number. Throws a TypeError for one that has none.
 *
 * @internal
 */
export function nftFamilyName(number: number): NftFamily {
  const name = familyNames.get(number)
  if (!name) throw new ArgumentError(`family: ${number} is no family of nftables`)
  return name
}

// NF_INET_*, which the bridge family shares (NF_BR_*) but for the last.
const INET = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const

/** Hook numbers by family: NF_INET_*, NF_BR_*, NF_ARP_*, NF_NETDEV_*. */
const HOOKS: Record<NftFamily, Readonly<Partial<Record<NftHook, number>>>> = {
  inet: { ...INET, ingress: 5 },
  ip: INET,
  ip6: INET,
  bridge: INET,
  arp: { input: 0, output: 1 },
  netdev: { ingress: 0, egress: 1 },
}

/** A place where packets enter a chain. `ingress` and `egress` are those of devices. */
export type NftHook =
  'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

/**
 * The number of a hook. Throws a TypeError when the family has no such hook.
 *
 * @internal
 */
export function hookNumber(hook: NftHook, family: NftFamily = 'inet'): number {
  nftFamilyNumber(family)
  const number = HOOKS[family][hook]
  if (number === undefined) {
    const known = Object.keys(HOOKS[family]).join(', ')
    throw new ArgumentError(`hook: the ${family} family has no ${hook}; it has ${known}`)
  }
  return number
}

/**
 * The name of a hook's number in a family, or undefined.
 *
 * @internal
 */
export function hookName(number: number, family: NftFamily): NftHook | undefined {
  const entries = Object.entries(HOOKS[family]) as [NftHook, number][]
  return entries.find(([, n]) => n === number)?.[0]
}

/** NF_IP_PRI_* (linux/netfilter_ipv4.h), which ip6 and inet share. */
const IP_PRIORITIES = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
}
/** NF_BR_PRI_* (linux/netfilter_bridge.h). */
const BRIDGE_PRIORITIES = { dstnat: -300, filter: -200, out: 100, srcnat: 300 }

const PRIORITIES: Record<NftFamily, Readonly<Record<string, number>>> = {
  inet: IP_PRIORITIES,
  ip: IP_PRIORITIES,
  ip6: IP_PRIORITIES,
  bridge: BRIDGE_PRIORITIES,
  arp: { filter: 0 },
  netdev: { filter: 0 },
}

/** A priority by the nft program's name, alone or with an offset: `dstnat`, `filter + 10`. */
export type PriorityName =
  | 'raw'
  | 'mangle'
  | 'dstnat'
  | 'filter'
  | 'security'
  | 'srcnat'
  | 'out'
  | `${'raw' | 'mangle' | 'dstnat' | 'filter' | 'security' | 'srcnat' | 'out'} ${'+' | '-'} ${number}`

/**
 * The number of a priority; lower runs first. Names differ by family: `dstnat` is -100 in ip,
 * ip6 and inet, and -300 in bridge. Throws a TypeError for a name that the family lacks.
 *
 * @internal
 */
export function priorityNumber(
  priority: number | PriorityName,
  family: NftFamily,
): number {
  if (typeof priority === 'number') return priority
  const [, name = '', sign, offset = '0'] =
    /^([a-z]+)(?: ([+-]) (\d+))?$/.exec(priority) ?? []
  const base = PRIORITIES[family][name]
  if (base === undefined) {
    const known = Object.keys(PRIORITIES[family]).join(', ')
    throw new ArgumentError(
      `priority: ${JSON.stringify(priority)} is none of the ${family} family; ` +
        `use a number, or ${known} with or without an offset such as "filter + 10"`,
    )
  }
  return base + (sign === '-' ? -1 : 1) * Number(offset)
}
