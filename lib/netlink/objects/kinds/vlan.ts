/**
 * VLANs on a link (IFLA_VLAN_*, linux/if_link.h; IEEE 802.1Q).
 */
import { checkInteger } from '../../base/check.js'
import { etherTypes, type VlanProtocol } from '../../base/constants.js'
import type { LinkSpec } from '../link-spec.js'
import { linkToWire, type LinkLike } from '../../base/steps.js'
import type { LinkKind } from './kind.js'

/** A VLAN link to make. */
export interface VlanSpec extends LinkSpec {
  /** The link beneath. */
  readonly link: LinkLike
  /** VLAN id, 0 to 4094. */
  readonly id: number
  /** `802.1Q` when absent. */
  readonly protocol?: VlanProtocol
  /** VLAN_FLAG_* bits (linux/if_vlan.h); the kernel sets 1, reorder header, when absent. */
  readonly flags?: number
}

/** The kind `vlan`. */
export const vlan: LinkKind<VlanSpec> = {
  options: { link: 'value', id: 'value', protocol: 'value', flags: 'value' },
  toWire: (spec, sink) => ({
    link: linkToWire(spec.link, sink),
    data: {
      id: checkInteger(spec.id, 'id', 0, 4094, 'a VLAN id'),
      protocol:
        spec.protocol === undefined ? undefined : etherTypes.number(spec.protocol),
      flags: spec.flags,
    },
  }),
  fromWire: (data) => ({ ...data, protocol: etherTypes.name(Number(data['protocol'])) }),
}
