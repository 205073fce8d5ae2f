/**
 * The verbs for links.
 */
import { BridgePortVerbs, type PortChange } from './bridge-port.js'
import { checkAltName, checkInteger, nameArgs } from './check.js'
import { ERRNO, NLM_F, RTEXT_FILTER } from './constants.js'
import {
  bridgeSettingsToWire,
  linkKinds,
  tunToWire,
  type AnyLinkSpec,
  type BridgeSettings,
  type BridgeSpec,
  type TunSpec,
} from './kinds/index.js'
import {
  commonArgs,
  linkFromWire,
  type Link,
  type LinkChange,
  type LinkSpec,
  type VethEnd,
  type WireArgs,
} from './link.js'
import { LinkRef, linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

/** What a read of links brings along. */
export interface LinkReadOptions {
  /** Counters as well. */
  readonly statistics?: boolean
}

/** The verbs for links of one namespace in a plan. */
export class LinkVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Makes a link of any kind but veth. EEXIST when the name is taken, EOPNOTSUPP ("Unknown device
   * type") when the kernel lacks the kind, EINVAL or ERANGE for settings that it refuses, ENODEV
   * when the link beneath is gone. A `tun` is made by /dev/net/tun, so that its refusals are
   * SyscallErrors: EEXIST, ENOENT without that device, EPERM, EINVAL for an unknown user or group.
   */
  add(spec: AnyLinkSpec): LinkRef {
    return this.#add(spec, [])
  }

  /**
   * Makes a link, or takes the link of that name as it is, whatever its kind; but a `tun` has its
   * MAC, MTU, master, group, alias and `up` set in either case.
   */
  ensure(spec: AnyLinkSpec): LinkRef {
    return this.#add(spec, [ERRNO.EEXIST])
  }

  /** Makes a bridge. EEXIST when the name is taken. */
  addBridge(spec: BridgeSpec): LinkRef {
    return this.#add({ ...spec, kind: 'bridge' }, [])
  }

  /** Makes a bridge, or takes the link of that name as it is. */
  ensureBridge(spec: BridgeSpec): LinkRef {
    return this.#add({ ...spec, kind: 'bridge' }, [ERRNO.EEXIST])
  }

  /** Changes a bridge's settings. EOPNOTSUPP when the link is no bridge or lacks the setting. */
  setBridge(link: LinkLike, settings: BridgeSettings): void {
    const info = { kind: 'bridge', data: bridgeSettingsToWire(settings) }
    // Kind settings go by RTM_NEWLINK: RTM_SETLINK passes IFLA_LINKINFO over.
    const index = linkToWire(link, this.sink)
    this.sink.add('link.new', { index, info })
  }

  /**
   * Makes a veth pair; each end is born in its namespace under its final name.
   * EEXIST when either name is taken, ENODEV-like errnos when a master is gone.
   */
  addVeth(outer: LinkSpec, inner: VethEnd): [outer: LinkRef, inner: LinkRef] {
    const { up, alias, master, ...born } = inner
    const peer = commonArgs(born, this.sink)
    const args = commonArgs(outer, this.sink)
    args['info'] = { kind: 'veth', data: { peer } }
    const at = this.#make(args, [])
    const ends: [LinkRef, LinkRef] = [new LinkRef(at), new LinkRef(at, 'peerIndex')]
    // The kernel refuses (ENOTCONN) a peer that is up before its pair is registered, and passes
    // the other two over: they are a request of their own.
    if (up || alias !== undefined || master !== undefined) {
      const there = inner.netns ? this.sink.in(inner.netns) : this.sink
      new LinkVerbs(there).set(ends[1], { up, alias, master })
    }
    return ends
  }

  /** Finds a link by name or alternative name for later steps. ENODEV when there is none. */
  get(name: string): LinkRef {
    return new LinkRef(this.sink.add('link.get', nameArgs(name)))
  }

  /** Reads one link, by index, name or alternative name. ENODEV when there is none. */
  read(
    which: number | string,
    options: { optional?: boolean } & LinkReadOptions = {},
  ): StepRef<Link | undefined> {
    const extMask = options.statistics ? undefined : RTEXT_FILTER.skipStatistics
    const args = typeof which === 'number' ? { index: which } : nameArgs(which)
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

  /** Reads all links of the namespace, or the ports of one bridge. */
  dump(options: LinkReadOptions & { master?: LinkLike } = {}): StepRef<Link[]> {
    const at = this.#list(options)
    return new StepRef(at, (wire) => (wire as unknown[]).map(linkFromWire))
  }

  /**
   * Changes a link. `was` says what undo sets back.
   * ENODEV when it is gone; EEXIST for a name that is taken; EINVAL for an MTU that the driver
   * does not take (with the kernel's words); EADDRNOTAVAIL for a MAC that is none; EBUSY on older
   * kernels for a new name of a link that is up; EOPNOTSUPP for a master that takes no ports.
   */
  set(link: LinkLike, change: LinkChange, was?: LinkChange): void {
    const index = linkToWire(link, this.sink)
    const args = { index, ...commonArgs(change, this.sink) }
    const back = was && { index, ...commonArgs(was, this.sink) }
    this.sink.add('link.set', args, { undo: back && [{ op: 'link.set', args: back }] })
  }

  /**
   * Gives a link one more name (Linux 5.5 and later), by which all verbs find it. EEXIST when a link
   * of the namespace has it, as name or alternative name.
   */
  addAltName(link: LinkLike, name: string): void {
    this.#altName('new', link, name, [])
  }

  /** Takes an alternative name away. ENOENT when no link has it, EINVAL when it is not this link's. */
  delAltName(link: LinkLike, name: string): void {
    this.#altName('del', link, name, [])
  }

  /** Takes an alternative name away, if there are such a link and name. */
  delAltNameIfExists(link: LinkLike, name: string): void {
    this.#altName('del', link, name, [ERRNO.ENOENT, ERRNO.ENODEV])
  }

  /** Sets flags of a bridge's port. EOPNOTSUPP when the link is no port. */
  setPort(link: LinkLike, flags: PortChange): void {
    new BridgePortVerbs(this.sink).set(link, flags)
  }

  /** Deletes a link. ENODEV when it is gone, EOPNOTSUPP for one that cannot be deleted. */
  del(link: LinkLike): void {
    const args =
      typeof link === 'string' ? nameArgs(link, 'link') : { index: linkToWire(link) }
    this.sink.add('link.del', args)
  }

  /** Deletes the link of that name, if there is one. */
  delIfExists(name: string): void {
    this.sink.add('link.del', nameArgs(name), { accept: [ERRNO.ENODEV] })
  }

  /** Deletes all links of a group at once. ENODEV when it has none; group 0 is refused here. */
  delGroup(group: number): void {
    // Group 0 is every link that was given none; the kernel refuses it as well (EPERM).
    checkInteger(group, 'group', 1, 0xffffffff, 'the group of links to delete')
    this.sink.add('link.del', { group })
  }

  // One name a request: the kernel keeps those that come before one it refuses.
  #altName(verb: 'new' | 'del', link: LinkLike, name: string, accept: number[]): void {
    const altNames = [checkAltName(name)]
    const index = linkToWire(link, this.sink, { optional: accept.length > 0 })
    const back = `linkProperty.${verb === 'new' ? 'del' : 'new'}`
    this.sink.add(
      `linkProperty.${verb}`,
      { index, altNames },
      {
        accept,
        undo: [{ op: back, args: { index, altNames } }],
        describe: () => name,
      },
    )
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
    const kind = linkKinds.get(spec.kind)
    if (!kind) {
      const known = [...linkKinds.keys()].join(', ')
      throw new TypeError(`kind: ${String(spec.kind)} is not one of ${known}`)
    }
    if (spec.kind === 'tun') return this.#addTun(spec, accept)
    const args = commonArgs(spec, this.sink)
    const { data, link } = kind.toWire(spec as never, this.sink)
    if (link !== undefined) args['link'] = link
    args['info'] = { kind: spec.kind, data }
    return new LinkRef(this.#make(args, accept))
  }

  #addTun(
    { kind: _, name, ...spec }: TunSpec & { kind: 'tun' },
    accept: number[],
  ): LinkRef {
    const { up, mac, mtu, master, group, alias } = spec
    const change = { up, mac, mtu, master, group, alias }
    const wanted = Object.values(change).some((value) => value !== undefined)
    const args = tunToWire({ name, ...spec })
    // Names of other links are looked up before anything is made.
    const rest = commonArgs(change, this.sink)
    const at = this.sink.add('tun.new', args, {
      accept,
      undo: (ref) => [{ op: 'link.del', args: { index: { ref } } }],
    })
    if (wanted) this.sink.add('link.set', { index: { ref: at }, ...rest })
    return new LinkRef(at)
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
