/**
 * Kinds without settings of their own.
 */
import type { LinkSpec } from '../link-spec.js'
import type { LinkKind } from './kind.js'

/**
 * The kind `dummy`: takes frames and drops them (drivers/net/dummy.c).
 *
 * @internal
 */
export const dummy: LinkKind<LinkSpec> = {}
/**
 * The kind `ifb`: a detour for ingress traffic control (drivers/net/ifb.c).
 *
 * @internal
 */
export const ifb: LinkKind<LinkSpec> = {}
