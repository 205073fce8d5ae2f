/**
 * Families of generic netlink, as nlctrl tells them (linux/genetlink.h, CTRL_CMD_GETFAMILY): ethtool,
 * wireguard and whatever else has no protocol of its own.
 */
import { ArgumentError } from '../../argument-error.js'
import { StepRef, type StepSink } from '../base/steps.js'

/** What can be asked of a family. */
export interface GenericOperation {
  /** Number of the command in the family's header. */
  readonly id: number
  /** GENL_* bits: 1 needs CAP_NET_ADMIN, 2 can do, 4 can dump, 8 has a policy. */
  readonly flags: number
}

/** A group whose notifications a socket can join. */
export interface GenericGroup {
  /** Its name in the family, such as `monitor` of ethtool. */
  readonly name: string
  /** The number to join by; the kernel picks it. */
  readonly id: number
}

/** A family of generic netlink. */
export interface GenericFamily {
  /** What it is called: at most 15 bytes. */
  readonly name: string
  /** The type of its messages; the kernel picks it when the family is registered. */
  readonly id: number
  /** Version of its messages. */
  readonly version: number
  /** Bytes of its own header, after the one of generic netlink. */
  readonly headerSize: number
  /** The largest attribute that it knows; 0 where each command has attributes of its own. */
  readonly maxAttribute: number
  /** What can be asked of it. */
  readonly operations: readonly GenericOperation[]
  /** What it notifies of. */
  readonly groups: readonly GenericGroup[]
}

type WireFamily = Omit<GenericFamily, 'operations' | 'groups'> &
  Partial<Pick<GenericFamily, 'operations' | 'groups'>>

function familyFromWire(wire: unknown): GenericFamily {
  const { name, id, version, headerSize, maxAttribute, ...rest } = wire as WireFamily
  const { operations = [], groups = [] } = rest
  return { name, id, version, headerSize, maxAttribute, operations, groups }
}

/** GENL_NAMSIZ (linux/genetlink.h), less the closing NUL. */
const LONGEST_NAME = 15

function checkName(name: string): string {
  const fits =
    typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= LONGEST_NAME
  if (fits && !name.includes('\0')) return name
  throw new ArgumentError(
    `name: ${JSON.stringify(name) ?? 'undefined'} names no family; give 1 to ${LONGEST_NAME} bytes without NUL`,
  )
}

/** The verbs for families of generic netlink in a plan. They are the same in all namespaces. */
export class GenericVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Looks a family up by its name. The kernel loads the module that has it, where it may.
   *
   * @throws NetlinkError ENOENT when there is none of that name
   */
  get(name: string): StepRef<GenericFamily> {
    const at = this.sink.add('genl.family.get', { name: checkName(name) })
    return new StepRef(at, familyFromWire)
  }

  /** Reads all families that are registered. */
  dump(): StepRef<GenericFamily[]> {
    const at = this.sink.add('genl.family.dump', {})
    return new StepRef(at, (wire) => (wire as unknown[]).map(familyFromWire))
  }
}
