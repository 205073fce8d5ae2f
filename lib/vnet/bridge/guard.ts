/**
 * What may come from a pod: what every pod may not send, and the spoof guard.
 *
 * A pod uses the addresses and the MAC that it was given and no others: else it could take another's
 * traffic (CVE-2020-10749 and its kind), for the fabric checks no more than the node as a whole.
 * Whatever the network says, no pod tells others which way to go: router advertisements, redirects
 * and answers of a DHCP server would be believed by the host and by all pods.
 */
import {
  counter,
  eq,
  field,
  ifname,
  inSet,
  neq,
  verdict,
  type Expr,
  type FieldDef,
} from '../../nft/index.js'
import { portsSet, sendersSet, unguardedSet } from './ports.js'
import {
  ARP_REQUEST,
  ETHERTYPE_ARP,
  ETHERTYPE_IP,
  ETHERTYPE_IP6,
  NO_ADDRESS,
  type BridgeTableSpec,
  type Rule,
} from './table-rules.js'

const UDP = Uint8Array.of(17)
/** ICMP and ICMPv6 types (RFC 792, RFC 4861). */
const REDIRECT = Uint8Array.of(5)
const REDIRECT_6 = Uint8Array.of(137)
const ROUTER_ADVERTISEMENT = Uint8Array.of(134)

/** The rules at the ports of pods, and what leads there. */
export function guardRules({ bridge, nic }: BridgeTableSpec): Rule[] {
  const ports = portsSet(bridge).name
  const notOurs = (direction: FieldDef) => [
    ...inSet([direction], ports, true),
    verdict('accept'),
  ]
  return [
    {
      chain: 'prerouting',
      comment: 'no port of this bridge: not ours',
      expressions: notOurs(field.iifname),
    },
    {
      chain: 'output',
      comment: 'to no port of this bridge: not ours',
      expressions: notOurs(field.oifname),
    },
    {
      chain: 'prerouting',
      comment: 'from a pod',
      expressions: [...neq(field.iifname, ifname(nic)), verdict({ jump: 'from_pod' })],
    },
    ...fromPod(bridge),
    ...arpFromPod(bridge),
    ...ip6FromPod(bridge),
  ]
}

function fromPod(bridge: string): Rule[] {
  const chain = 'from_pod'
  const ip = eq(field.protocol, ETHERTYPE_IP)
  return [
    {
      chain,
      comment: 'IPv6',
      expressions: [
        ...eq(field.protocol, ETHERTYPE_IP6),
        verdict({ goto: 'ip6_from_pod' }),
      ],
    },
    {
      chain,
      comment: 'ARP',
      expressions: [
        ...eq(field.protocol, ETHERTYPE_ARP),
        verdict({ goto: 'arp_from_pod' }),
      ],
    },
    {
      chain,
      comment: 'no pod tells others the way: ICMP redirect',
      expressions: [...ip, ...eq(field.icmpType, REDIRECT), ...drop()],
    },
    {
      chain,
      comment: 'no pod gives addresses: DHCP server',
      expressions: [...ip, ...fromServer(67, 68)],
    },
    {
      chain,
      comment: 'in its own name',
      expressions: [...ip, ...is(bridge, field.etherSource, field.ipSource), leave()],
    },
    ...elseDrop(chain, bridge),
  ]
}

function arpFromPod(bridge: string): Rule[] {
  const chain = 'arp_from_pod'
  const { etherSource, arpSenderMac, arpSenderIp, arpTargetIp } = field
  return [
    {
      chain,
      comment: 'in its own name',
      expressions: [
        ...is(bridge, etherSource, arpSenderIp),
        ...is(bridge, arpSenderMac, arpSenderIp),
        leave(),
      ],
    },
    {
      chain,
      comment: 'asking whether anybody else has its address',
      expressions: [
        ...eq(field.arpOperation, ARP_REQUEST),
        ...eq(arpSenderIp, NO_ADDRESS),
        ...is(bridge, etherSource, arpTargetIp),
        ...is(bridge, arpSenderMac, arpTargetIp),
        leave(),
      ],
    },
    ...elseDrop(chain, bridge),
  ]
}

// Pods are given IPv4 addresses alone: of IPv6 they have what they gave themselves.
function ip6FromPod(bridge: string): Rule[] {
  const chain = 'ip6_from_pod'
  const icmp = (type: Uint8Array) => eq(field.icmpv6Type, type)
  return [
    {
      chain,
      comment: 'no pod tells others the way: router advertisement',
      expressions: [...icmp(ROUTER_ADVERTISEMENT), ...drop()],
    },
    {
      chain,
      comment: 'no pod tells others the way: redirect',
      expressions: [...icmp(REDIRECT_6), ...drop()],
    },
    {
      chain,
      comment: 'no pod gives addresses: DHCPv6 server',
      expressions: fromServer(547, 546),
    },
    ...elseDrop(chain, bridge),
  ]
}

const leave = () => verdict('return')

/** Counted, so that `nft list` tells whether a pod suffers from it. */
const drop = (): Expr[] => [counter(), verdict('drop')]

/** Goes on where MAC and address together are a sender of the port. */
function is(bridge: string, mac: FieldDef, address: FieldDef): Expr[] {
  return inSet([field.iifname, mac, address], sendersSet(bridge).name)
}

function fromServer(source: number, destination: number): Expr[] {
  const port = (number: number) => Uint8Array.of(number >> 8, number & 255)
  return [
    ...eq(field.l4proto, UDP),
    ...eq(field.sourcePort, port(source)),
    ...eq(field.destinationPort, port(destination)),
    ...drop(),
  ]
}

function elseDrop(chain: Rule['chain'], bridge: string): Rule[] {
  const isRouter = inSet([field.iifname], unguardedSet(bridge).name)
  return [
    { chain, comment: 'a router: in any name', expressions: [...isRouter, leave()] },
    { chain, comment: 'spoof guard', expressions: drop() },
  ]
}
