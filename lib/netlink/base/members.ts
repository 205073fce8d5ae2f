/**
 * The members of an object, each described once: how it is checked and written into a request, and
 * how it is read from an answer. What an object's verbs take, send and tell all comes from its table.
 */
import type { Wire } from '../../binding.js'
import { checkInteger, checkMac } from './check.js'
import { AF, type Names } from './constants.js'
import { checkOptions } from './options.js'
import { familyFilter, familyOf } from './prefix.js'
import { linkToWire, type LinkLike, type StepSink } from './steps.js'

/**
 * Members of a request, in the addon's form.
 *
 * @internal
 */
export type WireArgs = { [key: string]: Wire }

/**
 * Where a request is written to.
 *
 * @internal
 */
export interface WriteContext {
  /** Takes the look-ups of links by name; without one they go by index. */
  readonly sink?: StepSink | undefined
  /** A link that is not there is no error of the look-up: the step itself says ENODEV. */
  readonly optional?: boolean
}

/**
 * One member. Without `write` it is only read, without `read` only written, unless it is `plain`.
 *
 * @internal
 */
export interface Member<T> {
  /** Its name at the addon, where that differs. */
  readonly at?: string
  /** The value in the addon's form. Throws a TypeError that names the field. */
  write?(value: T, field: string, context: WriteContext): Wire
  /** The value behind the addon's; undefined for one that stands for none. */
  read?(wire: never): T | undefined
  /** It takes true or false, nothing else. */
  readonly isSwitch?: true
  /** The bit of `flags` that a switch stands for. */
  readonly bit?: number
  /** The bit is set when the switch is off. */
  readonly inverted?: boolean
}

/**
 * A member for each property of a type.
 *
 * @internal
 */
export type Members<T> = {
  readonly [K in keyof Required<T>]: Member<NonNullable<Required<T>[K]>>
}

const asIs = (value: never) => value

/**
 * As it is, both ways; what the addon checks needs no check here.
 *
 * @internal
 */
export const plain: Member<never> = { write: asIs, read: asIs }

/**
 * Written and read by the object's own code, because it is more than one attribute.
 *
 * @internal
 */
export const own: Member<never> = {}

/**
 * Told by the kernel; taken and passed over in what is given, so that what was read can be.
 *
 * @internal
 */
export const told: Member<never> = { read: asIs }

/**
 * Passes a check on its way to the kernel.
 *
 * @internal
 */
export function checked<T extends Wire>(
  check: (value: T, field: string) => T,
  at?: string,
): Member<T> {
  return { write: check, read: asIs, ...(at && { at }) }
}

/**
 * As a member, but what is told as 0 or an empty text is none.
 *
 * @internal
 */
export function unlessEmpty<T>(member: Member<T>): Member<T> {
  return { ...member, read: (wire: T) => wire || undefined }
}

/**
 * As a member, but read by the object's own code, because every answer has it.
 *
 * @internal
 */
export function written<T>({ read: _, ...rest }: Member<T>): Member<T> {
  return rest
}

/**
 * A whole number within bounds.
 *
 * @internal
 */
export function integer(min: number, max: number, what?: string): Member<number> {
  return checked((value, field) => checkInteger(value, field, min, max, what))
}

/**
 * A whole number of 32 bits.
 *
 * @internal
 */
export const u32 = integer(0, 0xffffffff)

/**
 * A MAC address.
 *
 * @internal
 */
export const macMember = checked(checkMac)

/**
 * An IPv4 or IPv6 address.
 *
 * @internal
 */
export function addressMember(at?: string): Member<string> {
  return checked((text, field) => (familyOf(text, field), text), at)
}

/**
 * A number that has a name.
 *
 * @internal
 */
export function named<T extends string>(names: Names<T>): Member<T> {
  return {
    write: (value) => names.number(value),
    read: (wire: number) => names.name(wire) as T,
  }
}

/**
 * The family to look for; any when absent.
 *
 * @internal
 */
export const familyMember: Member<'ipv4' | 'ipv6'> = {
  write: (value) => familyFilter(value),
}

/**
 * Another link.
 *
 * @internal
 */
export function linkMember(at?: string): Member<LinkLike> {
  return {
    write: (value, field, { sink, optional = false }) =>
      linkToWire(value, sink, { field, optional }),
    read: asIs,
    ...(at && { at }),
  }
}

