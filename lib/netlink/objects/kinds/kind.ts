/**
 * What a link kind adds to the settings that all links share.
 */
import type { Wire } from '../../../binding.js'
import type { LinkSpec } from '../link-spec.js'
import type { Options } from '../../base/options.js'
import type { StepSink } from '../../base/steps.js'

/**
 * Members of a request, in the addon's form.
 *
 * @internal
 */
export type WireArgs = { [key: string]: Wire }

/** The bounds that a number of a kind has, and how it stands on the wire. */
export interface KindParts {
  /** IFLA_INFO_DATA, or `undefined` for a kind without settings. */
  readonly data?: WireArgs
  /** IFLA_LINK: the link beneath. */
  readonly link?: Wire
}

/** One kind: how its typed spec becomes a request, and its settings become words again. */
export interface LinkKind<S extends LinkSpec> {
  /** Its own settings, beside those of all links. */
  readonly options: Options<Omit<S, keyof LinkSpec>>
  /** Throws a TypeError for what the kernel would refuse without saying why. */
  toWire(spec: S, sink: StepSink): KindParts
  /** The settings of a link of that kind as the kernel reports them. */
  fromWire?(data: Record<string, unknown>): Record<string, unknown>
}

/** A switch as the kernel's u8; absent stays absent. */
export function bit(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

/** Turns the named members from 0 and 1 into booleans. */
export function booleans(
  data: Record<string, unknown>,
  names: readonly string[],
): Record<string, unknown> {
  const out = { ...data }
  for (const name of names) {
    if (out[name] !== undefined) out[name] = out[name] !== 0
  }
  return out
}
