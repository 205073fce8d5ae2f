/**
 * Where things are on a host with CNI, and what of them still is.
 */
import { netnsId, type AttachmentRecord } from '../cni/runtime/attachments.js'
import type { Attachment } from '../cni/runtime/chain.js'
import type { Environment } from '../host/world.js'
import { optional, type Values } from './command.js'

/** The list that the installer puts there. */
export const DEFAULT_CONFLIST = '/etc/cni/net.d/10-azure.conflist'

/** Folder with plug-ins on nearly every host. */
export const DEFAULT_CNI_PATH = '/opt/cni/bin'

/** Folders with plug-ins: the option, the environment, or the usual one. */
export function cniPath(values: Values, env: Environment): string[] {
  const text = optional(values, 'cni-path') ?? env['CNI_PATH'] ?? ''
  const folders = text.split(':').filter(Boolean)
  return folders.length > 0 ? folders : [DEFAULT_CNI_PATH]
}

/**
 * The attachment with its namespace for DEL: left out when the path leads nowhere or to
 * another one by now, as /proc/PID does after the process ended. A plug-in would otherwise
 * take the interface of a stranger away.
 */
export function staleNetns(record: AttachmentRecord): Attachment {
  const { attachment } = record
  const isSame = record.netnsId !== '' && netnsId(attachment.netns) === record.netnsId
  return isSame ? attachment : { ...attachment, netns: '' }
}
