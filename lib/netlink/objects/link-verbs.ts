/**
 * The verbs for links.
 */
import { ArgumentError } from '../../argument-error.js'
import type { Wire } from '../../binding.js'
import { checkAltName, checkInteger, checkLinkName, nameArgs } from '../base/check.js'
import { ERRNO, NLM_F, RTEXT_FILTER } from '../base/constants.js'
import {
  BRIDGE,
  linkKind,
  linkKindNames,
  tunToWire,
  type AnyLinkSpec,
  type BridgeSettings,
  type TunSpec,
} from './kinds/index.js'
import { BridgePortVerbs, portAgain } from './bridge-port.js'
import { linkFromWire, linkMembers, type Link } from './link.js'
import { linkAgain } from './link-again.js'
import {
  LINK_CHANGE,
  LINK_SPEC,
  linkArgs,
  VETH_END,
  type LinkChange,
  type LinkSpec,
  type VethEnd,
} from './link-spec.js'
import { checkOptions, orNone } from '../base/options.js'
import type { WireArgs } from '../base/members.js'
import {
  LinkRef,
  linkToWire,
  StepRef,
  type LinkLike,
  type StepSink,
} from '../base/steps.js'

/** What a read of links brings along. */
export interface LinkReadOptions {
  /** Counters as well. */
  readonly statistics?: boolean
}

// IFLA_MASTER (10, linux/if_link.h) of -1: link_master_filtered in net/core/rtnetlink.c.
const NO_MASTER = { type: 10, data: new Uint8Array([255, 255, 255, 255]) }

/** A link as the kernel reports it has its state, which nobody who wants one writes. */
function wasRead(given: AnyLinkSpec | Link): given is Link {
  return typeof given === 'object' && given !== null && Object.hasOwn(given, 'operState')
}

