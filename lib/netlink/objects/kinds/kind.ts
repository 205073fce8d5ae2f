/**
 * What a link kind has beside the settings that all links share.
 */
import type { MemberTable, WireArgs } from '../../base/members.js'
import type { LinkSpec } from '../link-spec.js'

/**
 * A kind: what its links are given (IFLA_INFO_DATA), and are read with.
 *
 * @internal
 */
export interface LinkKind<S extends LinkSpec> {
  /** Its settings; a kind may have none. */
  readonly settings?: MemberTable<Omit<S, keyof LinkSpec>>
  /** The setting `link` is the link beneath, for which all kinds have one attribute (IFLA_LINK). */
  readonly onLink?: true
  /** What the table cannot say: more attributes. Throws a TypeError for what cannot be. */
  write?(spec: S): WireArgs
  /** What the table cannot say: the settings that the kernel tells, under other names. */
  read?(data: { readonly [name: string]: unknown }): { [name: string]: unknown }
  /** Of the settings that were read, those that make another like it, where some do not. */
  again?(settings: WireArgs): WireArgs
}

/**
 * The settings of a link of a kind as the kernel tells them; those that the kind does not know stay
 * as they are.
 *
 * @internal
 */
export function readSettings(
  kind: LinkKind<LinkSpec> | undefined,
  data: Record<string, unknown>,
): Record<string, unknown> {
  const { settings, read } = kind ?? {}
  if (!settings) return data
  return settings.read<Record<string, unknown>>(data, read ? read(data) : { ...data })
}
