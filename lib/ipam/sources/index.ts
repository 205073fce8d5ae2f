/**
 * The one place that knows which sources of addresses there are. A new one is a file beside this
 * and a line in SOURCES.
 */
import type { Source, SourceContext, SourceFactory } from '../types.js'

/** A source whose code is loaded when it is first asked: most ADDs do not ask it. */
interface Entry {
  /** As in the source. */
  readonly kind: string
  readonly load: () => Promise<SourceFactory>
}

/** By the name that `ipam.environment` has for it. */
const SOURCES = {
  azure: {
    kind: 'wireserver',
    load: async () => (await import('./wireserver.js')).wireserver,
  },
} as const satisfies Record<string, Entry>

/** Names of the environments that there are sources for. */
export type Environment = keyof typeof SOURCES

/** All of them, for messages and checks. */
export const ENVIRONMENTS = Object.keys(SOURCES) as Environment[]

/** What is meant when a config names no environment. */
export const DEFAULT_ENVIRONMENT: Environment = 'azure'

/** The source of an environment. */
export function sourceFor(environment: Environment, context: SourceContext): Source {
  const { kind, load }: Entry = SOURCES[environment]
  return {
    kind,
    fetch: async () => (await load())(context).fetch(),
  }
}
