/**
 * The nft table of host ports: two maps, so that a packet is looked up once whatever the number
 * of mappings, and one element a mapping.
 */
import {
  bits,
  dnatFromMap,
  eq,
  field,
  hostOrder,
  inSet,
  mapLookup,
  masquerade,
  Transaction,
  verdict,
  type Expr,
  type SetDef,
  type SetElement,
  type TableRef,
  ipProtocols,
} from '../nft/index.js'
import type { Mapping } from './mapping.js'

/** The table; it exists while there is a mapping. */
export const TABLE: TableRef = { family: 'ip', name: 'azure_vnet_portmap' }

const where = { family: TABLE.family, table: TABLE.name } as const
const target = ['ipv4_addr', 'inet_service'] as const

/** (protocol, port) → (pod, port): mappings for every address of the host. */
export const ANY: SetDef = {
  ...where,
  name: 'any_address',
  key: ['inet_proto', 'inet_service'],
  data: target,
}

/** (host address, protocol, port) → (pod, port): mappings for one address of the host. */
export const ONE: SetDef = {
  ...where,
  name: 'one_address',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
  data: target,
}

/** (pod, pod): packets that a pod sent to itself by way of the host. */
export const HAIRPIN: SetDef = {
  ...where,
  name: 'hairpin',
  key: ['ipv4_addr', 'ipv4_addr'],
}

/** The map that a mapping belongs to, and its key there. */
export function place(m: Mapping): { set: SetDef; key: (string | number)[] } {
  const key = [ipProtocols[m.protocol], m.hostPort]
  return m.hostAddress ? { set: ONE, key: [m.hostAddress, ...key] } : { set: ANY, key }
}

const RTN_LOCAL = hostOrder(2)
const LOOPBACK = Uint8Array.of(127)
// IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h): its destination was translated.
const DNAT_STATUS = hostOrder(0x20)

const CHAINS = [
  // Only what is addressed to this host: a packet that passes through is not ours to divert.
  { name: 'prerouting', hook: 'prerouting', type: 'nat', priority: -100 },
  { name: 'output', hook: 'output', type: 'nat', priority: -100 },
  { name: 'postrouting', hook: 'postrouting', type: 'nat', priority: 100 },
  { name: 'translate' },
] as const

const keyAny = [field.l4proto, field.destinationPort]
const keyOne = [field.ipDestination, ...keyAny]
const local = [...eq(field.destinationType, RTN_LOCAL), verdict({ jump: 'translate' })]

/** Adds the table, its maps and its rules to a transaction; EEXIST when it is there. */
export function makeTable(tx: Transaction): Transaction {
  tx.addTable(TABLE, { exclusive: true }).addSet(ANY).addSet(ONE).addSet(HAIRPIN)
  for (const chain of CHAINS) tx.addChain({ ...where, ...chain })
  const rule = (chain: string, comment: string, expressions: Expr[]) =>
    tx.addRule({ ...where, chain, comment, expressions })
  rule('prerouting', 'addressed to this host', local)
  rule('output', 'by this host to itself', local)
  rule('translate', 'a port of one address', [
    ...mapLookup(keyOne, ONE.name),
    dnatFromMap(),
  ])
  rule('translate', 'a port of any address', [
    ...mapLookup(keyAny, ANY.name),
    dnatFromMap(),
  ])
  rule('postrouting', 'a pod to itself: the reply must come back here', [
    ...inSet([field.ipSource, field.ipDestination], HAIRPIN.name),
    masquerade(),
  ])
  rule('postrouting', 'from 127.0.0.1, which no pod can answer', [
    ...eq(field.ipSourceFirstByte, LOOPBACK),
    ...bits(field.ctStatus, DNAT_STATUS, 'any'),
    masquerade(),
  ])
  return tx
}

/**
 * Adds a container's mappings; EEXIST when one of its ports is held. With `snat` the container
 * reaches itself by them too.
 */
export function addMappings(
  tx: Transaction,
  mappings: readonly Mapping[],
  pod: string,
  tag: string,
  snat: boolean,
): Transaction {
  for (const m of mappings) {
    const { set, key } = place(m)
    const element: SetElement = { key, data: [pod, m.containerPort], comment: tag }
    tx.addElements(set, [element], { exclusive: true })
  }
  return snat ? tx.addElements(HAIRPIN, [{ key: [pod, pod], comment: tag }]) : tx
}