/**
 * A switch that is a number to the kernel, 0 or 1.
 *
 * @internal
 */
export const toggle: Member<boolean> = {
  isSwitch: true,
  write: Number,
  read: (wire: number) => wire !== 0,
}

/**
 * A switch that is one bit of `flags`.
 *
 * @internal
 */
export function flag(bit: number, inverted = false): Member<boolean> {
  return { isSwitch: true, bit, inverted }
}

/**
 * A switch that is on when it is there, such as an order to flush.
 *
 * @internal
 */
export const order: Member<boolean> = { isSwitch: true, write: (on) => on || undefined }

interface Reader {
  readonly name: string
  readonly read: (wire: never) => unknown
}

/**
 * The table of an object's members.
 *
 * @internal
 */
export class MemberTable<T> {
  readonly #entries: readonly (readonly [string, Member<never>])[]
  #readers: ReadonlyMap<string, Reader> | undefined

  constructor(readonly members: Members<T>) {
    this.#entries = Object.entries(members as object) as [string, Member<never>][]
  }

  /**
   * Throws a TypeError naming `what` (the verb) for members that are none of these; `path` is where they
   * stand in what the verb was given.
   */
  check(value: unknown, what: string, path = ''): void {
    checkOptions(value, what, this.members, path)
  }

  /** What is given, in the addon's form; absent members stay absent. `prefix` is for errors. */
  write(value: Partial<T>, context: WriteContext, prefix = ''): WireArgs {
    const args: WireArgs = {}
    for (const [name, member] of this.#entries) {
      const given = value[name as keyof T]
      if (given === undefined || !member.write) continue
      const wire = member.write(given as never, prefix + name, context)
      if (wire !== undefined) args[member.at ?? name] = wire
    }
    return args
  }

  /** The bits of the switches that are given: those that are set, and all that are spoken of. */
  bits(value: Partial<T>): { readonly flags: number; readonly change: number } {
    let flags = 0
    let change = 0
    for (const [name, { bit, inverted = false }] of this.#entries) {
      const on = value[name as keyof T]
      if (bit === undefined || on === undefined) continue
      change |= bit
      if (Boolean(on) !== inverted) flags |= bit
    }
    return { flags, change }
  }

  /**
   * Adds to `into` what an answer tells of members that it may lack. Those that all answers have are
   * better set by name, in the literal that is given here: a dump may hold very many.
   */
  read<R extends object>(wire: object, into: Partial<R>): R {
    const from = wire as { [name: string]: never }
    const to = into as { [name: string]: unknown }
    const readers = (this.#readers ??= this.#makeReaders())
    // Goes over what the answer has, because looking for what it lacks costs most.
    for (const at in from) {
      const reader = readers.get(at)
      if (reader === undefined) continue
      const { name, read } = reader
      const value = from[at]
      if (value === undefined || value === null) continue
      const known = read === asIs ? value : read(value)
      if (known !== undefined) to[name] = known
    }
    return into as R
  }

  /** The addon's names of what `read` looks at, and `more`: all that need be told. */
  told(...more: string[]): readonly string[] {
    this.#readers ??= this.#makeReaders()
    return [...more, ...this.#readers.keys()]
  }

  /** Adds to `into` the switches whose bits are set. */
  readBits(flags: number, into: object): void {
    if (flags === 0) return
    for (const [name, { bit }] of this.#entries) {
      if (bit !== undefined && flags & bit)
        (into as { [name: string]: true })[name] = true
    }
  }

  #makeReaders(): ReadonlyMap<string, Reader> {
    const readers = new Map<string, Reader>()
    for (const [name, { at = name, read }] of this.#entries) {
      if (read) readers.set(at, { name, read })
    }
    return readers
  }
}

/**
 * The IPv4 and IPv6 objects of a dump; a dump of all families may hold others.
 *
 * @internal
 */
export function decodeIp<T>(wire: unknown, decode: (one: unknown) => T): T[] {
  const out: T[] = []
  for (const one of (wire ?? []) as readonly { readonly family: number }[]) {
    if (one.family === AF.ipv4 || one.family === AF.ipv6) out.push(decode(one))
  }
  return out
}
