/**
 * The verbs for links.
 */
import { BridgePortVerbs, type PortChange } from './bridge-port.js'
import { checkInteger, checkLinkName } from './check.js'
import { ERRNO, NLM_F, RTEXT_FILTER } from './constants.js'
import {
  bridgeSettingsToWire,
  BRIDGE_OPTIONS,
  linkKinds,
  type AnyLinkSpec,
  type BridgeSettings,
  type BridgeSpec,
} from './kinds/index.js'
import {
  CHANGE_OPTIONS,
  commonArgs,
  LINK_OPTIONS,
  linkFromWire,
  type Link,
  type LinkChange,
  type LinkSpec,
  type VethEnd,
  type WireArgs,
} from './link.js'
import { checkOptions } from './options.js'
import { LinkRef, linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

/** What a read of links brings along. */
export interface LinkReadOptions {
  /** Counters as well. */
  readonly statistics?: boolean
}

/** The verbs for links of one namespace in a plan. */
export class LinkVerbs {
  constructor(private readonly sink: StepSink) {}

  /**
   * Makes a link of any kind but veth.
   *
   * @throws NetlinkError EEXIST when the name or the index is taken, or a VXLAN of that VNI is there
   * @throws NetlinkError EOPNOTSUPP when the kernel lacks the kind (`Unknown device type`), when
   *   the master takes no ports, and for a `tun`: /dev/net/tun makes those
   * @throws NetlinkError ENODEV when the link beneath is gone
   * @throws NetlinkError EINVAL for settings that the kind refuses, such as its MTU, and for a
   *   master that is gone
   * @throws NetlinkError EADDRNOTAVAIL for a MAC of a group, or of zeros
   */
  add(spec: AnyLinkSpec): LinkRef {
    return this.#add(spec, [])
  }

  /**
   * Makes a link, or takes the link of that name as it is, whatever its kind.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: AnyLinkSpec): LinkRef {
    return this.#add(spec, [ERRNO.EEXIST])
  }

  /**
   * Makes a bridge.
   *
   * @throws NetlinkError EEXIST when the name or the index is taken
   * @throws NetlinkError EINVAL for an MTU that a bridge does not take, or a master that is gone
   * @throws NetlinkError EADDRNOTAVAIL for a MAC of a group, or of zeros
   * @throws NetlinkError ELOOP when the master is a bridge
   */
  addBridge(spec: BridgeSpec): LinkRef {
    return this.#add({ ...spec, kind: 'bridge' }, [])
  }

  /**
   * Makes a bridge, or takes the link of that name as it is.
   *
   * @throws NetlinkError as `addBridge`, but for EEXIST
   */
  ensureBridge(spec: BridgeSpec): LinkRef {
    return this.#add({ ...spec, kind: 'bridge' }, [ERRNO.EEXIST])
  }

  /**
   * Changes a bridge's settings.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no bridge
   * @throws NetlinkError ENODEV when the link is gone
   */
  setBridge(link: LinkLike, settings: BridgeSettings): void {
    checkOptions(settings, 'link.setBridge', BRIDGE_OPTIONS)
    const info = { kind: 'bridge', data: bridgeSettingsToWire(settings) }
    // Kind settings go by RTM_NEWLINK: RTM_SETLINK passes IFLA_LINKINFO over.
    const index = linkToWire(link, this.sink)
    this.sink.add('link.new', { index, info })
  }

  /**
   * Makes a veth pair; each end is born in its namespace under its final name.
   *
   * @throws NetlinkError EEXIST when the name or index of an end is taken
   * @throws NetlinkError EINVAL when a master is gone, or for an MTU out of bounds
   * @throws NetlinkError EADDRNOTAVAIL for a MAC of a group, or of zeros
   * @throws NetlinkError EOPNOTSUPP when a master takes no ports
   */
  addVeth(outer: LinkSpec, inner: VethEnd): [outer: LinkRef, inner: LinkRef] {
    checkOptions(outer, 'link.addVeth', LINK_OPTIONS)
    checkOptions(inner, 'link.addVeth', { ...LINK_OPTIONS, netns: 'value' })
    checkLinkName(outer.name)
    checkLinkName(inner.name)
    const { up, alias, master, ...born } = inner
    const peer = commonArgs(born, this.sink)
    const args = commonArgs(outer, this.sink)
    args['info'] = { kind: 'veth', data: { peer } }
    const at = this.#make(args, [])
    const ends: [LinkRef, LinkRef] = [
      new LinkRef(at, 'index', this.sink.owner),
      new LinkRef(at, 'peerIndex', this.sink.owner),
    ]
    // The kernel refuses (ENOTCONN) a peer that is up before its pair is registered, and passes
    // the other two over: they are a request of their own.
    if (up || alias !== undefined || master !== undefined) {
      const there = inner.netns ? this.sink.in(inner.netns) : this.sink
      new LinkVerbs(there).set(ends[1], { up, alias, master })
    }
    return ends
  }

  /**
   * Finds a link by name for later steps.
   *
   * @throws NetlinkError ENODEV when there is none
   */
  get(name: string): LinkRef {
    return this.#ref(this.sink.add('link.get', { name: checkLinkName(name) }))
  }

  /**
   * Reads one link, by index or name.
   *
   * @throws NetlinkError ENODEV when there is none, unless `optional`
   */
  read(
    which: number | string,
    options: { optional?: boolean } & LinkReadOptions = {},
  ): StepRef<Link | undefined> {
    const extMask = options.statistics ? undefined : RTEXT_FILTER.skipStatistics
    const args =
      typeof which === 'number' ? { index: which } : { name: checkLinkName(which) }
    const accept = options.optional ? [ERRNO.ENODEV] : []
    const at = this.sink.add('link.get', { ...args, extMask }, { accept })
    return new StepRef(at, (wire) => (wire ? linkFromWire(wire) : undefined))
  }

  /** Reads the first link with that alias; `undefined` when there is none. */
  readByAlias(alias: string): StepRef<Link | undefined> {
    const at = this.#list({})
    return new StepRef(at, (wire) => {
      const found = (wire as { alias?: string }[]).find((link) => link.alias === alias)
      return found && linkFromWire(found)
    })
  }

  /**
   * Reads all links of the namespace, or the ports of one bridge.
   *
   * NetlinkError EINTR when links came or went during each of ten readings.
   */
  dump(options: LinkReadOptions & { master?: LinkLike } = {}): StepRef<Link[]> {
    const at = this.#list(options)
    return new StepRef(at, (wire) => (wire as unknown[]).map(linkFromWire))
  }

  /**
   * Changes a link. `was` says what undo sets back. Kernels before 6.2 answer EBUSY to a new name
   * of a link that is up.
   *
   * @throws NetlinkError ENODEV when the link is gone
   * @throws NetlinkError EEXIST for a name that is taken, here or in the namespace it moves to
   * @throws NetlinkError EINVAL for an MTU that the driver does not take, a master that is gone,
   *   or a link that cannot leave its namespace
   * @throws NetlinkError EADDRNOTAVAIL for a MAC of a group, or of zeros
   * @throws NetlinkError EOPNOTSUPP for a master that takes no ports
   * @throws NetlinkError ELOOP for a bridge as port of a bridge
   * @throws NetlinkError EBUSY for a port that is in use otherwise, as by a macvlan
   */
  set(link: LinkLike, change: LinkChange, was?: LinkChange): void {
    checkOptions(change, 'link.set', CHANGE_OPTIONS)
    const index = linkToWire(link, this.sink)
    const args = { index, ...commonArgs(change, this.sink) }
    const back = was && { index, ...commonArgs(was, this.sink) }
    this.sink.add('link.set', args, { undo: back && [{ op: 'link.set', args: back }] })
  }

  /**
   * Sets a bridge's port; the same as `bridgePort.set`.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port
   */
  setPort(link: LinkLike, flags: PortChange): void {
    new BridgePortVerbs(this.sink).set(link, flags)
  }

  /**
   * Deletes a link.
   *
   * @throws NetlinkError ENODEV when it is gone
   * @throws NetlinkError EOPNOTSUPP for one that cannot be deleted, such as `lo` and hardware
   */
  del(link: LinkLike): void {
    const args =
      typeof link === 'string'
        ? { name: checkLinkName(link, 'link') }
        : { index: linkToWire(link, this.sink) }
    this.sink.add('link.del', args)
  }

  /**
   * Deletes the link of that name, if there is one.
   *
   * @throws NetlinkError EOPNOTSUPP for one that cannot be deleted
   */
  delIfExists(name: string): void {
    this.sink.add('link.del', { name: checkLinkName(name) }, { accept: [ERRNO.ENODEV] })
  }

  /**
   * Deletes all links of a group at once; group 0 is refused here.
   *
   * @throws NetlinkError ENODEV when it has none
   * @throws NetlinkError EOPNOTSUPP when one of them cannot be deleted; then all stay
   */
  delGroup(group: number): void {
    // Group 0 is every link that was given none; the kernel refuses it as well (EPERM).
    checkInteger(group, 'group', 1, 0xffffffff, 'the group of links to delete')
    this.sink.add('link.del', { group })
  }

  #list({ statistics, master }: LinkReadOptions & { master?: LinkLike }): number {
    const extMask = statistics ? undefined : RTEXT_FILTER.skipStatistics
    const of =
      master === undefined
        ? undefined
        : linkToWire(master, this.sink, { field: 'master' })
    return this.sink.add('link.dump', { extMask, master: of })
  }

  #add(spec: AnyLinkSpec, accept: number[]): LinkRef {
    const kind = linkKinds.get(spec?.kind)
    if (!kind) {
      const known = [...linkKinds.keys()].join(', ')
      throw new TypeError(`kind: ${String(spec?.kind)} is not one of ${known}`)
    }
    checkOptions(spec, `link.add of a ${spec.kind}`, {
      ...LINK_OPTIONS,
      ...kind.options,
      kind: 'value',
    })
    checkLinkName(spec.name)
    const args = commonArgs(spec, this.sink)
    const { data, link } = kind.toWire(spec as never, this.sink)
    if (link !== undefined) args['link'] = link
    args['info'] = { kind: spec.kind, data }
    return this.#ref(this.#make(args, accept))
  }

  #ref(step: number): LinkRef {
    return new LinkRef(step, 'index', this.sink.owner)
  }

  #make({ alias, ...args }: WireArgs, accept: number[]): number {
    const at = this.sink.add('link.new', args, {
      flags: NLM_F.create | NLM_F.excl,
      accept,
      // By index: a later step may have renamed it.
      undo: (ref) => [{ op: 'link.del', args: { index: { ref } } }],
    })
    // rtnl_create_link (net/core/rtnetlink.c) passes IFLA_IFALIAS over.
    if (alias !== undefined) this.sink.add('link.set', { index: { ref: at }, alias })
    return at
  }
}
