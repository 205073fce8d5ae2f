/**
 * tun and tap links. Netlink reports and changes them but cannot make one: that is /dev/net/tun's
 * (tun_validate in drivers/net/tun.c answers EOPNOTSUPP), which the addon asks.
 */
import { checkInteger, checkLinkName } from '../../base/check.js'
import { Names } from '../../base/constants.js'
import { booleans, type LinkKind, type WireArgs } from './kind.js'
import type { LinkSpec } from '../link-spec.js'

/** IFF_TUN and IFF_TAP (linux/if_tun.h). */
export const tunTypes = new Names<'tun' | 'tap'>('type', { tun: 1, tap: 2 })

/** A tun or tap link to make. It stays until it is deleted (TUNSETPERSIST). */
export interface TunSpec extends Omit<
  LinkSpec,
  'index' | 'txQueues' | 'rxQueues' | 'txQueueLength'
> {
  /** IP packets (`tun`) or Ethernet frames (`tap`). */
  readonly type: 'tun' | 'tap'
  /** User who may attach to it; everyone with CAP_NET_ADMIN when absent. */
  readonly owner?: number
  /** Group whose members may attach to it. */
  readonly ownerGroup?: number
  /** Each packet has four bytes of flags and protocol before it; off when absent. */
  readonly packetInformation?: boolean
  /** Each packet has a struct virtio_net_hdr before it; off when absent. */
  readonly vnetHeader?: boolean
  /** Several programs may attach at once, each with a queue of its own; off when absent. */
  readonly multiQueue?: boolean
}

const NO_PI = 0x1000
const VNET_HDR = 0x4000
const MULTI_QUEUE = 0x100

/**
 * What the addon asks of /dev/net/tun: the name, and what is fixed when the link is made.
 *
 * @internal
 */
export function tunToWire(spec: TunSpec): WireArgs {
  const { owner, ownerGroup, packetInformation, vnetHeader, multiQueue } = spec
  for (const name of ['index', 'txQueues', 'rxQueues', 'txQueueLength']) {
    if (name in spec) throw new TypeError(`${name}: a tun link is not made with it`)
  }
  const flags =
    (packetInformation ? 0 : NO_PI) |
    (vnetHeader ? VNET_HDR : 0) |
    (multiQueue ? MULTI_QUEUE : 0)
  const id = (value: number | undefined, field: string) =>
    value === undefined ? undefined : checkInteger(value, field, 0, 0xfffffffe)
  return {
    name: checkLinkName(spec.name),
    type: tunTypes.number(spec.type),
    flags,
    owner: id(owner, 'owner'),
    group: id(ownerGroup, 'ownerGroup'),
  }
}

/** The kind `tun`. */
export const tun: LinkKind<LinkSpec> = {
  options: {
    type: 'value',
    owner: 'value',
    ownerGroup: 'value',
    packetInformation: 'switch',
    vnetHeader: 'switch',
    multiQueue: 'switch',
  },
  toWire: () => ({}),
  fromWire: (data) => ({
    ...booleans(data, ['packetInformation', 'vnetHeader', 'persist', 'multiQueue']),
    type: tunTypes.name(Number(data['type'])),
  }),
}
