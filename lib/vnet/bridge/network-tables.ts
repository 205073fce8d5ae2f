/**
 * The nft tables of bridges, as the records and the kernel want them.
 */
import { networkOfTag, ownerTag } from '../../cni/spec/owner.js'
import { addressOf } from '../../ip/index.js'
import type { NetNs } from '../../netlink/index.js'
import type { Transaction } from '../../nft/index.js'
import {
  canMasquerade,
  makeMasqueradeTable,
  type MasqueradedNetwork,
} from '../masquerade.js'
import type { NodeView } from '../mode.js'
import { MASQUERADE_TABLE } from '../table-names.js'
import { bridgeTable, type TableEndpoint } from './endpoint-map.js'
import { endpointsInMap } from './endpoint.js'
import type { HostMove } from './host-move.js'
import { portsOf, readPorts } from './ports.js'
import type { BridgeNetwork } from './record.js'
import { dropTable, makeBridgeTable } from './table.js'

/** The transaction that makes a bridge's table, and the node's, anew with all that they hold. */
export function tables(
  host: NetNs,
  view: NodeView,
  record: BridgeNetwork,
  move: HostMove,
): Transaction {
  const hostAddresses = move.addresses
    .filter((address) => address.family === 'ipv4')
    .map((address) => addressOf(address.address))
  const { name: bridge, nic } = record
  const { recorded, others } = endpointsOn(host, view, bridge)
  const endpoints = [...recorded, ...others]
  const ports = portsOf(record, view.podsOn(bridge), others, readPorts(host, bridge))
  const masqueraded = masqueradedOn(view, bridge, endpoints)
  const spec = { bridge, nic, mac: move.nic.mac, hostAddresses, masqueraded }
  return setMasquerade(makeBridgeTable(spec, endpoints, ports), host, view)
}

/** Who is on a bridge: by the records, and by the kernel's map for what has none (yet). */
function endpointsOn(
  host: NetNs,
  view: NodeView,
  bridge: string,
): Record<'recorded' | 'others', TableEndpoint[]> {
  const recorded = view.podsOn(bridge).flatMap(({ addresses, owner }) =>
    addresses.map(({ address, mac }) => ({
      address: addressOf(address),
      mac,
      tag: ownerTag(owner),
    })),
  )
  // An ADD under way has its element in the kernel and no finished record yet.
  const known = new Set(recorded.map((endpoint) => endpoint.address))
  const others = endpointsInMap(host, bridge).filter(({ address }) => !known.has(address))
  return { recorded, others }
}

/** The networks with Internet SNAT on a bridge, and which of its endpoints are theirs. */
function masqueradedOn(
  view: NodeView,
  bridge: string,
  endpoints: readonly TableEndpoint[],
): MasqueradedNetwork[] {
  const record = view.networks.find(({ name }) => name === bridge)
  return Object.entries(record?.masquerade ?? {}).map(([network, { except }]) => ({
    network,
    except,
    pods: endpoints.filter(
      ({ address, tag }) => canMasquerade(address) && networkOfTag(tag) === network,
    ),
  }))
}

// One table for the node, whatever the number of bridges: a network may have pods on several.
function setMasquerade(tx: Transaction, host: NetNs, view: NodeView): Transaction {
  const networks = new Map<string, MasqueradedNetwork>()
  for (const { name } of view.networks) {
    const { recorded, others } = endpointsOn(host, view, name)
    for (const part of masqueradedOn(view, name, [...recorded, ...others])) {
      const { except = [], pods = [] } = networks.get(part.network) ?? {}
      networks.set(part.network, {
        network: part.network,
        except: [...new Set([...except, ...part.except])],
        pods: [...pods, ...part.pods],
      })
    }
  }
  return networks.size > 0
    ? makeMasqueradeTable([...networks.values()], tx)
    : dropTable(MASQUERADE_TABLE, tx)
}

/** The transaction that makes the tables without those of a bridge. */
export function dropTables(
  host: NetNs,
  view: NodeView,
  { name }: BridgeNetwork,
): Transaction {
  const others = view.networks.filter((other) => other.name !== name)
  return setMasquerade(dropTable(bridgeTable(name)), host, { ...view, networks: others })
}
