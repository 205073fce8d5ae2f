/**
 * ipvlan: further IP addresses behind one MAC (IFLA_IPVLAN_*, linux/if_link.h).
 */
import { Names } from '../../base/constants.js'
import type { LinkSpec } from '../link-spec.js'
import { linkMember, MemberTable, named } from '../../base/members.js'
import type { LinkLike } from '../../base/steps.js'
import type { LinkKind } from './kind.js'

/** At which layer frames are told apart: IPVLAN_MODE_*. */
export type IpvlanMode = 'l2' | 'l3' | 'l3s'
/** @internal */
export const ipvlanModes = new Names<IpvlanMode>('mode', { l2: 0, l3: 1, l3s: 2 })

/** Who may talk to whom: IPVLAN_F_*. */
export type IpvlanFlag = 'bridge' | 'private' | 'vepa'
/** @internal */
export const ipvlanFlags = new Names<IpvlanFlag>('isolation', {
  bridge: 0,
  private: 1,
  vepa: 2,
})

/** An ipvlan to make. */
export interface IpvlanSpec extends LinkSpec {
  /** The link beneath. */
  readonly link: LinkLike
  /** `l3` when absent, as the kernel has it. */
  readonly mode?: IpvlanMode
  /** `bridge` when absent. */
  readonly isolation?: IpvlanFlag
}

/**
 * The kind `ipvlan`.
 *
 * @internal
 */
export const ipvlan: LinkKind<IpvlanSpec> = {
  settings: new MemberTable({
    link: linkMember(),
    mode: named(ipvlanModes),
    isolation: { ...named(ipvlanFlags), at: 'flags' },
  }),
  onLink: true,
  read: ({ flags: _, ...data }) => data,
}
