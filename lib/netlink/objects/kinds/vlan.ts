/**
 * VLANs on a link (IFLA_VLAN_*, linux/if_link.h; IEEE 802.1Q).
 */
import { etherTypes, type VlanProtocol } from '../../base/constants.js'
import type { LinkSpec } from '../link-spec.js'
import { integer, linkMember, MemberTable, named, plain } from '../../base/members.js'
import type { LinkLike } from '../../base/steps.js'
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

/**
 * The kind `vlan`.
 *
 * @internal
 */
export const vlan: LinkKind<VlanSpec> = {
  settings: new MemberTable({
    link: linkMember(),
    id: integer(0, 4094, 'a VLAN id'),
    protocol: named(etherTypes),
    flags: plain,
  }),
  onLink: true,
}
