/**
 * Ports of a bridge (IFLA_BRPORT_*, linux/if_link.h) and their VLANs (IFLA_BRIDGE_VLAN_INFO,
 * linux/if_bridge.h).
 */
import { ArgumentError } from '../../argument-error.js'
import { checkInteger } from '../base/check.js'
import { AF, RTEXT_FILTER } from '../base/constants.js'
import {
  flag,
  integer,
  linkMember,
  MemberTable,
  order,
  own,
  toggle,
  type WireArgs,
} from '../base/members.js'
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** Flags of a bridge's port. */
export interface PortFlags {
  /** Frames may leave by the port they came in by. */
  readonly hairpin?: boolean
  /** Ports that are isolated do not reach each other. */
  readonly isolated?: boolean
  /** Sources of frames that come in are put into the forwarding table. */
  readonly learning?: boolean
  /** Frames for unknown addresses leave by this port. */
  readonly flood?: boolean
  /** Multicasts that nobody has asked for leave by this port. */
  readonly multicastFlood?: boolean
  /** Broadcasts leave by this port. */
  readonly broadcastFlood?: boolean
  /** A copy of each multicast goes to every station that asked for it. */
  readonly multicastToUnicast?: boolean
  /** Spanning tree messages that come in block the port. */
  readonly guard?: boolean
  /** The port cannot become the spanning tree's root port. */
  readonly rootBlock?: boolean
  /** A group ends at once when a station leaves it, unasked. */
  readonly fastLeave?: boolean
  /** The bridge answers ARP and neighbour requests for this port from its table. */
  readonly neighbourSuppress?: boolean
  /** The bridge answers ARP requests that come in here (IFLA_BRPORT_PROXYARP). */
  readonly proxyArp?: boolean
  /** The same as IEEE 802.11 wants it (IFLA_BRPORT_PROXYARP_WIFI). */
  readonly proxyArpWifi?: boolean
  /** VLANs are mapped to tunnel ids and back (IFLA_BRPORT_VLAN_TUNNEL). */
  readonly vlanTunnel?: boolean
  /** Frames come in only from addresses that the table has at this port. */
  readonly locked?: boolean
}

/** Numbers of a bridge's port. */
export interface PortNumbers {
  /** Spanning tree: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking. */
  readonly state?: number
  /** Spanning tree, 0 to 63. */
  readonly priority?: number
  /** Spanning tree, 1 to 65535. */
  readonly cost?: number
  /** 0 never, 1 learn, 2 always, 3 for a while. */
  readonly multicastRouter?: number
  /** Bits of 01:80:c2:00:00:0x addresses that this port forwards. */
  readonly groupForwardMask?: number
}

/** What can be set on a port. */
export interface PortChange extends PortFlags, PortNumbers {
  /** Port that takes the frames over when this one has no carrier; 0 for none. */
  readonly backupPort?: LinkLike
  /** Forgets the addresses learned at this port. */
  readonly flush?: boolean
}

/** A port as the kernel reports it; more members than these as the kernel has them. */
export interface PortState extends PortFlags, PortNumbers {
  /** Index of the bridge; in dumps of ports only. */
  readonly bridge?: number
  /** Index of the port that takes the frames over when this one has no carrier. */
  readonly backupPort?: number
  readonly [name: string]: unknown
}

/** A port: native/rtnl/bridge_port.cc has the attributes. */
const PORT = new MemberTable<PortChange>({
  hairpin: toggle,
  isolated: toggle,
  learning: toggle,
  flood: toggle,
  multicastFlood: toggle,
  broadcastFlood: toggle,
  multicastToUnicast: toggle,
  guard: toggle,
  rootBlock: toggle,
  fastLeave: toggle,
  neighbourSuppress: toggle,
  proxyArp: toggle,
  proxyArpWifi: toggle,
  vlanTunnel: toggle,
  locked: toggle,
  state: integer(0, 4),
  priority: integer(0, 63),
  cost: integer(0, 65535),
  multicastRouter: integer(0, 3),
  groupForwardMask: integer(0, 0xffff),
  flush: order,
  backupPort: linkMember(),
})

/** Switches that the kernel tells and that `set` does not have. */
const TOLD_SWITCHES = ['neighbourVlanSuppress', 'macAuthBypass', 'learningSync']

/**
 * Of a port that was read, what makes another like it. Its state is spanning tree's to say.
 *
 * @internal
 */
export function portAgain({ state: _, ...port }: PortState): PortChange {
  const set = Object.entries(port).filter(([name]) => Object.hasOwn(PORT.members, name))
  return Object.fromEntries(set) as PortChange
}

/**
 * A port's settings from the addon's form.
 *
 * @internal
 */
export function portFromWire(wire: Record<string, unknown>): PortState {
  const port: Record<string, unknown> = { ...wire }
  for (const name of TOLD_SWITCHES) {
    if (port[name] !== undefined) port[name] = port[name] !== 0
  }
  return PORT.read<PortState>(wire, port)
}

/** A VLAN, or a range of them, at a port. */
export interface PortVlan {
  /** 1 to 4094. */
  readonly id: number
  /** Last id of a range. */
  readonly to?: number
  /** Untagged frames that come in belong to it; one id only. */
  readonly pvid?: boolean
  /** Frames leave without a tag. */
  readonly untagged?: boolean
  /** The VLAN of the bridge itself rather than of a port (BRIDGE_FLAGS_SELF). */
  readonly self?: boolean
}

