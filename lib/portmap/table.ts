/**
 * The nft table of host ports: two maps, so that a packet is looked up once whatever the number
 * of mappings, and one element a mapping.
 */
import {
  ipProtocols,
  type SetDef,
  type SetElement,
  type TableRef,
  type Transaction,
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
