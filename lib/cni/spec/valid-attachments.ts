/**
 * What a runtime tells GC: the attachments of a network that are still there ("GC" in SPEC.md 1.1.0).
 */
import { ConfigReader } from './config.js'
import type { Owner } from './owner.js'
import type { JsonObject } from './types.js'

/**
 * The keys that have the list: the first is the one of the text of the specification, the second that
 * of its tag; libcni sends both from 1.2.3 on, and the first alone before.
 */
export const VALID_ATTACHMENTS = ['cni.dev/valid-attachments', 'cni.dev/attachments']

/** An attachment within a network. */
export type ValidAttachment = Pick<Owner, 'containerId' | 'ifname'>

/**
 * Reads the list.
 *
 * @returns undefined when there is none: libcni leaves it out where it has called DEL for everything
 *   itself, and who took that for an empty list would take away what is in use
 * @throws CniError code 7 for a list that cannot be read as a whole
 */
export function validAttachments(config: JsonObject): ValidAttachment[] | undefined {
  const key = VALID_ATTACHMENTS.find((one) => (config[one] ?? undefined) !== undefined)
  if (key === undefined) return undefined
  return new ConfigReader(config).array(key).map((one) => ({
    containerId: one.string('containerID'),
    ifname: one.string('ifname'),
  }))
}
