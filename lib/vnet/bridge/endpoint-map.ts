/**
 * Names of bridge mode's nft table, and its map of who lives on the node. All that an ADD needs of
 * the table when it is there.
 */
import type { SetDef, TableRef } from '../../nft/index.js'
import { nftName } from '../table-names.js'

/** A pod as the table knows it. */
export interface TableEndpoint {
  /** IPv4 address without prefix length. */
  readonly address: string
  readonly mac: string
  /** Tag of the owner, for `nft list` and for a DEL that has no other record. */
  readonly tag: string
}

/** The table of a bridge. */
export function bridgeTable(bridge: string): TableRef {
  return { family: 'bridge', name: `azure_vnet_${nftName(bridge)}` }
}

/** The map from address to MAC of all that lives on this node: pods, and the host itself. */
export function endpointsMap(bridge: string): SetDef {
  const { family, name: table } = bridgeTable(bridge)
  return { family, table, name: 'endpoints', key: ['ipv4_addr'], data: ['ether_addr'] }
}

/** Comment of the host's own elements; no owner's tag lacks a slash. */
export const HOST_TAG = 'host'

/** An endpoint as an element of the map. */
export function toElement({ address, mac, tag }: TableEndpoint) {
  return { key: [address], data: [mac], comment: tag }
}
