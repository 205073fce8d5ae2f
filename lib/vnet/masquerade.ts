/**
 * Internet SNAT: what a pod sends to an address outside of the given ranges gets the host's.
 *
 * It is the rule that Azure's deployment guide has operators add by hand with iptables: not for
 * the platform's address 168.63.129.16, not for local addresses, not for the VNet and what is
 * peered with it. It is a network's own: each network has a chain with its exceptions, and each of
 * its pods one element that leads there. Pods of other networks are not touched.
 */
import { addressOf, familyOf, mergeRanges } from '../ip/index.js'
import type { Done, Plan } from '../netlink/index.js'
import {
  eq,
  field,
  hostOrder,
  inSet,
  masquerade,
  Transaction,
  verdict,
  verdictMap,
  type Expr,
  type FieldDef,
  type SetDef,
  type SetElement,
  type TableRef,
} from '../nft/index.js'
import { MASQUERADE_TABLE, nftName } from './table-names.js'

/** The setting of a network, resolved. */
export interface Masquerade {
  /** Prefixes whose addresses are reached without translation; IPv6 is never translated. */
  readonly except: readonly string[]
}

/** A pod whose traffic to the Internet is translated. */
export interface MasqueradedPod {
  /** IPv4 address, with or without prefix length. */
  readonly address: string
  /** Tag of the owner. */
  readonly tag: string
}

/** A network with the setting, and its pods. */
export interface MasqueradedNetwork extends Masquerade {
  /** Name of the network, from the configuration. */
  readonly network: string
  readonly pods: readonly MasqueradedPod[]
}

/** The platform's address: DNS, health probes, wireserver. */
export const PLATFORM_ADDRESS = '168.63.129.16'

const RTN_LOCAL = hostOrder(2)

/** Never the Internet: loopback, link-local (IMDS), multicast, reserved and broadcast. */
const ALWAYS = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', `${PLATFORM_ADDRESS}/32`]

/** Name of a network's chain in the bridge's table and in the node's. */
function chainOf(network: string): string {
  return `snat_${nftName(network)}`
}

/** The set of a network's exceptions in a table. */
function exceptSet(table: TableRef, network: string): SetDef {
  return {
    family: table.family,
    table: table.name,
    name: `except_${nftName(network)}`,
    key: ['ipv4_addr'],
    interval: true,
  }
}

/** From a pod's address to the chain of its network. */
function podsMap(table: TableRef): SetDef {
  return {
    family: table.family,
    table: table.name,
    name: 'masqueraded',
    key: ['ipv4_addr'],
    verdicts: true,
  }
}

function podElement(network: string, { address, tag }: MasqueradedPod): SetElement {
  return {
    key: [addressOf(address)],
    verdict: { jump: chainOf(network) },
    comment: tag,
  }
}

/** Leads a packet with a pod's address in the field to the chain of the pod's network, if any. */
export function toNetwork(address: FieldDef): Expr[] {
  return verdictMap([address], podsMap(MASQUERADE_TABLE).name)
}

/**
 * Adds the networks' sets, chains and the pods' elements to a table in a transaction.
 *
 * @param rules what a network's chain does; `excepted(field)` goes on with a rule where the field
 *   holds an address that is reached without translation
 */
export function addNetworks(
  tx: Transaction,
  table: TableRef,
  networks: readonly MasqueradedNetwork[],
  rules: (
    excepted: (address: FieldDef) => Expr[],
  ) => readonly { comment: string; expressions: Expr[] }[],
): void {
  const { family, name } = table
  const map = podsMap(table)
  tx.addSet(map)
  for (const { network, except, pods } of networks) {
    const set = exceptSet(table, network)
    const ranges = mergeRanges([...ALWAYS, ...except])
    // Only IPv4 is masqueraded: what is reached by IPv6 needs no exception.
    const four = ranges
      .filter((range) => range.family === 'ipv4')
      .map(({ first, last }) => ({ first, last }))
    tx.addSet(set).addIntervals(set, four)
    const chain = chainOf(network)
    tx.addChain({ family, table: name, name: chain })
    for (const { comment, expressions } of rules((address) =>
      inSet([address], set.name),
    )) {
      tx.addRule({ family, table: name, chain, comment, expressions })
    }
    if (pods.length > 0) {
      tx.addElements(
        map,
        pods.map((pod) => podElement(network, pod)),
      )
    }
  }
}

/** Adds what makes (or remakes) the node's masquerading to a transaction. */
export function makeMasqueradeTable(
  networks: readonly MasqueradedNetwork[],
  tx = new Transaction(),
): Transaction {
  const table = MASQUERADE_TABLE
  const { family, name } = table
  const chain = 'postrouting'
  tx.addTable(table).deleteTable(table).addTable(table)
  addNetworks(tx, table, networks, (excepted) => [
    {
      comment: 'local addresses',
      expressions: [...eq(field.destinationType, RTN_LOCAL), verdict('return')],
    },
    {
      comment: 'the VNet and what is reached without NAT',
      expressions: [...excepted(field.ipDestination), verdict('return')],
    },
    { comment: 'all else is the Internet', expressions: [masquerade()] },
  ])
  return tx
    .addChain({
      family,
      table: name,
      name: chain,
      hook: chain,
      type: 'nat',
      priority: 100,
    })
    .addRule({
      family,
      table: name,
      chain,
      comment: 'by the rules of the network of the pod',
      expressions: toNetwork(field.ipSource),
    })
}

/** The tables with masqueraded pods: that of the pod's bridge, and the node's. */
function tablesOf(bridgeTable: TableRef): TableRef[] {
  return [bridgeTable, MASQUERADE_TABLE]
}

/** Adds a pod of a network whose rules are in place to a transaction. */
export function addMasqueradedPod(
  tx: Transaction,
  bridgeTable: TableRef,
  network: string,
  pod: MasqueradedPod,
): Transaction {
  for (const table of tablesOf(bridgeTable)) {
    tx.addElements(podsMap(table), [podElement(network, pod)])
  }
  return tx
}

/** Transactions that each take one element of a pod away; ENOENT when it is not there. */
export function removeMasqueradedPod(
  bridgeTable: TableRef,
  address: string,
): Transaction[] {
  return tablesOf(bridgeTable).map((table) =>
    new Transaction().deleteElements(podsMap(table), [[addressOf(address)]]),
  )
}

/** Asks in a plan for the pods of a bridge with Internet SNAT; answers with how to get at them. */
export function planMasqueraded(
  plan: Plan,
  bridgeTable: TableRef,
): (done: Done) => ReadonlySet<string> {
  const dumps = tablesOf(bridgeTable).map((table) =>
    plan.nftables.elements(podsMap(table)),
  )
  // Both tables must have it.
  return (done) => {
    const [inBridge = [], inNode = []] = dumps.map((dump) =>
      done.of(dump).map(({ key }) => String(key[0])),
    )
    return new Set(inBridge.filter((address) => inNode.includes(address)))
  }
}

/** Whether an address can be masqueraded. */
export function canMasquerade(address: string): boolean {
  return familyOf(addressOf(address)) === 'ipv4'
}
