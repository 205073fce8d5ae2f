/**
 * The forwarding table of bridges and VXLAN tunnels: which port a MAC is behind (linux/neighbour.h
 * with family AF_BRIDGE; net/core/rtnetlink.c, rtnl_fdb_add).
 */
import type { Wire } from '../../binding.js'
import { checkInteger, checkMac } from '../base/check.js'
import { AF, ERRNO, NLM_F, NTF, NUD } from '../base/constants.js'
import { checkOptions, type Options } from '../base/options.js'
import { familyOf } from '../base/prefix.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** An entry to add or delete. */
export interface FdbSpec {
  /** The port, or with `self` the link that keeps the table. */
  readonly link: LinkLike
  /** MAC of the station; for VXLAN 00:00:00:00:00:00 is every unknown one. */
  readonly mac: string
  /** 1 to 4094; with VLAN filtering only. */
  readonly vlan?: number
  /** Whose table: the bridge that the link is a port of (`master`, when absent), or its own. */
  readonly table?: 'master' | 'self'
  /**
   * `permanent` (when absent) keeps the address for the link itself, `static` is a fixed place of
   * another station, `dynamic` ages like a learned one.
   */
  readonly state?: 'permanent' | 'static' | 'dynamic'
  /** A learned frame from another port does not move the entry. */
  readonly sticky?: boolean
  /** VXLAN: where the station's packets go. */
  readonly remote?: string
  /** VXLAN: UDP port and VNI of that remote, when not the tunnel's own. */
  readonly port?: number
  /** VXLAN: VNI of the remote, 0 to 16777215. */
  readonly vni?: number
}

/** An entry as the kernel reports it. */
export interface FdbEntry extends FdbSpec {
  readonly link: number
  /** Index of the bridge, for entries of a bridge's table. */
  readonly master?: number
  readonly table: 'master' | 'self'
  readonly state: 'permanent' | 'static' | 'dynamic'
  /** Put there by a control plane. */
  readonly extLearned?: boolean
}

interface WireEntry {
  link: number
  mac: string
  state: number
  flags: number
  master?: number
  vlan?: number
  vni?: number
  port?: number
  address?: string
}

// As bridge(8) sends them. A bridge looks at NUD_PERMANENT and NUD_NOARP alone, in that order
// (net/bridge/br_fdb.c, fdb_add_entry); VXLAN takes none without NUD_PERMANENT or NUD_REACHABLE
// (drivers/net/vxlan/vxlan_core.c, vxlan_fdb_add), and NUD_NOARP keeps it from ageing.
const STATES = {
  permanent: NUD.permanent | NUD.noArp,
  static: NUD.noArp | NUD.reachable,
  dynamic: NUD.reachable,
}

function fromWire(wire: unknown): FdbEntry {
  const { state, flags, address, ...w } = wire as WireEntry
  return {
    link: w.link,
    mac: w.mac,
    table: flags & NTF.self ? 'self' : 'master',
    state: state & NUD.permanent ? 'permanent' : state & NUD.noArp ? 'static' : 'dynamic',
    ...(w.master && { master: w.master }),
    ...(w.vlan && { vlan: w.vlan }),
    ...(flags & NTF.sticky && { sticky: true }),
    ...(flags & NTF.extLearned && { extLearned: true }),
    ...(address && { remote: address }),
    ...(w.port && { port: w.port }),
    ...(w.vni !== undefined && { vni: w.vni }),
  }
}

/** The last of both kinds come with an entry that was read. */
const OPTIONS: Options<FdbEntry> = {
  link: 'value',
  mac: 'value',
  vlan: 'value',
  table: 'value',
  state: 'value',
  remote: 'value',
  port: 'value',
  vni: 'value',
  master: 'value',
  sticky: 'switch',
  extLearned: 'switch',
}

