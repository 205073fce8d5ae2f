/**
 * tun and tap links. Netlink reports them but cannot make one: that is /dev/net/tun's (tun_validate
 * in drivers/net/tun.c answers EOPNOTSUPP).
 */
import { Names } from '../constants.js'
import { booleans, type LinkKind } from './kind.js'
import type { LinkSpec } from '../link.js'

/** IFF_TUN and IFF_TAP (linux/if_tun.h). */
export const tunTypes = new Names<'tun' | 'tap'>('type', { tun: 1, tap: 2 })

/** The kind `tun`, for reading. */
export const tun: LinkKind<LinkSpec> = {
  kind: 'tun',
  options: {},
  toWire: () => ({}),
  fromWire: (data) => ({
    ...booleans(data, ['packetInformation', 'vnetHeader', 'persist', 'multiQueue']),
    type: tunTypes.name(Number(data['type'])),
  }),
}
