/**
 * The rules of the table of host ports. They are the same whatever containers there are.
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
  neq,
  payload,
  verdict,
  type ChainDef,
  type Expr,
  type RuleInfo,
  type Transaction,
} from '../../nft/index.js'
import {
  NEWEST_CHAIN,
  OWNED_SETS,
  POD_LINKS,
  PORTS_OF_ALL_ADDRESSES,
  PORTS_OF_ONE_ADDRESS,
  SERVED_PORTS,
  SNAT_PODS,
  TABLE,
} from './table.js'

const inTable = { family: TABLE.family, table: TABLE.name } as const
const RTN_LOCAL = hostOrder(2)
const LOOPBACK = Uint8Array.of(127)
const LOCALHOST = Uint8Array.of(127, 0, 0, 1)
// IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h): its destination was translated.
const DNAT_STATUS = hostOrder(0x20)

const CHAINS: readonly Omit<ChainDef, 'family' | 'table'>[] = [
  { name: 'prerouting', hook: 'prerouting', type: 'nat', priority: -100 },
  { name: 'output', hook: 'output', type: 'nat', priority: -100 },
  { name: 'postrouting', hook: 'postrouting', type: 'nat', priority: 100 },
  { name: 'translate' },
  { name: NEWEST_CHAIN },
  // Before conntrack, and after all source NAT: what is on the wire counts.
  { name: 'martians_in', hook: 'prerouting', type: 'filter', priority: -300 },
  { name: 'martians_out', hook: 'postrouting', type: 'filter', priority: 300 },
]

interface Rule {
  readonly chain: string
  readonly comment: string
  readonly expressions: Expr[]
}

const keyAll = [field.l4proto, field.destinationPort]
const keyOne = [field.ipDestination, ...keyAll]
const fromLoopback = eq(field.ipSourceFirstByte, LOOPBACK)
const toLoopback = eq(payload('network', 16, 1), LOOPBACK)
// Only what is addressed to this host: a packet that passes through is not ours to divert.
const local = [...eq(field.destinationType, RTN_LOCAL), verdict({ jump: 'translate' })]

const RULES: readonly Rule[] = [
  { chain: 'prerouting', comment: 'addressed to this host', expressions: local },
  { chain: 'output', comment: 'by this host to itself', expressions: local },
  {
    chain: 'translate',
    comment: 'a port of one address',
    expressions: [...mapLookup(keyOne, PORTS_OF_ONE_ADDRESS.name), dnatFromMap()],
  },
  {
    chain: 'translate',
    comment: 'a port of any address',
    expressions: [verdict({ jump: NEWEST_CHAIN })],
  },
  {
    chain: NEWEST_CHAIN,
    comment: 'addresses of 127.0.0.0/8 but 127.0.0.1 are for programs of this host',
    expressions: [
      ...toLoopback,
      ...neq(field.ipDestination, LOCALHOST),
      verdict('return'),
    ],
  },
  {
    chain: NEWEST_CHAIN,
    comment: 'and so is what one of them serves on that one',
    expressions: [...inSet(keyOne, SERVED_PORTS.name), verdict('return')],
  },
  {
    chain: NEWEST_CHAIN,
    comment: 'a port of any address',
    expressions: [...mapLookup(keyAll, PORTS_OF_ALL_ADDRESSES.name), dnatFromMap()],
  },
  {
    chain: 'postrouting',
    comment: 'a pod to itself: the reply must come back here',
    expressions: [
      ...inSet([field.ipSource, field.ipDestination], SNAT_PODS.name),
      masquerade(),
    ],
  },
  {
    chain: 'postrouting',
    comment: 'from 127.0.0.1 to a pod, which cannot answer that address',
    expressions: [
      ...fromLoopback,
      ...bits(field.ctStatus, DNAT_STATUS, 'any'),
      ...inSet([field.ipDestination, field.ipDestination], SNAT_PODS.name),
      masquerade(),
    ],
  },
  {
    chain: 'martians_in',
    comment: 'nothing comes from 127.0.0.0/8 by a link to pods',
    expressions: [
      ...fromLoopback,
      ...inSet([field.iifname], POD_LINKS.name),
      verdict('drop'),
    ],
  },
  {
    chain: 'martians_in',
    comment: 'nothing comes to 127.0.0.0/8 by a link to pods',
    expressions: [
      ...toLoopback,
      ...inSet([field.iifname], POD_LINKS.name),
      verdict('drop'),
    ],
  },
  {
    chain: 'martians_out',
    comment: 'nothing leaves from 127.0.0.0/8 by a link to pods',
    expressions: [
      ...fromLoopback,
      ...inSet([field.oifname], POD_LINKS.name),
      verdict('drop'),
    ],
  },
]

/**
 * Adds what makes the table whole to a transaction, whatever there is of it: elements stay, all
 * rules are made anew.
 */
export function ensureTable(tx: Transaction): Transaction {
  tx.addTable(TABLE).flushTable(TABLE)
  for (const set of [...OWNED_SETS, POD_LINKS]) tx.addSet(set)
  for (const chain of CHAINS) tx.addChain({ ...inTable, ...chain })
  for (const rule of RULES) tx.addRule({ ...inTable, ...rule })
  return tx
}

/** The chains whose rules are not those of the layout, by name. */
export function damagedChains(found: readonly RuleInfo[]): string[] {
  const comments = (rules: readonly { chain: string; comment?: string }[], of: string) =>
    JSON.stringify(rules.filter(({ chain }) => chain === of).map((r) => r.comment))
  return CHAINS.map(({ name }) => name).filter(
    (name) => comments(found, name) !== comments(RULES, name),
  )
}
