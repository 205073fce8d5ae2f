/**
 * What a link is given when it is made or changed (linux/if_link.h, RTM_NEWLINK).
 */
import { checkAlias, checkLinkName } from '../base/check.js'
import { IFF } from '../base/constants.js'
import {
  checked,
  flag,
  integer,
  linkMember,
  macMember,
  MemberTable,
  u32,
  type Members,
  type WireArgs,
} from '../base/members.js'
import type { NamespaceHandle } from '../base/namespace.js'
import type { LinkLike, StepSink } from '../base/steps.js'

/** What every link has and can be given. */
export interface LinkAttributes {
  /**
   * Six bytes as `02:00:5e:10:00:01` (IFLA_ADDRESS); the kernel picks one for a new link that is
   * given none. Read in lower case, and empty for links without one.
   */
  readonly mac: string
  /** Bytes of the largest packet, 68 to 65535 for most kinds (IFLA_MTU). */
  readonly mtu: number
  /** Whether it is switched on (IFF_UP); `operState` tells whether it works. */
  readonly up: boolean
  /** Group that `delGroup` deletes together, 0 (the default) to 4294967295 (IFLA_GROUP). */
  readonly group: number
  /** Frames that may wait for the driver (IFLA_TXQLEN). */
  readonly txQueueLength: number
}

/** What a link can be given, when it is made and later. */
export interface LinkSettings extends Partial<LinkAttributes> {
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Bridge or VRF to be a port of; 0 takes it out. */
  readonly master?: LinkLike
}

/** What a link can be given when it is made. */
export interface LinkSpec extends LinkSettings {
  /** 1 to 15 bytes, no slash, colon or white space (dev_valid_name in net/core/dev.c). */
  readonly name: string
  /** Queues of a multi-queue link. */
  readonly txQueues?: number
  /** Queues for frames that come in, of a multi-queue link. */
  readonly rxQueues?: number
  /** Index that the link shall have; the kernel picks one when absent. */
  readonly index?: number
}

/** One end of a veth pair. */
export interface VethEnd extends LinkSpec {
  /** Namespace that this end is born in, a `NetNs`; the plan's when absent. */
  readonly netns?: NamespaceHandle
}

/** What can be changed on a link; absent members stay as they are. */
export interface LinkChange extends LinkSettings {
  /** A link that is up takes a new name since Linux 6.2; older kernels answer EBUSY. */
  readonly name?: string
  /** All frames are taken, not only those for this link. */
  readonly promiscuous?: boolean
  /** All multicasts are taken (IFF_ALLMULTI). */
  readonly allMulticast?: boolean
  /** False for a link that resolves no addresses (IFF_NOARP). */
  readonly arp?: boolean
  /** The link can carry multicasts (IFF_MULTICAST). */
  readonly multicast?: boolean
  /**
   * Moves the link into another namespace, a `NetNs`; it comes down, and loses its addresses and
   * routes.
   */
  readonly netns?: NamespaceHandle
}

const name = checked(checkLinkName)
const netns = {
  write: (value: NamespaceHandle, _: string, { sink }: { sink?: StepSink | undefined }) =>
    sink?.namespace(value),
}

/** What every link has and can be given: native/rtnl/link.cc has the attributes. */
const LINK_SETTINGS: Members<LinkSettings> = {
  mac: macMember,
  mtu: integer(0, 0x7fffffff),
  group: u32,
  txQueueLength: u32,
  alias: checked(checkAlias),
  up: flag(IFF.up),
  master: linkMember(),
}

/**
 * What a new link is given; kinds have settings beside these.
 *
 * @internal
 */
export const LINK_SPEC = new MemberTable<LinkSpec>({
  name,
  ...LINK_SETTINGS,
  txQueues: u32,
  rxQueues: u32,
  index: u32,
})

/**
 * What an end of a veth pair is given.
 *
 * @internal
 */
export const VETH_END = new MemberTable<VethEnd>({ ...LINK_SPEC.members, netns })

/**
 * What a change of a link is given.
 *
 * @internal
 */
export const LINK_CHANGE = new MemberTable<LinkChange>({
  name,
  ...LINK_SETTINGS,
  promiscuous: flag(IFF.promiscuous),
  allMulticast: flag(IFF.allMulticast),
  multicast: flag(IFF.multicast),
  arp: flag(IFF.noArp, true),
  netns,
})

/**
 * Members of one of these tables, in the addon's form; names of other links are looked up by steps
 * of `sink`. Throws a TypeError naming what is wrong.
 *
 * @internal
 */
export function linkArgs<T>(
  table: MemberTable<T>,
  spec: Partial<T>,
  sink: StepSink,
): WireArgs {
  const args = table.write(spec, { sink })
  // ifi_flags holds the new values, ifi_change says which of them count.
  const bits = table.bits(spec)
  return bits.change ? { ...args, ...bits } : args
}