/** VLANs of one port as the kernel reports them. */
export interface PortVlans {
  /** Index of the port. */
  readonly link: number
  /** Its VLANs, in order; ranges as the kernel tells them. */
  readonly vlans: readonly PortVlan[]
}

/** BRIDGE_VLAN_INFO_* (linux/if_bridge.h). */
const VLAN = { pvid: 2, untagged: 4, begin: 8, end: 16 } as const
/** BRIDGE_FLAGS_* (linux/if_bridge.h). */
const BRIDGE_FLAGS = { master: 1, self: 2 } as const

/** A VLAN of a port: struct bridge_vlan_info (linux/if_bridge.h). */
const PORT_VLAN = new MemberTable<PortVlan>({
  id: own,
  to: own,
  pvid: flag(VLAN.pvid),
  untagged: flag(VLAN.untagged),
  self: { isSwitch: true },
})

function vlanToWire(vlan: PortVlan): { id: number; flags: number }[] {
  PORT_VLAN.check(vlan, 'a VLAN')
  const { flags } = PORT_VLAN.bits(vlan)
  const id = checkInteger(vlan.id, 'id', 1, 4094, 'a VLAN id')
  if (vlan.to === undefined || vlan.to === id) return [{ id, flags }]
  const to = checkInteger(vlan.to, 'to', id, 4094, 'the last VLAN id of the range')
  if (vlan.pvid) throw new ArgumentError('pvid: a range has no PVID; give a single id')
  return [
    { id, flags: flags | VLAN.begin },
    { id: to, flags: flags | VLAN.end },
  ]
}

function vlansFromWire(wire: readonly { id: number; flags: number }[]): PortVlan[] {
  const out: PortVlan[] = []
  let first: number | undefined
  for (const { id, flags } of wire) {
    if (flags & VLAN.begin) {
      first = id
      continue
    }
    const range = first !== undefined && first !== id
    const read: PortVlan = { id: first ?? id, ...(range && { to: id }) }
    PORT_VLAN.readBits(flags, read)
    out.push(read)
    first = undefined
  }
  return out
}

interface WirePort {
  index: number
  master?: number
  port?: Record<string, unknown>
  spec?: { vlans: { id: number; flags: number }[] }
}

/** The verbs for ports of bridges of one namespace in a plan. */
export class BridgePortVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Sets a port.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port
   * @throws NetlinkError ENODEV when it is gone
   * @throws NetlinkError EINVAL for values that do not fit its bridge: group addresses 0, 1 and 2
   *   forwarded, a backup by itself
   * @throws NetlinkError ENOENT for a backup that is no port of the bridge
   * @throws NetlinkError ERANGE for a cost of 0
   * @throws NetlinkError EBUSY for a state while the bridge speaks spanning tree
   * @throws NetlinkError ENETDOWN for a state while the port is down or has no carrier
   */
  set(link: LinkLike, change: PortChange): void {
    PORT.check(change, 'bridgePort.set')
    const port = PORT.write(change, { sink: this.sink })
    const index = linkToWire(link, this.sink)
    this.sink.add('bridgePort.set', { family: AF.bridge, index, port })
  }

  /**
   * Reads the ports of all bridges: index of the link to what is set on it. More than fit into one
   * datagram are read until two readings agree, because the kernel does not tell of changes in
   * between; NetlinkError EINTR when ten did not.
   */
  dump(): StepRef<Map<number, PortState>> {
    const at = this.sink.add('bridgePort.dump', { family: AF.bridge })
    return new StepRef(at, (wire) => {
      const ports = (wire as WirePort[]).filter(({ port }) => port)
      const entries = ports.map(
        ({ index, master, port }) =>
          [index, { ...portFromWire(port ?? {}), bridge: master }] as const,
      )
      return new Map(entries)
    })
  }

  /**
   * Lets a VLAN through at a port, or changes how.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port (a bridge wants `self`), or the kernel
   *   has no VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING)
   * @throws NetlinkError ENODEV when the link is gone
   */
  addVlan(link: LinkLike, vlan: PortVlan): void {
    this.sink.add('bridgePort.set', this.#vlan(link, vlan))
  }

  /**
   * Takes a VLAN from a port; one that is not there is fine to the kernel.
   *
   * @throws NetlinkError EOPNOTSUPP when the link is no port
   * @throws NetlinkError ENODEV when the link is gone
   */
  delVlan(link: LinkLike, vlan: PortVlan): void {
    const { pvid: _pvid, untagged: _untagged, ...ids } = vlan
    this.sink.add('bridgePort.del', this.#vlan(link, ids))
  }

  /** Reads the VLANs of all ports and bridges, runs of equal ones as ranges. */
  vlans(): StepRef<PortVlans[]> {
    const extMask = RTEXT_FILTER.bridgeVlans
    const at = this.sink.add('bridgePort.dump', { family: AF.bridge, extMask })
    return new StepRef(at, (wire) =>
      (wire as WirePort[])
        .filter(({ spec }) => spec)
        .map(({ index, spec }) => ({
          link: index,
          vlans: vlansFromWire(spec?.vlans ?? []),
        })),
    )
  }

  #vlan(link: LinkLike, vlan: PortVlan): WireArgs {
    const vlans = vlanToWire(vlan)
    const index = linkToWire(link, this.sink)
    const flags = vlan.self ? BRIDGE_FLAGS.self : BRIDGE_FLAGS.master
    return { family: AF.bridge, index, spec: { flags, vlans } }
  }
}
