/**
 * Links: network interfaces (linux/if_link.h, RTM_NEWLINK and its kin).
 */
import type { Wire } from '../binding.js'
import { AF, ERRNO, IFF, NLM_F } from './constants.js'
import type { NetNs } from './netns.js'
import { LinkRef, linkToWire, StepRef, type LinkLike, type StepSink } from './steps.js'

/** What a link can be given when it is made. */
export interface LinkSpec {
  /** 1 to 15 bytes, no slash, colon or white space (dev_valid_name in net/core/dev.c). */
  readonly name: string
  /** `02:00:5e:10:00:01`; the kernel picks one when absent. */
  readonly mac?: string
  /** Bytes, 68 to 65535 for most kinds. */
  readonly mtu?: number
  /** Bridge to be a port of. */
  readonly master?: LinkLike
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Brings the link up in the same step, or right after where the kernel asks for that. */
  readonly up?: boolean
}

/** A bridge's own settings. */
export interface BridgeSpec extends LinkSpec {
  /** Spanning tree; off when absent. */
  readonly stp?: boolean
  /** Hundredths of a second that a port waits before it forwards; 0 when absent. */
  readonly forwardDelay?: number
}

/** One end of a veth pair. */
export interface VethEnd extends LinkSpec {
  /** Namespace that this end is born in; the plan's when absent. */
  readonly netns?: NetNs
}

/** What can be changed on a link; absent members stay as they are. */
export interface LinkChange {
  readonly name?: string
  readonly mac?: string
  readonly mtu?: number
  /** 0 takes the link out of its bridge. */
  readonly master?: LinkLike
  readonly alias?: string
  readonly up?: boolean
}

/** Flags of a bridge's port (IFLA_BRPORT_*). */
export interface PortFlags {
  /** Frames may leave by the port they came in by. */
  readonly hairpin?: boolean
  readonly isolated?: boolean
  readonly learning?: boolean
  readonly flood?: boolean
}

/** A link as the kernel reports it. */
export interface Link {
  readonly index: number
  readonly name: string
  /** Lower-case, colon-separated; empty for links without one. */
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
  /** IFF_* bits. */
  readonly flags: number
  /** Index of the bridge that the link is a port of; absent when of none. */
  readonly master?: number
  /** Index of the link beneath or of the veth peer, in that one's namespace. */
  readonly link?: number
  /** `bridge`, `veth`; absent for hardware and loopback. */
  readonly kind?: string
  readonly alias?: string
}

/** What the addon's table for links calls the attributes (native/rtnl/link.cc). */
interface WireLink {
  index: number
  flags: number
  name?: string
  mac?: string
  mtu?: number
  master?: number
  link?: number
  info?: { kind?: string }
  alias?: string
}

/** A link from the addon's form. */
export function linkFromWire(wire: unknown): Link {
  const w = wire as WireLink
  return {
    index: w.index,
    name: w.name ?? '',
    mac: w.mac ?? '',
    mtu: w.mtu ?? 0,
    up: (w.flags & IFF.up) !== 0,
    flags: w.flags,
    ...(w.master && { master: w.master }),
    ...(w.link && { link: w.link }),
    ...(w.info?.kind && { kind: w.info.kind }),
    ...(w.alias && { alias: w.alias }),
  }
}

/** Throws a TypeError when the kernel would not take the name. */
export function checkLinkName(name: string, field = 'name'): string {
  const bytes = Buffer.byteLength(name)
  // The kernel takes a percent sign for a pattern (dev_alloc_name).
  if (
    bytes < 1 ||
    bytes > 15 ||
    name === '.' ||
    name === '..' ||
    /[/:%\s\0]/.test(name)
  ) {
    throw new TypeError(
      `${field}: ${JSON.stringify(name)} is no interface name; give 1 to 15 bytes without slash, colon, percent sign or white space`,
    )
  }
  return name
}

type WireArgs = { [key: string]: Wire }

