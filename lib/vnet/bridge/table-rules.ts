/**
 * What the rules of bridge mode's table have in common.
 */
import { field, store, type Expr } from '../../nft/index.js'
import type { MasqueradedNetwork } from '../masquerade.js'

/** What the table is made from. */
export interface BridgeTableSpec {
  readonly bridge: string
  /** Name and MAC of the NIC beneath the bridge. */
  readonly nic: string
  readonly mac: string
  /** The host's own IPv4 addresses on the bridge, without prefix length. */
  readonly hostAddresses: readonly string[]
  /** Networks with Internet SNAT that have pods on the bridge. */
  readonly masqueraded?: readonly MasqueradedNetwork[]
}

/**
 * Number of what is made here: tables of another (`BridgeNetwork.layout`) are those of an older or newer
 * program, and are made anew before the next pod.
 */
export const LAYOUT = 2

/** EtherTypes (linux/if_ether.h). */
export const ETHERTYPE_IP = Uint8Array.of(0x08, 0x00)
/** That of ARP. */
export const ETHERTYPE_ARP = Uint8Array.of(0x08, 0x06)
/** That of IPv6. */
export const ETHERTYPE_IP6 = Uint8Array.of(0x86, 0xdd)

/** ARP: somebody asks. */
export const ARP_REQUEST = Uint8Array.of(0, 1)
/** 0.0.0.0 */
export const NO_ADDRESS = Uint8Array.of(0, 0, 0, 0)

/**
 * The chains, and where they hook in: -300 and 300 are nft's dstnat and srcnat of the bridge family.
 * What is jumped to comes first.
 */
export const CHAINS = [
  { name: 'arp_from_pod' },
  { name: 'ip6_from_pod' },
  { name: 'from_pod' },
  { name: 'prerouting', hook: 'prerouting', priority: -300 },
  { name: 'forward', hook: 'forward', priority: 0 },
  { name: 'output', hook: 'output', priority: 100 },
  { name: 'postrouting', hook: 'postrouting', priority: 300 },
] as const

/** A rule of the table. */
export interface Rule {
  readonly chain: (typeof CHAINS)[number]['name']
  readonly comment: string
  readonly expressions: Expr[]
}

/** PACKET_HOST (linux/if_packet.h). */
export const TO_THIS_HOST = Uint8Array.of(0)

/** Hands a frame to the host's own IP stack, whoever it was addressed to. */
export function toHost(mac: Uint8Array): Expr[] {
  return [...store(field.packetType, TO_THIS_HOST), ...store(field.etherDestination, mac)]
}
