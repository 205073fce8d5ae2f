/**
 * The shape of an attachment's owner in the documents that name one.
 */
import { object, text } from './schema.js'

/** The shape of an owner. */
export const ownerShape = object({ network: text, containerId: text, ifname: text })
