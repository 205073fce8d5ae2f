/**
 * macvlan and macvtap: further MAC addresses of one link (IFLA_MACVLAN_*, linux/if_link.h).
 */
import { checkInteger } from '../../base/check.js'
import { Names } from '../../base/constants.js'
import type { LinkSpec } from '../link-spec.js'
import { linkToWire, type LinkLike, type StepSink } from '../../base/steps.js'
import type { KindParts, LinkKind } from './kind.js'

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

function toWire(spec: MacvlanSpec, sink: StepSink): KindParts {
  const { mode, broadcastQueueLength: queue } = spec
  return {
    link: linkToWire(spec.link, sink),
    data: {
      mode: mode === undefined ? undefined : macvlanModes.number(mode),
      broadcastQueueLength:
        queue === undefined
          ? undefined
          : checkInteger(queue, 'broadcastQueueLength', 0, 0xffffffff),
    },
  }
}

function fromWire(data: Record<string, unknown>): Record<string, unknown> {
  return { ...data, mode: macvlanModes.name(Number(data['mode'])) }
}

const options = { link: 'value', mode: 'value', broadcastQueueLength: 'value' } as const

/** The kind `macvlan`. */
export const macvlan: LinkKind<MacvlanSpec> = {
  options,
  toWire,
  fromWire,
}
/** The kind `macvtap`: frames go to /dev/tap<index>. */
export const macvtap: LinkKind<MacvlanSpec> = {
  options,
  toWire,
  fromWire,
}
