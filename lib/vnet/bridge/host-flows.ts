/**
 * Flows that the host forwards to pods: their replies go back through the host.
 */
import { ipv4Bytes, macBytes } from '../../ip/index.js'
import {
  bits,
  dynset,
  eq,
  field,
  ifname,
  inSet,
  neq,
  payload,
  type Expr,
  type FieldDef,
  type SetDef,
} from '../../nft/index.js'
import { bridgeTable } from './endpoint-map.js'
import { ETHERTYPE_IP, toHost, type BridgeTableSpec, type Rule } from './table-rules.js'

const FLOW: FieldDef[] = [
  field.ipSource,
  field.ipDestination,
  field.l4proto,
  field.sourcePort,
  field.destinationPort,
]
const FLOW_BACK: FieldDef[] = [
  field.ipDestination,
  field.ipSource,
  field.l4proto,
  field.destinationPort,
  field.sourcePort,
]

/** Flows whose replies go through the host, and those of them that have ended. */
export function flowSet(bridge: string, name: 'host_flows' | 'ended_flows'): SetDef {
  const { family, name: table } = bridgeTable(bridge)
  return {
    family,
    table,
    name,
    key: ['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service', 'inet_service'],
    dynamic: true,
    size: 262144,
  }
}

/** A datagram in parts: all have its addresses, protocol and number, the first alone has the ports. */
const DATAGRAM: FieldDef[] = [
  field.ipSource,
  field.ipDestination,
  field.l4proto,
  payload('network', 4, 2),
]
const FRAGMENT = payload('network', 6, 2)
const MORE_FOLLOW = Uint8Array.of(0x20, 0)
const NOT_THE_FIRST = Uint8Array.of(0x1f, 0xff)

// A datagram's number has a type that is nobody's but the nft program's: these are the notes of nft for
// `typeof ip saddr . ip daddr . meta l4proto . ip id`, without which it could not read back what it
// lists.
function typeOfDatagram() {
  const notes =
    '000400000000036000040d00000001580014000407000000010c00040c00000001040b0000000114000407000000' +
    '010c00040c00000001040c000000020e0004090000000106000410000000031a000407000000011200040c000000' +
    '010406000000040410000000'
  return {
    key: [],
    keyType: 0x1c7304,
    keyLength: 16,
    userdata: Buffer.from(notes, 'hex'),
  }
}

/** Replies of such flows whose first part went through the host: the others follow it. */
export function fragmentSet(bridge: string): SetDef {
  const { family, name: table } = bridgeTable(bridge)
  return {
    family,
    table,
    name: 'host_fragments',
    ...typeOfDatagram(),
    dynamic: true,
    size: 65536,
  }
}

const TCP = Uint8Array.of(6)
const UDP = Uint8Array.of(17)
const TCP_SYN = Uint8Array.of(0x02)
const TCP_FIN_RST = Uint8Array.of(0x05)
const TCP_FIN_SYN_RST = Uint8Array.of(0x07)

const MINUTE = 60_000
/** As long as the kernel keeps parts (net.ipv4.ipfrag_time). */
const PARTS_TIMEOUT = MINUTE / 2

/**
 * The rules that remember such flows, and hand their replies to the host.
 *
 * A packet that the host forwards to a pod (a host port, mostly) had its address translated in
 * the host's IP stack, and the reply must pass there to be translated back. On the bridge it
 * would go straight to the fabric. So flows that the host forwards are remembered and their
 * replies handed to the host. (bridge-nf-call-iptables=1 would do it for all of the pods'
 * traffic, where the module is loaded; nothing here depends on it.)
 */
export function hostFlowRules(spec: BridgeTableSpec): Rule[] {
  const nic = ifname(spec.nic)
  const mac = macBytes(spec.mac)
  const set = flowSet(spec.bridge, 'host_flows').name
  const parts = fragmentSet(spec.bridge).name
  const ended = flowSet(spec.bridge, 'ended_flows').name
  const fromElsewhere = [
    ...eq(field.protocol, ETHERTYPE_IP),
    ...neq(field.oifname, nic),
    ...spec.hostAddresses.flatMap((address) => neq(field.ipSource, ipv4Bytes(address))),
  ]
  const remember = (comment: string, match: Expr[], what: Expr[]): Rule => ({
    chain: 'output',
    comment: `a flow forwarded to a pod: ${comment}`,
    expressions: [...fromElsewhere, ...match, ...what],
  })
  const tcp = (flags: Uint8Array, want: 'any' | 'none') => [
    ...eq(field.l4proto, TCP),
    ...bits(field.tcpFlags, flags, want),
  ]
  return [
    remember(
      'UDP',
      eq(field.l4proto, UDP),
      dynset('update', FLOW, set, { timeout: 3 * MINUTE }),
    ),
    remember(
      'TCP begins',
      tcp(TCP_SYN, 'any'),
      dynset('update', FLOW, set, { timeout: 2 * MINUTE }),
    ),
    remember('TCP ends', tcp(TCP_FIN_RST, 'any'), [
      ...dynset('update', FLOW, ended, { timeout: 2 * MINUTE }),
      ...dynset('update', FLOW, set, { timeout: 2 * MINUTE }),
    ]),
    // The last packets of a connection must not make it live for a day again.
    remember(
      'TCP',
      [...tcp(TCP_FIN_SYN_RST, 'none'), ...inSet(FLOW, ended, true)],
      dynset('update', FLOW, set, { timeout: 24 * 60 * MINUTE }),
    ),
    {
      chain: 'prerouting',
      comment: 'a reply in parts: the others have no ports',
      expressions: [
        ...neq(field.iifname, nic),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...bits(FRAGMENT, MORE_FOLLOW, 'any'),
        ...inSet(FLOW_BACK, set),
        ...dynset('update', DATAGRAM, parts, { timeout: PARTS_TIMEOUT }),
      ],
    },
    {
      chain: 'prerouting',
      comment: 'they go where the first part went',
      expressions: [
        ...neq(field.iifname, nic),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...bits(FRAGMENT, NOT_THE_FIRST, 'any'),
        ...inSet(DATAGRAM, parts),
        ...toHost(mac),
      ],
    },
    {
      chain: 'prerouting',
      comment: 'replies of such flows go back through the host',
      expressions: [
        ...neq(field.iifname, nic),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...inSet(FLOW_BACK, set),
        ...toHost(mac),
      ],
    },
  ]
}
