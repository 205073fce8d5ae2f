/**
 * The checks that fields need: an IPv4 address stands where IPv6 has other bytes, so in a table that
 * sees both, a rule about it asks for the protocol first. Fields name their protocol (`needs`); here
 * a rule gets the checks that it has not made itself, as the nft program writes them.
 */
import { ArgumentError } from '../argument-error.js'
import { REG32, type Expr, type Protocol } from './expr/core.js'
import type { NftFamily } from './families.js'
import { startsOf } from './statements.js'

/** What a rule knows of its packets at some place. */
interface Known {
  ether: boolean
  network: Protocol | undefined
  transport: Protocol | undefined
}

// ETH_P_* (linux/if_ether.h), NFPROTO_* (linux/netfilter.h), IPPROTO_* (linux/in.h).
const ETHER_TYPES = { ip: 0x0800, arp: 0x0806, ip6: 0x86dd } as const
const NF_PROTOCOLS = { ip: 2, ip6: 10 } as const
const TRANSPORTS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const
/** ARPHRD_ETHER (linux/if_arp.h), a number in host order at NFT_META_IIFTYPE. */
const ARPHRD_ETHER = new Uint8Array(Uint16Array.of(1).buffer)

// NFT_META_* keys and places of the packet that tell protocols.
const META = { protocol: 1, iifType: 8, nfProto: 15, l4Proto: 16 } as const

type Network = keyof typeof ETHER_TYPES
type Transport = keyof typeof TRANSPORTS

const isTransport = (protocol: Protocol): protocol is Transport =>
  Object.hasOwn(TRANSPORTS, protocol)

function atStart(family: NftFamily): Known {
  const only = family === 'ip' || family === 'ip6' || family === 'arp'
  return {
    ether: family === 'bridge',
    network: only ? family : undefined,
    transport: undefined,
  }
}

function twoBytes(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 255)
}

function equals(load: { readonly [name: string]: number | string }, value: Uint8Array) {
  const { expr, ...data } = load
  return [
    { expr: String(expr), data: { dreg: REG32, ...data } },
    { expr: 'cmp', data: { sreg: REG32, op: 0, data: { value } } },
  ]
}

const etherCheck = () => equals({ expr: 'meta', key: META.iifType }, ARPHRD_ETHER)

const transportCheck = (protocol: Transport) =>
  equals({ expr: 'meta', key: META.l4Proto }, Uint8Array.of(TRANSPORTS[protocol]))

/**
 * What nft asks for: in inet tables NFT_META_NFPROTO, else the ethertype. In bridge tables it takes
 * that of the frame where it has no field of IPv4 or IPv6 at hand (`payload_gen_dependency`).
 */
function networkCheck(protocol: Network, family: NftFamily, direct: boolean): Expr[] {
  if (family === 'inet' && protocol !== 'arp') {
    const value = Uint8Array.of(NF_PROTOCOLS[protocol])
    return equals({ expr: 'meta', key: META.nfProto }, value)
  }
  const type = twoBytes(ETHER_TYPES[protocol])
  if (family === 'bridge' && !direct) {
    return equals({ expr: 'payload', base: 0, offset: 12, length: 2 }, type)
  }
  return equals({ expr: 'meta', key: META.protocol }, type)
}

/** Makes the checks for one field, and notes what is known then. */
function checksFor(needs: Protocol, family: NftFamily, known: Known, at: number): Expr[] {
  const refuse = (other: string): never => {
    throw new ArgumentError(
      `expressions.${at}: the field is of ${needs}, and the rule is about ${other}; ` +
        `give a field of that, or a rule of its own`,
    )
  }
  if (needs === 'ether') {
    if (known.ether) return []
    known.ether = true
    return etherCheck()
  }
  if (isTransport(needs)) return transportChecks(needs, family, known, refuse)
  const network = needs === 'anyIp' ? (known.network === 'ip6' ? 'ip6' : 'ip') : needs
  if (known.network === network) return []
  if (known.network) return refuse(known.network)
  if (network === 'arp' && family === 'inet') return refuse('IP, as its table')
  known.network = network
  return networkCheck(network as Network, family, network !== 'arp')
}