/** The verbs for links of one namespace in a plan. */
export class LinkVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Makes a link of any kind but veth; from a link that was read one like it, with its settings as a
   * port and its other names. A tun link gets an index of its own.
   *
   * @throws NetlinkError EEXIST when the name or the index is taken, or a VXLAN of that VNI is there
   * @throws NetlinkError EOPNOTSUPP when the kernel lacks the kind (`Unknown device type`), and
   *   when the master takes no ports
   * @throws NetlinkError ENODEV when the link beneath is gone
   * @throws NetlinkError EINVAL for settings that the kind refuses, such as its MTU, and for a
   *   master that is gone
   * @throws NetlinkError EADDRNOTAVAIL for a MAC of a group, or of zeros
   * @throws NetlinkError ELOOP for a bridge whose master is a bridge
   * @throws SyscallError EEXIST, EINVAL (an unknown user or group), EPERM or ENOENT (no such device)
   *   for a `tun`, which /dev/net/tun makes
   */
  add(spec: AnyLinkSpec | Link): LinkRef {
    return wasRead(spec) ? this.#again(spec, []) : this.#add(spec, [])
  }

  /**
   * Makes a link, or takes the link of that name as it is, whatever its kind; but a `tun` has its
   * MAC, MTU, master, group, alias and `up` set in either case.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   */
  ensure(spec: AnyLinkSpec | Link): LinkRef {
    const accept = [ERRNO.EEXIST]
    return wasRead(spec) ? this.#again(spec, accept) : this.#add(spec, accept)
  }

  /**
   * Changes a bridge's settings.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no bridge
   * @throws NetlinkError ENODEV when the link is gone
   */
  setBridge(link: LinkLike, settings: BridgeSettings): void {
    BRIDGE.check(settings, 'link.setBridge')
    const info = { kind: 'bridge', data: BRIDGE.write(settings, {}) }
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
    LINK_SPEC.check(outer, 'link.addVeth')
    VETH_END.check(inner, 'link.addVeth')
    checkLinkName(outer.name)
    checkLinkName(inner.name)
    const { up, alias, master, ...born } = inner
    const peer = linkArgs(VETH_END, born, this.sink)
    const args = linkArgs(LINK_SPEC, outer, this.sink)
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
   * Finds a link by name or alternative name for later steps.
   *
   * @throws NetlinkError ENODEV when there is none
   */
  get(name: string): LinkRef {
    return this.#ref(this.sink.add('link.get', nameArgs(name)))
  }

  /**
   * Reads one link, by index, name or alternative name.
   *
   * @throws NetlinkError ENODEV when there is none
   */
  read(
    which: number | string,
    options?: LinkReadOptions & { optional?: false },
  ): StepRef<Link>
  /** Reads one link, or `undefined` when there is none. */
  read(
    which: number | string,
    options: LinkReadOptions & { optional?: boolean },
  ): StepRef<Link | undefined>
  read(
    which: number | string,
    given?: LinkReadOptions & { optional?: boolean },
  ): StepRef<Link | undefined> {
    const options = orNone(given)
    checkOptions(options, 'link.read', { optional: 'switch', statistics: 'switch' })
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

  /**
   * Reads all links of the namespace, or the ports of one bridge. With `null` for the master, the
   * links that have none: much less on a host with many containers (Linux 5.16 and later; before,
   * that answer is empty, without even `lo`).
   *
   * NetlinkError EINTR when links came or went during each of ten readings.
   */
  dump(given?: LinkReadOptions & { master?: LinkLike | null }): StepRef<Link[]> {
    const options = orNone(given)
    checkOptions(options, 'link.dump', { statistics: 'switch', master: 'value' })
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
    LINK_CHANGE.check(change, 'link.set')
    if (was !== undefined) LINK_CHANGE.check(was, 'link.set')
    const index = linkToWire(link, this.sink)
    const args = { index, ...linkArgs(LINK_CHANGE, change, this.sink) }
    const back = was && { index, ...linkArgs(LINK_CHANGE, was, this.sink) }
    this.sink.add('link.set', args, { undo: back && [{ op: 'link.set', args: back }] })
  }

  /**
   * Gives a link one more name (Linux 5.5 and later), by which all verbs find it.
   *
   * @throws NetlinkError EEXIST when a link of the namespace has it, as name or alternative name
   * @throws NetlinkError ENODEV when the link is gone
   */
  addAltName(link: LinkLike, name: string): void {
    this.#altName('new', link, name, [])
  }

  /**
   * Takes an alternative name away.
   *
   * @throws NetlinkError ENOENT when no link has it
   * @throws NetlinkError EINVAL when it is not this link's
   * @throws NetlinkError ENODEV when the link is gone
   */
  delAltName(link: LinkLike, name: string): void {
    this.#altName('del', link, name, [])
  }

  /**
   * Takes an alternative name away, if there are such a link and name.
   *
   * @throws NetlinkError EINVAL when it is not this link's
   */
  delAltNameIfExists(link: LinkLike, name: string): void {
    this.#altName('del', link, name, [ERRNO.ENOENT, ERRNO.ENODEV])
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
        ? nameArgs(link, 'link')
        : { index: linkToWire(link, this.sink) }
    this.sink.add('link.del', args)
  }

  /**
   * Deletes the link of that name, if there is one.
   *
   * @throws NetlinkError EOPNOTSUPP for one that cannot be deleted
   */
  delIfExists(name: string): void {
    this.sink.add('link.del', nameArgs(name), { accept: [ERRNO.ENODEV] })
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

  #list({ statistics, master }: LinkReadOptions & { master?: LinkLike | null }): number {
    const extMask = statistics ? undefined : RTEXT_FILTER.skipStatistics
    const only = linkMembers().filter((name) => statistics || name !== 'statistics')
    if (master === null) {
      return this.sink.add('link.dump', { extMask, unknown: [NO_MASTER] }, { only })
    }
    const of =
      master === undefined
        ? undefined
        : linkToWire(master, this.sink, { field: 'master' })
    return this.sink.add('link.dump', { extMask, master: of }, { only })
  }

  #add(spec: AnyLinkSpec, accept: number[]): LinkRef {
    const kind = linkKind(spec?.kind)
    if (!kind) {
      const known = linkKindNames.join(', ')
      throw new ArgumentError(`kind: ${String(spec?.kind)} is not one of ${known}`)
    }
    const { settings, onLink } = kind
    const options = { ...LINK_SPEC.members, ...settings?.members, kind: 'value' } as const
    checkOptions(spec, `link.add of a ${spec.kind}`, options)
    checkLinkName(spec.name)
    if (spec.kind === 'tun') return this.#addTun(spec, accept)
    const args = linkArgs(LINK_SPEC, spec, this.sink)
    const data = { ...kind.write?.(spec), ...settings?.write(spec, { sink: this.sink }) }
    if (onLink) args['link'] = take(data, 'link')
    args['info'] = { kind: spec.kind, ...(settings && { data }) }
    return this.#ref(this.#make(args, accept))
  }

  #again(read: Link, accept: number[]): LinkRef {
    const spec = linkAgain(read)
    const made =
      spec.kind === 'tun' ? this.#tunAgain(spec, accept) : this.#add(spec, accept)
    for (const name of read.altNames ?? []) this.#altName('new', made, name, accept)
    if (read.port) new BridgePortVerbs(this.sink).set(made, portAgain(read.port))
    return made
  }

  #ref(step: number): LinkRef {
    return new LinkRef(step, 'index', this.sink.owner)
  }

  // A tun link is not made with these: the one cannot be had, the other is set.
  #tunAgain(spec: TunSpec & { kind: 'tun' }, accept: number[]): LinkRef {
    const {
      index: _,
      txQueueLength,
      txQueues: __,
      rxQueues: ___,
      ...rest
    } = spec as typeof spec & LinkSpec
    return this.#addTun(rest, accept, { txQueueLength } as LinkChange)
  }

  #addTun(
    { kind: _, name, ...spec }: TunSpec & { kind: 'tun' },
    accept: number[],
    later: LinkChange = {},
  ): LinkRef {
    const { up, mac, mtu, master, group, alias } = spec
    const change = { up, mac, mtu, master, group, alias, ...later }
    const wanted = Object.values(change).some((value) => value !== undefined)
    const args = tunToWire({ name, ...spec })
    // Names of other links are looked up before anything is made.
    const rest = linkArgs(LINK_CHANGE, change, this.sink)
    const at = this.sink.add('tun.new', args, {
      accept,
      undo: (ref) => [{ op: 'link.del', args: { index: { ref } } }],
    })
    if (wanted) this.sink.add('link.set', { index: { ref: at }, ...rest })
    return this.#ref(at)
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

function take(args: WireArgs, name: string): Wire {
  const value = args[name]
  delete args[name]
  return value
}
