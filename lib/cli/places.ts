/**
 * Where network configuration lists and plug-ins are on a host, unless an option says otherwise.
 */
import type { Environment } from '../host/world.js'
import { optional, type Values } from './command.js'

/** The list that the installer puts there. */
const DEFAULT_CONFLIST = '/etc/cni/net.d/10-azure.conflist'

/** Folder with plug-ins on nearly every host. */
const DEFAULT_CNI_PATH = '/opt/cni/bin'

/** Help for the options that `conflistFile` and `cniPath` read. */
export const PLACES_USAGE = `\
  --conflist FILE     network configuration list; ${DEFAULT_CONFLIST}
  --cni-path FOLDERS  where the plug-ins are; CNI_PATH or ${DEFAULT_CNI_PATH}`

/** The file of the list: the option, or the usual one. */
export function conflistFile(values: Values): string {
  return optional(values, 'conflist') ?? DEFAULT_CONFLIST
}

/** Folders with plug-ins: the option, the environment, or the usual one. */
export function cniPath(values: Values, env: Environment): string[] {
  const text = optional(values, 'cni-path') ?? env['CNI_PATH'] ?? ''
  const folders = text.split(':').filter(Boolean)
  return folders.length > 0 ? folders : [DEFAULT_CNI_PATH]
}