function transportChecks(
  needs: Transport,
  family: NftFamily,
  known: Known,
  refuse: (other: string) => never,
): Expr[] {
  const icmp = needs === 'icmp' || needs === 'icmpv6'
  if (known.network === 'arp') return refuse('arp')
  if (known.transport === needs) return []
  // One field serves both kinds of ICMP, whose headers begin alike.
  if (icmp && (known.transport === 'icmp' || known.transport === 'icmpv6')) return []
  if (known.transport) return refuse(known.transport)
  const checks: Expr[] = []
  if (icmp && !known.network) {
    known.network = needs === 'icmp' ? 'ip' : 'ip6'
    checks.push(...networkCheck(known.network as Network, family, false))
  }
  const protocol = needs === 'icmp' && known.network === 'ip6' ? 'icmpv6' : needs
  known.transport = protocol
  return [...checks, ...transportCheck(protocol)]
}

type Data = { readonly [name: string]: unknown }

function find<T extends string>(
  of: Readonly<Record<T, number>>,
  value: number,
): T | undefined {
  return (Object.keys(of) as T[]).find((name) => of[name] === value)
}

/** Notes what the rule asks itself: `load`, then "equal to `value`". */
function learn(load: Expr, value: Uint8Array, family: NftFamily, known: Known): void {
  const number = value.reduce((sum, byte) => sum * 256 + byte, 0)
  const { key, base, offset, length } = (load.data ?? {}) as { [name: string]: number }
  const is = (...place: number[]) =>
    load.expr === 'payload' && [base, offset, length].join() === place.join()
  const meta = load.expr === 'meta' ? key : undefined
  const byType = family === 'bridge' || family === 'netdev'
  if (is(0, 12, 2) || (meta === META.protocol && byType)) {
    known.network ??= find(ETHER_TYPES, number)
  }
  if (meta === META.nfProto && family === 'inet') {
    known.network ??= find(NF_PROTOCOLS, number)
  }
  if (meta === META.iifType) known.ether ||= Buffer.compare(value, ARPHRD_ETHER) === 0
  const next =
    (known.network === 'ip' && is(1, 9, 1)) || (known.network === 'ip6' && is(1, 6, 1))
  if (meta === META.l4Proto || next) known.transport ??= find(TRANSPORTS, number)
}

/** The equality that an expression asks for, or undefined. */
function asked({ expr, data }: Expr): Uint8Array | undefined {
  const { op, data: to } = (data ?? {}) as Data
  if (expr !== 'cmp' || op !== 0) return undefined
  return (to as { value?: Uint8Array } | undefined)?.value
}

/**
 * The expressions of a rule in that family with the checks that their fields need and the rule does
 * not make by then, each before the statement that needs it, and what `reject` needs before all of them.
 * Throws an ArgumentError for a field of a
 * protocol that the rule's packets are not of.
 */
export function withChecks(
  expressions: readonly Expr[],
  family: NftFamily,
): readonly Expr[] {
  if (!expressions.some((one) => one?.needs)) return expressions
  const known = atStart(family)
  const starts = startsOf(expressions)
  const before: Expr[][] = expressions.map(() => [])
  expressions.forEach((one, i) => {
    if (one.needs) {
      const checks = checksFor(one.needs, family, known, i)
      // What a rule cannot reject it shall not count or log either: as nft, before all of it.
      if (one.expr === 'reject') before[0]?.unshift(...checks)
      else before[starts[i] ?? i]?.push(...checks)
    }
    const value = asked(one)
    const load = expressions[i - 1]
    if (value && load) learn(load, value, family, known)
  })
  return expressions.flatMap(({ needs: _, ...own }, i) => [
    ...(before[i] ?? []),
    own as Expr,
  ])
}
