/**
 * The nft table of host ports: two maps, so that a packet is looked up once whatever the number
 * of mappings, with one element a mapping. What a container may do beside that is an element of a
 * set, never a rule. Each element's comment names its owner.
 */
import {
  ipProtocols,
  type SetDef,
  type SetElement,
  type TableRef,
  type Transaction,
} from '../../nft/index.js'
import type { PortsRecord } from '../backend.js'
import type { Mapping } from '../mapping.js'
import type { ServedPort } from '../sockets.js'

/** The table; it exists while there is a mapping. */
export const TABLE: TableRef = { family: 'ip', name: 'azure_vnet_portmap' }

const inTable = { family: TABLE.family, table: TABLE.name } as const
const target = ['ipv4_addr', 'inet_service'] as const

/** (protocol, port) → (pod, port): ports of every address of the host. */
export const PORTS_OF_ALL_ADDRESSES: SetDef = {
  ...inTable,
  name: 'any_address',
  key: ['inet_proto', 'inet_service'],
  data: target,
}

/** (host address, protocol, port) → (pod, port): ports of one address of the host. */
export const PORTS_OF_ONE_ADDRESS: SetDef = {
  ...inTable,
  name: 'one_address',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
  data: target,
}

/** Both maps. */
export const PORT_MAPS = [PORTS_OF_ALL_ADDRESSES, PORTS_OF_ONE_ADDRESS] as const

/**
 * (pod, pod): the pods with `snat`. They reach themselves by way of the host, and 127.0.0.1 of the
 * host reaches them.
 */
export const SNAT_PODS: SetDef = {
  ...inTable,
  name: 'hairpin',
  key: ['ipv4_addr', 'ipv4_addr'],
}

/**
 * The links of the host that lead to pods with ports. On them 127.0.0.0/8 stays what it is without
 * `route_localnet`: an address that nothing comes from and goes to.
 */
export const POD_LINKS: SetDef = { ...inTable, name: 'pod_links', key: ['ifname'] }

/**
 * (127.0.0.1, protocol, port): ports that a program of the host has there, and keeps. A mapping for
 * all addresses is for none of the other addresses of 127.0.0.0/8.
 */
export const SERVED_PORTS: SetDef = {
  ...inTable,
  name: 'served_here',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
}

/** All sets whose elements have owners. */
export const OWNED_SETS = [...PORT_MAPS, SNAT_PODS, SERVED_PORTS]

/** The chain that came last into the table: one without it was made by an older version. */
export const NEWEST_CHAIN = 'every_address'

/** An element and the set that it is in. */
export interface Placed {
  /** The set or map. */
  readonly set: SetDef
  /** The element. */
  readonly element: SetElement
}

/** The element of a mapping, and its map. */
export function placeMapping(m: Mapping, pod: string, tag: string): Placed {
  const key = [ipProtocols[m.protocol], m.hostPort]
  const element = { data: [pod, m.containerPort], comment: tag }
  return m.hostAddress
    ? { set: PORTS_OF_ONE_ADDRESS, element: { ...element, key: [m.hostAddress, ...key] } }
    : { set: PORTS_OF_ALL_ADDRESSES, element: { ...element, key } }
}

function placeServed({ protocol, hostPort }: ServedPort, tag: string): Placed {
  const key = ['127.0.0.1', ipProtocols[protocol], hostPort]
  return { set: SERVED_PORTS, element: { key, comment: tag } }
}

/** All elements that an owner has by its ports. */
export function placePorts(
  tag: string,
  { pod, mappings, snat, served = [] }: PortsRecord,
): Placed[] {
  if (mappings.length === 0) return []
  const wanted = new Set(
    mappings.map(({ protocol, hostPort }) => `${protocol} ${hostPort}`),
  )
  const ports = [
    ...mappings.map((m) => placeMapping(m, pod, tag)),
    ...served
      .filter(({ protocol, hostPort }) => wanted.has(`${protocol} ${hostPort}`))
      .map((one) => placeServed(one, tag)),
  ]
  const self = { set: SNAT_PODS, element: { key: [pod, pod], comment: tag } }
  return snat ? [...ports, self] : ports
}

/** Whether an element is a port. */
export function isPort({ set }: Placed): boolean {
  return set.data !== undefined
}

/** The mapping of an element. */
export function toMapping({ set, element }: Placed): Mapping {
  const [protocol, hostPort] = element.key.slice(-2)
  return {
    protocol: protocol === ipProtocols.udp ? 'udp' : 'tcp',
    hostPort: Number(hostPort),
    containerPort: Number(element.data?.[1]),
    hostAddress:
      set.name === PORTS_OF_ONE_ADDRESS.name ? String(element.key[0]) : undefined,
  }
}

/** Adds elements to a transaction; EEXIST when one of the keys is there. */
export function addPlaced(tx: Transaction, placed: readonly Placed[]): Transaction {
  for (const [set, elements] of bySet(placed)) {
    tx.addElements(set, elements, { exclusive: true })
  }
  return tx
}

/** Adds the deletion of elements to a transaction; ENOENT when one is not there. */
export function deletePlaced(tx: Transaction, placed: readonly Placed[]): Transaction {
  for (const [set, elements] of bySet(placed)) {
    tx.deleteElements(
      set,
      elements.map(({ key }) => key),
    )
  }
  return tx
}

function bySet(placed: readonly Placed[]): [SetDef, SetElement[]][] {
  return OWNED_SETS.flatMap((set): [SetDef, SetElement[]][] => {
    const elements = placed.filter((one) => one.set === set).map((one) => one.element)
    return elements.length > 0 ? [[set, elements]] : []
  })
}
