/**
 * The rules of the table of host ports: made with the first mapping, whatever comes after.
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
  verdict,
  type Expr,
  type Transaction,
} from '../nft/index.js'
import { ANY, HAIRPIN, ONE, TABLE } from './table.js'

const where = { family: TABLE.family, table: TABLE.name } as const
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
