/**
 * macvlan and macvtap: further MAC addresses of one link (IFLA_MACVLAN_*, linux/if_link.h).
 */
import { Names } from '../../base/constants.js'
import type { LinkSpec } from '../link-spec.js'
import { linkMember, MemberTable, named, u32 } from '../../base/members.js'
import type { LinkLike } from '../../base/steps.js'
import type { LinkKind } from './kind.js'

/** Who may talk to whom: MACVLAN_MODE_*. */
export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru' | 'source'
/** @internal */
export const macvlanModes = new Names<MacvlanMode>('mode', {
  private: 1,
  vepa: 2,
  bridge: 4,
  passthru: 8,
  source: 16,
})

/** A macvlan or macvtap to make. */
export interface MacvlanSpec extends LinkSpec {
  /** The link beneath, in the namespace of the plan. */
  readonly link: LinkLike
  /** `vepa` when absent, as the kernel has it. */
  readonly mode?: MacvlanMode
  /** Length of the queue for broadcasts and multicasts. */
  readonly broadcastQueueLength?: number
}

/**
 * The kind `macvlan`.
 *
 * @internal
 */
export const macvlan: LinkKind<MacvlanSpec> = {
  settings: new MemberTable({
    link: linkMember(),
    mode: named(macvlanModes),
    broadcastQueueLength: u32,
  }),
  onLink: true,
}
/**
 * The kind `macvtap`: frames go to /dev/tap<index>.
 *
 * @internal
 */
export const macvtap = macvlan
