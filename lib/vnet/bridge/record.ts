/**
 * What is remembered of a bridge over a NIC.
 */
import {
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  record,
  text,
  type Shape,
} from '../../state/schema.js'
import type { Address } from '../../netlink/index.js'
import type { Masquerade } from '../masquerade.js'
import type { HostMove } from './host-move.js'

/** A network's Internet SNAT on a bridge. */
export interface BridgeMasquerade extends Masquerade {
  /** Whether the exceptions are those of the pools, to which others may be added. */
  readonly auto: boolean
}

/** A bridge over a NIC. */
export interface BridgeNetwork {
  readonly mode: 'bridge'
  /** Name of the bridge. */
  readonly name: string
  /** Name of the NIC; it may get another while pods are there. */
  nic: string
  phase: 'moving' | 'ready' | 'leaving'
  /** Whether we made the bridge; one that somebody else made stays when it is released. */
  readonly made: boolean
  /** `pods`: it goes with its last pod; `node`: it stays until the node is reset. */
  lifetime: 'node' | 'pods'
  /** What was on the NIC when the move began. */
  move: HostMove
  /** Internet SNAT by the name of the network in the configuration. */
  readonly masquerade: Record<string, BridgeMasquerade>
  /** Networks of the configuration whose pods have no spoof guard. */
  unguarded?: string[] | undefined
  /** The host's firewall when it was looked at last, and what is said of it, in sentences. */
  firewall?: { readonly print: string; readonly said: readonly string[] } | undefined
  /** Which layout the nft tables have (`LAYOUT`); absent where an older program made them, or none. */
  layout?: number | undefined
  /**
   * Addresses of the host that pods may have (`ipam.hostAddresses`), in the form that they had on
   * the NIC; written down before they are taken off, and given back at the end of the bridge.
   */
  taken?: readonly Address[] | undefined
}

const addresses = list(object({ address: text, family: text, link: number }))

/** The shape of a move. */
export const hostMove = object({
  nic: object({ index: number, name: text, mac: text }),
  bridge: text,
  mtu: number,
  acceptDad: text,
  addresses,
  routes: list(object({ to: text, family: text })),
}) as Shape<unknown> as Shape<HostMove>

/** The shape of a record. */
export const bridgeNetwork: Shape<BridgeNetwork> = object({
  mode: oneOf('bridge'),
  name: text,
  nic: text,
  phase: oneOf('moving', 'ready', 'leaving'),
  made: flag,
  lifetime: oneOf('node', 'pods'),
  move: hostMove,
  masquerade: record(object({ except: list(text), auto: flag })),
  unguarded: optional(list(text)),
  firewall: optional(object({ print: text, said: list(text) })),
  layout: optional(number),
  taken: optional(addresses as Shape<unknown> as Shape<readonly Address[]>),
})
