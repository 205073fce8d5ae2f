/**
 * Listing and forgetting flows.
 */
import { ERRNO } from '../netlink/base/constants.js'
import { orNone } from '../netlink/base/options.js'
import { StepRef, type StepSink } from '../netlink/base/steps.js'
import {
  entryFromWire,
  keyToWire,
  type ConntrackEntry,
  type ConntrackKey,
} from './entry.js'
import { filterToWire, type ConntrackFilter } from './filter.js'

/** The verbs for conntrack of one namespace in a plan. */
export class ConntrackVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Reads the flows that fit the filter; all without one. The kernel looks (CTA_FILTER, Linux 5.8
   * and later), else the addon does.
   *
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  list(filter?: ConntrackFilter): StepRef<ConntrackEntry[]> {
    const step = this.sink.add('conntrack.list', filterToWire(orNone(filter)))
    return new StepRef(step, (wire) => ((wire ?? []) as unknown[]).map(entryFromWire))
  }

  /**
   * Forgets one flow.
   *
   * @throws NetlinkError ENOENT when it is not there, or is another one with the same addresses and
   *   ports (a different `id`)
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  del(key: ConntrackKey): void {
    this.sink.add('conntrack.del', keyToWire(key))
  }

  /**
   * Forgets one flow, if it is there.
   *
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  delIfExists(key: ConntrackKey): void {
    this.sink.add('conntrack.del', keyToWire(key), { accept: [ERRNO.ENOENT] })
  }

  /**
   * Forgets the flows that fit the filter; all without one. The result is how many there
   * were.
   *
   * @throws NetlinkError EPERM without CAP_NET_ADMIN
   */
  flush(filter?: ConntrackFilter): StepRef<number> {
    const wire = filterToWire(orNone(filter))
    return new StepRef(this.sink.add('conntrack.flush', wire), Number)
  }
}
