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

const TCP = Uint8Array.of(6)
const UDP = Uint8Array.of(17)
const TCP_SYN = Uint8Array.of(0x02)
const TCP_FIN_RST = Uint8Array.of(0x05)
const TCP_FIN_SYN_RST = Uint8Array.of(0x07)

const MINUTE = 60_000

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
