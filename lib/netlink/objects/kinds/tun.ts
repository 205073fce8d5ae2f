/**
 * tun and tap links. Netlink reports and changes them but cannot make one: that is /dev/net/tun's
 * (tun_validate in drivers/net/tun.c answers EOPNOTSUPP), which the addon asks.
 */
import { ArgumentError } from '../../../argument-error.js'
import { checkLinkName } from '../../base/check.js'
import { Names } from '../../base/constants.js'
import {
  integer,
  MemberTable,
  named,
  type Member,
  type WireArgs,
} from '../../base/members.js'
import type { LinkSpec } from '../link-spec.js'
import type { LinkKind } from './kind.js'

/**
 * IFF_TUN and IFF_TAP (linux/if_tun.h).
 *
 * @internal
 */
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

// One of the flags of TUNSETIFF when the link is made, an attribute when it is told.
const told: Member<boolean> = { isSwitch: true, read: (wire: number) => wire !== 0 }
const id = integer(0, 0xfffffffe)

const SETTINGS = new MemberTable<Omit<TunSpec, keyof LinkSpec>>({
  type: named(tunTypes),
  owner: id,
  ownerGroup: { ...id, at: 'group' },
  packetInformation: told,
  vnetHeader: told,
  multiQueue: told,
})

/**
 * What the addon asks of /dev/net/tun: the name, and what is fixed when the link is made.
 *
 * @internal
 */
export function tunToWire(spec: TunSpec): WireArgs {
  const { packetInformation, vnetHeader, multiQueue } = spec
  for (const name of ['index', 'txQueues', 'rxQueues', 'txQueueLength']) {
    if (name in spec) throw new ArgumentError(`${name}: a tun link is not made with it`)
  }
  const flags =
    (packetInformation ? 0 : NO_PI) |
    (vnetHeader ? VNET_HDR : 0) |
    (multiQueue ? MULTI_QUEUE : 0)
  const type = tunTypes.number(spec.type)
  return { name: checkLinkName(spec.name), flags, ...SETTINGS.write(spec, {}), type }
}

/**
 * The kind `tun`.
 *
 * @internal
 */
export const tun: LinkKind<TunSpec> = {
  settings: SETTINGS,
  read: ({ persist, group: _, ...data }) => ({
    ...data,
    ...(persist !== undefined && { persist: persist !== 0 }),
  }),
}
