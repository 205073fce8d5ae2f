/**
 * The forwarding table of bridges and VXLAN tunnels: which port a MAC is behind (linux/neighbour.h
 * with family AF_BRIDGE; net/core/rtnetlink.c, rtnl_fdb_add).
 */
import { orNone } from '../base/options.js'
import { ArgumentError } from '../../argument-error.js'
import { AF, ERRNO, NLM_F, NTF, NUD } from '../base/constants.js'
import {
  addressMember,
  flag,
  integer,
  linkMember,
  macMember,
  MemberTable,
  own,
  told,
  unlessEmpty,
  type WireArgs,
} from '../base/members.js'
import { StepRef, type LinkLike, type StepSink } from '../base/steps.js'

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
  /** VXLAN: UDP port of the remote, 1 to 65535; the tunnel's own when absent. */
  readonly port?: number
  /** VXLAN: VNI of the remote, 0 to 16777215; the tunnel's own when absent. */
  readonly vni?: number
}

/** An entry as the kernel reports it. */
export interface FdbEntry extends FdbSpec {
  /** Index of the port, or with `self` of the link that keeps the table. */
  readonly link: number
  /** Index of the bridge, for entries of a bridge's table. */
  readonly master?: number
  /** Whose table it is in: the bridge's (`master`), or the link's own. */
  readonly table: 'master' | 'self'
  /** As in {@link FdbSpec}; learned ones are `dynamic`. */
  readonly state: 'permanent' | 'static' | 'dynamic'
  /** Put there by a control plane. */
  readonly extLearned?: boolean
}

/** Which entries a dump means; absent members fit all. */
export interface FdbFilter {
  /** The bridge whose table it is. */
  readonly bridge?: LinkLike
  /** The port that they are behind. */
  readonly link?: LinkLike
}

/** An entry: native/rtnl/neighbour.cc has the attributes. */
const FDB = new MemberTable<FdbSpec & Pick<FdbEntry, 'master' | 'extLearned'>>({
  mac: macMember,
  vlan: unlessEmpty(integer(1, 4094)),
  table: own,
  state: own,
  sticky: flag(NTF.sticky),
  remote: unlessEmpty(addressMember('address')),
  port: unlessEmpty(integer(1, 0xffff)),
  vni: integer(0, 0xffffff),
  // These two come with an entry that was read. They are accepted, so that it can be given back,
  // and not sent: the kernel sets them.
  master: unlessEmpty(told),
  extLearned: { isSwitch: true },
  link: linkMember(),
})

const FILTER = new MemberTable<FdbFilter>({
  bridge: linkMember('master'),
  link: linkMember('outLink'),
})

// As bridge(8) sends them. A bridge looks at NUD_PERMANENT and NUD_NOARP alone, in that order
// (net/bridge/br_fdb.c, fdb_add_entry); VXLAN takes none without NUD_PERMANENT or NUD_REACHABLE
// (drivers/net/vxlan/vxlan_core.c, vxlan_fdb_add), and NUD_NOARP keeps it from ageing.
const STATES = {
  permanent: NUD.permanent | NUD.noArp,
  static: NUD.noArp | NUD.reachable,
  dynamic: NUD.reachable,
}

function fromWire(wire: unknown): FdbEntry {
  const w = wire as { state: number; flags: number }
  const entry: Partial<FdbEntry> = {
    table: w.flags & NTF.self ? 'self' : 'master',
    state:
      w.state & NUD.permanent ? 'permanent' : w.state & NUD.noArp ? 'static' : 'dynamic',
    ...(w.flags & NTF.extLearned && { extLearned: true }),
  }
  FDB.readBits(w.flags, entry)
  return FDB.read<FdbEntry>(w, entry)
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
  dump(given?: FdbFilter): StepRef<FdbEntry[]> {
    const filter = orNone(given)
    FILTER.check(filter, 'fdb.dump')
    const args = { family: AF.bridge, ...FILTER.write(filter, { sink: this.sink }) }
    const at = this.sink.add('neighbour.dump', args)
    return new StepRef(at, (wire) => (wire as unknown[]).map(fromWire))
  }

  #put(spec: FdbSpec, flags: number): void {
    const where = this.#where(spec)
    const state = STATES[spec.state ?? 'permanent']
    if (state === undefined) {
      throw new ArgumentError(
        `state: ${String(spec.state)} is not permanent, static or dynamic`,
      )
    }
    const args = { ...where, state, flags: where.flags | FDB.bits(spec).flags }
    const undo = [
      { op: 'neighbour.del', args: where, accept: [ERRNO.ENOENT, ERRNO.ENODEV] },
    ]
    this.sink.add('neighbour.new', args, { flags, undo })
  }

  #where(spec: FdbSpec, optional = false): WireArgs & { readonly flags: number } {
    FDB.check(spec, 'fdb')
    if (spec.table !== undefined && spec.table !== 'self' && spec.table !== 'master') {
      throw new ArgumentError(`table: ${String(spec.table)} is not one of master, self`)
    }
    return {
      family: AF.bridge,
      flags: spec.table === 'self' ? NTF.self : NTF.master,
      ...FDB.write(spec, { sink: this.sink, optional }),
    }
  }
}
