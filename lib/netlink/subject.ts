/**
 * What a step of a plan is about, for people: the errno alone does not say which of thirty addresses it
 * was, nor of which link.
 */
import type { WireStep } from '../binding.js'
import { AF } from './base/constants.js'

type Args = WireStep['args']

interface Ref {
  readonly ref: number
  readonly field?: string
}

function isRef(value: unknown): value is Ref {
  return typeof value === 'object' && value !== null && 'ref' in value
}

/** The name of a link that an earlier step makes or finds, or its index. */
function linkName(link: unknown, steps: readonly WireStep[]): string {
  if (typeof link === 'number' && link > 0) return `link ${link}`
  if (!isRef(link)) return ''
  const args = steps[link.ref]?.args ?? {}
  const { info } = args as { info?: { data?: { peer?: { name?: unknown } } } }
  const made = link.field === 'peerIndex' ? info?.data?.peer : args
  const { name, altName } = (made ?? {}) as { name?: unknown; altName?: unknown }
  const known = name ?? altName
  return typeof known === 'string' ? `link ${known}` : ''
}

function prefix(address: unknown, length: unknown): string {
  if (typeof address !== 'string') return ''
  return typeof length === 'number' ? `${address}/${length}` : address
}

/** Joins what is not empty. */
function words(...parts: readonly string[]): string {
  return parts.filter(Boolean).join(' ')
}

function onLink(what: string, link: unknown, steps: readonly WireStep[]): string {
  const name = linkName(link, steps)
  return what && name ? `${what} on ${name}` : what || name
}

const KINDS: {
  readonly [kind: string]: (args: Args, steps: readonly WireStep[], op: string) => string
} = {
  address: (a, steps) => onLink(prefix(a['local'], a['prefixLength']), a['index'], steps),
  route: (a, steps, op) => {
    if (op === 'route.get') return onLink(prefix(a['to'], undefined), a['link'], steps)
    const whole = op === 'route.new' || op === 'route.del' ? 'default' : ''
    return onLink(prefix(a['to'], a['toLength']) || whole, a['link'], steps)
  },
  rule: (a) => {
    const { from, to, priority } = a
    return words(
      typeof priority === 'number' ? `priority ${priority}` : '',
      from === undefined ? '' : `from ${prefix(from, a['fromLength'])}`,
      to === undefined ? '' : `to ${prefix(to, a['toLength'])}`,
    )
  },
  neighbour: (a, steps) => {
    const what = a['family'] === AF.bridge ? a['mac'] : a['address']
    return onLink(prefix(what, undefined), a['link'] ?? a['outLink'], steps)
  },
  conntrack: (a) => {
    const { ip } = (a['original'] ?? {}) as { ip?: { [name: string]: unknown } }
    const source = ip?.['source'] ?? ip?.['source6']
    const destination = ip?.['destination'] ?? ip?.['destination6']
    return source === undefined ? '' : `${String(source)} to ${String(destination)}`
  },
}

/**
 * What the step is about: `10.0.0.5/24 on link eth0`; empty when its arguments do not say.
 *
 * @internal
 */
export function subjectOf(step: WireStep, steps: readonly WireStep[]): string {
  const { op, args } = step
  const told = KINDS[op.replace(/\..*/, '')]?.(args, steps, op)
  if (told) return told
  const { name, altName, group, index } = args
  const known = name ?? altName
  if (typeof known === 'string') return known
  if (typeof group === 'number' && op === 'link.del') return `group ${group}`
  return linkName(index, steps)
}
