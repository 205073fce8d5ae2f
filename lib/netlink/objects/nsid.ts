/**
 * Namespace numbers: how one namespace calls another (linux/net_namespace.h, RTM_NEWNSID). A link
 * tells by such a number where its peer is (`linkNetnsId`).
 */
import { checkInteger } from '../base/check.js'
import type { NamespaceHandle } from '../base/namespace.js'
import { StepRef, type StepSink } from '../base/steps.js'

interface WireNsid {
  nsid: number
}

/** The verbs for namespace numbers of one namespace in a plan. */
export class NsidVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Gives another namespace a number here; the kernel picks one when `id` is absent. There is no
   * taking back: the number goes with one of the two namespaces.
   *
   * @throws NetlinkError EEXIST when the namespace has a number, or the number is taken
   */
  set(other: NamespaceHandle, id?: number): void {
    const nsid = id === undefined ? -1 : checkInteger(id, 'id', 0, 0x7fffffff)
    this.sink.add('nsid.new', { netns: this.sink.namespace(other), nsid })
  }

  /** The number of another namespace; `undefined` when it has none. */
  get(other: NamespaceHandle): StepRef<number | undefined> {
    const at = this.sink.add('nsid.get', { netns: this.sink.namespace(other) })
    return new StepRef(at, (wire) => {
      const { nsid } = wire as WireNsid
      return nsid < 0 ? undefined : nsid
    })
  }

  /** All numbers that this namespace has given. */
  dump(): StepRef<number[]> {
    const at = this.sink.add('nsid.dump', {})
    return new StepRef(at, (wire) => (wire as WireNsid[]).map(({ nsid }) => nsid))
  }
}