/** The verbs for forwarding tables of one namespace in a plan. */
export class FdbVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Adds an entry.
   *
   * @throws NetlinkError EEXIST when the address is there
   * @throws NetlinkError EOPNOTSUPP when the link is no port (table `master`)
   * @throws NetlinkError ENODEV when the link is gone
   * @throws NetlinkError EINVAL for a MAC of zeros, a VLAN that the port does not have, `sticky`
   *   with `permanent`, a link that keeps no table or none of that state (`self`)
   */
  add(spec: FdbSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.excl)
  }

  /**
   * Adds an entry, or moves the address here.
   *
   * @throws NetlinkError as `add`, but for EEXIST
   * @throws NetlinkError EOPNOTSUPP for a VXLAN's MAC of zeros, whose remotes are a list
   */
  replace(spec: FdbSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.replace)
  }

  /**
   * Adds one more remote of an address (VXLAN with all-zero MAC: flood list). The address of one
   * station has one remote: the kernel leaves it, and says nothing.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port (table `master`)
   * @throws NetlinkError as `add` for the rest, but for EEXIST
   */
  append(spec: FdbSpec): void {
    this.#put(spec, NLM_F.create | NLM_F.append)
  }

  /**
   * Deletes an entry.
   *
   * @throws NetlinkError ENOENT when it is not there
   * @throws NetlinkError EOPNOTSUPP when the link is no port (table `master`)
   * @throws NetlinkError ENODEV when the link is gone
   */
  del(spec: FdbSpec): void {
    this.sink.add('neighbour.del', this.#where(spec))
  }

  /**
   * Deletes an entry, if it is there.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port (table `master`)
   */
  delIfExists(spec: FdbSpec): void {
    const accept = [ERRNO.ENOENT, ERRNO.ENODEV]
    this.sink.add('neighbour.del', this.#where(spec, true), { accept })
  }

  /**
   * Reads all tables, that of one bridge, or what is behind one port. More than fits into one
   * datagram is read until two readings agree, because the kernel keeps no count of changes;
   * NetlinkError EINTR when ten did not, as while many stations are learned.
   *
   * @throws NetlinkError ENODEV when the bridge is gone
   */
  dump(options: { bridge?: LinkLike; link?: LinkLike } = {}): StepRef<FdbEntry[]> {
    checkOptions(options, 'fdb.dump', { bridge: 'value', link: 'value' })
    const { bridge, link } = options
    const args: { [key: string]: Wire } = { family: AF.bridge }
    if (bridge !== undefined) {
      args['master'] = linkToWire(bridge, this.sink, { field: 'bridge' })
    }
    if (link !== undefined) args['outLink'] = linkToWire(link, this.sink)
    const at = this.sink.add('neighbour.dump', args)
    return new StepRef(at, (wire) => (wire as unknown[]).map(fromWire))
  }

  #put(spec: FdbSpec, flags: number): void {
    const where = this.#where(spec)
    const state = STATES[spec.state ?? 'permanent']
    if (state === undefined) {
      throw new TypeError(
        `state: ${String(spec.state)} is not permanent, static or dynamic`,
      )
    }
    const sticky = spec.sticky ? NTF.sticky : 0
    const args = { ...where, state, flags: where.flags | sticky }
    const undo = [
      { op: 'neighbour.del', args: where, accept: [ERRNO.ENOENT, ERRNO.ENODEV] },
    ]
    this.sink.add('neighbour.new', args, { flags, undo })
  }

  #where(spec: FdbSpec, optional = false) {
    checkOptions(spec, 'fdb', OPTIONS)
    const { vlan, remote, port, vni } = spec
    if (spec.table !== undefined && spec.table !== 'self' && spec.table !== 'master') {
      throw new TypeError(`table: ${String(spec.table)} is not one of master, self`)
    }
    if (remote !== undefined) familyOf(remote, 'remote')
    return {
      family: AF.bridge,
      mac: checkMac(spec.mac),
      vlan: vlan === undefined ? undefined : checkInteger(vlan, 'vlan', 1, 4094),
      flags: spec.table === 'self' ? NTF.self : NTF.master,
      address: remote,
      port: port === undefined ? undefined : checkInteger(port, 'port', 1, 0xffff),
      vni: vni === undefined ? undefined : checkInteger(vni, 'vni', 0, 0xffffff),
      link: linkToWire(spec.link, this.sink, { optional }),
    }
  }
}