function commonArgs(spec: LinkSpec | LinkChange): WireArgs {
  const args: WireArgs = {}
  if (spec.name !== undefined) args['name'] = checkLinkName(spec.name)
  if (spec.mac !== undefined) args['mac'] = spec.mac
  if (spec.mtu !== undefined) args['mtu'] = spec.mtu
  if (spec.alias !== undefined) args['alias'] = spec.alias
  if (spec.master !== undefined) args['master'] = linkToWire(spec.master)
  if (spec.up !== undefined) {
    args['flags'] = spec.up ? IFF.up : 0
    args['change'] = IFF.up
  }
  return args
}

/** The verbs for links of one namespace in a plan. */
export class LinkVerbs {
  constructor(private readonly sink: StepSink) {}

  /** Makes a bridge. EEXIST when the name is taken. */
  addBridge(spec: BridgeSpec): LinkRef {
    return this.#bridge(spec, [])
  }

  /** Makes a bridge, or takes the link of that name as it is. */
  ensureBridge(spec: BridgeSpec): LinkRef {
    return this.#bridge(spec, [ERRNO.EEXIST])
  }

  /**
   * Makes a veth pair; each end is born in its namespace under its final name.
   * EEXIST when either name is taken, ENODEV-like errnos when a master is gone.
   */
  addVeth(outer: LinkSpec, inner: VethEnd): [outer: LinkRef, inner: LinkRef] {
    const { up, alias, master, ...born } = inner
    const peer = commonArgs(born)
    if (inner.netns) peer['netns'] = this.sink.namespace(inner.netns)
    const args = commonArgs(outer)
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

  /** Finds a link by name for later steps. ENODEV when there is none. */
  get(name: string): LinkRef {
    return new LinkRef(this.sink.add('link.get', { name: checkLinkName(name) }))
  }

  /** Reads one link, by index or name. ENODEV when there is none. */
  read(
    which: number | string,
    options: { optional?: boolean } = {},
  ): StepRef<Link | undefined> {
    const args =
      typeof which === 'number' ? { index: which } : { name: checkLinkName(which) }
    const accept = options.optional ? [ERRNO.ENODEV] : []
    const at = this.sink.add('link.get', args, { accept })
    return new StepRef(at, (wire) => (wire ? linkFromWire(wire) : undefined))
  }

  /** Reads all links of the namespace. */
  dump(): StepRef<Link[]> {
    const at = this.sink.add('link.dump', {})
    return new StepRef(at, (wire) => (wire as unknown[]).map(linkFromWire))
  }

  /** Changes a link. `was` says what undo sets back. */
  set(link: LinkLike, change: LinkChange, was?: LinkChange): void {
    const index = linkToWire(link)
    this.sink.add(
      'link.set',
      { index, ...commonArgs(change) },
      {
        undo: was && [{ op: 'link.set', args: { index, ...commonArgs(was) } }],
      },
    )
  }

  /** Sets flags of a bridge's port. EOPNOTSUPP when the link is no port. */
  setPort(link: LinkLike, flags: PortFlags): void {
    const port: WireArgs = {}
    for (const [name, on] of Object.entries(flags)) port[name] = on ? 1 : 0
    this.sink.add('bridgePort.set', { family: AF.bridge, index: linkToWire(link), port })
  }

  /** Deletes a link. ENODEV when it is gone. */
  del(link: LinkLike): void {
    this.sink.add('link.del', { index: linkToWire(link) })
  }

  /** Deletes the link of that name, if there is one. */
  delIfExists(name: string): void {
    this.sink.add('link.del', { name: checkLinkName(name) }, { accept: [ERRNO.ENODEV] })
  }

  #bridge(spec: BridgeSpec, accept: number[]): LinkRef {
    const args = commonArgs(spec)
    args['info'] = {
      kind: 'bridge',
      data: { stp: spec.stp ? 1 : 0, forwardDelay: spec.forwardDelay ?? 0 },
    }
    return new LinkRef(this.#make(args, accept))
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
