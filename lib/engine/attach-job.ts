/**
 * The call of an attachment, from its first stage to its end or its undoing.
 */
import type { Mode } from '../vnet/index.js'
import type { AttachRequest, Engine } from './engine.js'
import type { FormerSettings } from './settings.js'

/** What the stages of one attachment share. */
export interface Job {
  readonly engine: Engine
  readonly request: AttachRequest
  readonly mode: Mode
  /** Names of the host networks that this call made. */
  readonly made: Set<string>
  /** Settings of a host network that was there, before this call changed them. */
  former?: FormerSettings
  /** Addresses that this call takes off the host, and the host network that has them on record. */
  taken?: { readonly network: string; readonly addresses: readonly string[] }
}
