/**
 * A link that was read, as what makes one like it.
 */
import { ArgumentError } from '../../argument-error.js'
import type { WireArgs } from '../base/members.js'
import { linkKind, type AnyLinkSpec } from './kinds/index.js'
import type { Link } from './link.js'
import { LINK_SPEC } from './link-spec.js'

/** Members of `from` that the kernel told, and of which `names` has the name. */
function pick(from: object, names: object): { [name: string]: unknown } {
  const told = Object.entries(from).filter(
    ([name, value]) => Object.hasOwn(names, name) && value !== undefined,
  )
  return Object.fromEntries(told)
}

function kindOf({ kind, name }: Link) {
  if (kind === 'veth') {
    throw new ArgumentError(
      `kind: ${name} is an end of a veth pair; make pairs by link.addVeth`,
    )
  }
  const known = linkKind(kind)
  if (known) return known
  const what = kind === undefined ? 'hardware or loopback' : `of the kind ${kind}`
  throw new ArgumentError(`kind: ${name} is ${what}, which link.add does not make`)
}

/**
 * What makes the link again: what it was given, without what is only told (its state, counters,
 * bounds, timers). `altNames` and `port` need steps of their own.
 *
 * @internal
 */
export function linkAgain(read: Link): AnyLinkSpec {
  const { settings: table, onLink, again } = kindOf(read)
  const spec = pick(read, LINK_SPEC.members) as WireArgs
  const settings = pick(read.settings ?? {}, table?.members ?? {}) as WireArgs
  // Links without addresses are told to have an empty one.
  if (spec['mac'] === '') delete spec['mac']
  if (onLink) {
    if (read.linkNetnsId !== undefined) {
      throw new ArgumentError(
        `link: the link beneath ${read.name} is in another namespace, where this one cannot be made`,
      )
    }
    if (read.link !== undefined) settings['link'] = read.link
  }
  return { ...spec, ...(again?.(settings) ?? settings), kind: read.kind } as AnyLinkSpec
}
