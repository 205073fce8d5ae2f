/**
 * Internet SNAT: what leaves for an address outside of the given ranges gets the host's.
 *
 * It is the rule that Azure's deployment guide has operators add by hand with iptables: not for
 * the platform's address 168.63.129.16, not for local addresses, not for the VNet and what is
 * peered with it.
 */
import {
  eq,
  field,
  hostOrder,
  inSet,
  masquerade,
  Transaction,
  verdict,
  type SetDef,
  type TableRef,
} from '../nft/index.js'
import { mergeRanges } from '../ip/index.js'

/** The option, resolved. */
export interface Masquerade {
  /** Prefixes whose addresses are reached without translation; IPv6 never has one. */
  readonly except: readonly string[]
}

/** The platform's address: DNS, health probes, wireserver. */
export const PLATFORM_ADDRESS = '168.63.129.16'

/** The node's table for masquerading; one, whatever the number of pods. */
export const MASQUERADE_TABLE: TableRef = { family: 'ip', name: 'azure_vnet_masquerade' }

const RTN_LOCAL = hostOrder(2)

/** Never the Internet: loopback, link-local (IMDS), multicast, reserved and broadcast. */
const ALWAYS = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', `${PLATFORM_ADDRESS}/32`]

/** Adds the set of excepted ranges to a table in a transaction. */
export function except(tx: Transaction, table: TableRef, option: Masquerade): void {
  const set: SetDef = {
    family: table.family,
    table: table.name,
    name: 'except',
    key: ['ipv4_addr'],
    interval: true,
  }
  // Only IPv4 is masqueraded: what is reached by IPv6 needs no exception.
  const ranges = mergeRanges([...ALWAYS, ...option.except])
  const four = ranges.filter(({ family }) => family === 'ipv4')
  tx.addSet(set).addIntervals(set, four)
}

/** Adds what makes (or remakes) the node's masquerading to a transaction. */
export function makeMasqueradeTable(
  option: Masquerade,
  tx = new Transaction(),
): Transaction {
  const table = MASQUERADE_TABLE
  const { family, name } = table
  const chain = 'postrouting'
  tx.addTable(table).deleteTable(table).addTable(table)
  except(tx, table, option)
  tx.addChain({
    family,
    table: name,
    name: chain,
    hook: chain,
    type: 'nat',
    priority: 100,
  })
  const rule = (
    comment: string,
    expressions: Parameters<Transaction['addRule']>[0]['expressions'],
  ) => tx.addRule({ family, table: name, chain, comment, expressions })
  rule('local addresses', [...eq(field.destinationType, RTN_LOCAL), verdict('return')])
  rule('the VNet and what is reached without NAT', [
    ...inSet([field.ipDestination], 'except'),
    verdict('return'),
  ])
  rule('all else is the Internet', [masquerade()])
  return tx
}
