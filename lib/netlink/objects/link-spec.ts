/**
 * What a link is given when it is made or changed (linux/if_link.h, RTM_NEWLINK).
 */
import type { Wire } from '../../binding.js'
import { checkAlias, checkInteger, checkLinkName, checkMac } from '../base/check.js'
import { IFF } from '../base/constants.js'
import type { NamespaceHandle } from '../base/namespace.js'
import type { Options } from '../base/options.js'
import { linkToWire, type LinkLike, type StepSink } from '../base/steps.js'

/** What a link can be given when it is made. */
export interface LinkSpec {
  /** 1 to 15 bytes, no slash, colon or white space (dev_valid_name in net/core/dev.c). */
  readonly name: string
  /** `02:00:5e:10:00:01`; the kernel picks one when absent. */
  readonly mac?: string
  /** Bytes, 68 to 65535 for most kinds. */
  readonly mtu?: number
  /** Bridge or VRF to be a port of. */
  readonly master?: LinkLike
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Brings the link up in the same step, or right after where the kernel asks for that. */
  readonly up?: boolean
  /** Group that `delGroup` deletes together, 0 (the default) to 4294967295. */
  readonly group?: number
  /** Frames that may wait for the driver. */
  readonly txQueueLength?: number
  /** Queues of a multi-queue link. */
  readonly txQueues?: number
  /** Queues for frames that come in, of a multi-queue link. */
  readonly rxQueues?: number
  /** Index that the link shall have; the kernel picks one when absent. */
  readonly index?: number
}

/** One end of a veth pair. */
export interface VethEnd extends LinkSpec {
  /** Namespace that this end is born in; the plan's when absent. */
  readonly netns?: NamespaceHandle
}

/** What can be changed on a link; absent members stay as they are. */
export interface LinkChange {
  /** A link that is up takes a new name since Linux 6.2; older kernels answer EBUSY. */
  readonly name?: string
  /** Six bytes as `02:00:5e:10:00:01` (IFLA_ADDRESS). */
  readonly mac?: string
  /** Bytes of the largest packet (IFLA_MTU). */
  readonly mtu?: number
  /** 0 takes the link out of its bridge. */
  readonly master?: LinkLike
  /** Up to 255 bytes of free text (IFLA_IFALIAS). */
  readonly alias?: string
  /** Brings the link up or down (IFF_UP). */
  readonly up?: boolean
  /** Group that `delGroup` deletes together, 0 to 4294967295 (IFLA_GROUP). */
  readonly group?: number
  /** Frames that may wait for the driver (IFLA_TXQLEN). */
  readonly txQueueLength?: number
  /** All frames are taken, not only those for this link. */
  readonly promiscuous?: boolean
  /** All multicasts are taken (IFF_ALLMULTI). */
  readonly allMulticast?: boolean
  /** False for a link that resolves no addresses (IFF_NOARP). */
  readonly arp?: boolean
  /** The link can carry multicasts (IFF_MULTICAST). */
  readonly multicast?: boolean
  /** Moves the link into another namespace; it comes down, and loses its addresses and routes. */
  readonly netns?: NamespaceHandle
}

/**
 * Members of a request, in the addon's form.
 *
 * @internal
 */
export type WireArgs = { [key: string]: Wire }

/**
 * What every kind of link has.
 *
 * @internal
 */
export const LINK_OPTIONS: Options<LinkSpec> = {
  name: 'value',
  mac: 'value',
  mtu: 'value',
  master: 'value',
  alias: 'value',
  group: 'value',
  txQueueLength: 'value',
  txQueues: 'value',
  rxQueues: 'value',
  index: 'value',
  up: 'switch',
}

/**
 * What a change of a link has.
 *
 * @internal
 */
export const CHANGE_OPTIONS: Options<LinkChange> = {
  name: 'value',
  mac: 'value',
  mtu: 'value',
  master: 'value',
  alias: 'value',
  group: 'value',
  txQueueLength: 'value',
  netns: 'value',
  up: 'switch',
  promiscuous: 'switch',
  allMulticast: 'switch',
  arp: 'switch',
  multicast: 'switch',
}

const FLAGS = [
  ['up', IFF.up],
  ['promiscuous', IFF.promiscuous],
  ['allMulticast', IFF.allMulticast],
  ['multicast', IFF.multicast],
] as const
const NUMBERS = ['index', 'group', 'txQueueLength', 'txQueues', 'rxQueues'] as const

/**
 * The settings that all links share, in the addon's form; names of other links are looked up by
 * steps of `sink`. Throws a TypeError naming what is wrong.
 *
 * @internal
 */
export function commonArgs(
  spec: Omit<Partial<LinkSpec>, 'master'> & LinkChange,
  sink: StepSink,
): WireArgs {
  const args: WireArgs = {}
  if (spec.name !== undefined) args['name'] = checkLinkName(spec.name)
  if (spec.mac !== undefined) args['mac'] = checkMac(spec.mac)
  if (spec.mtu !== undefined) {
    args['mtu'] = checkInteger(spec.mtu, 'mtu', 0, 0x7fffffff)
  }
  if (spec.alias !== undefined) args['alias'] = checkAlias(spec.alias)
  if (spec.master !== undefined) {
    args['master'] = linkToWire(spec.master, sink, { field: 'master' })
  }
  for (const name of NUMBERS) {
    const value = spec[name]
    if (value !== undefined) args[name] = checkInteger(value, name, 0, 0xffffffff)
  }
  if (spec.netns) args['netns'] = sink.namespace(spec.netns)
  return { ...args, ...flagArgs(spec) }
}

// ifi_flags holds the new values, ifi_change says which of them count.
function flagArgs(spec: LinkChange): WireArgs {
  let flags = 0
  let change = 0
  for (const [name, bit] of FLAGS) {
    if (spec[name] === undefined) continue
    change |= bit
    if (spec[name]) flags |= bit
  }
  if (spec.arp !== undefined) {
    change |= IFF.noArp
    if (!spec.arp) flags |= IFF.noArp
  }
  return change ? { flags, change } : {}
}
