/**
 * VRF: a link whose ports route by a table of their own (IFLA_VRF_TABLE, linux/if_link.h).
 */
import { integer, MemberTable } from '../../base/members.js'
import type { LinkSpec } from '../link-spec.js'
import type { LinkKind } from './kind.js'

/** A VRF to make. */
export interface VrfSpec extends LinkSpec {
  /** Routing table, 1 to 4294967295. */
  readonly table: number
}

/**
 * The kind `vrf`.
 *
 * @internal
 */
export const vrf: LinkKind<VrfSpec> = {
  settings: new MemberTable({ table: integer(1, 0xffffffff, 'a routing table') }),
}
