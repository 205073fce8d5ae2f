/**
 * Where state and logs live.
 */
import { isAbsolute } from 'node:path'
import type { Environment } from './world.js'

/**
 * The folder of all state files. /run is a tmpfs on every systemd host: what names pods
 * goes away with them at a reboot.
 */
export const DEFAULT_STATE_DIR = '/run/vnet-cni'

/** Name of the environment variable that moves the state folder. */
export const STATE_DIR_VARIABLE = 'VNET_CNI_STATE_DIR'

/** The folder of what a reboot must keep: what an operator asked for by `attach`. */
export const DEFAULT_KEEP_DIR = '/var/lib/vnet-cni'

/** Name of the environment variable that moves that folder. */
export const KEEP_DIR_VARIABLE = 'VNET_CNI_KEEP_DIR'

/** The folder where Azure's own plug-ins keep their state; it is only read. */
export const DEFAULT_AZURE_DIR = '/var/run'

/** Name of the environment variable that says where else that folder is. */
export const AZURE_DIR_VARIABLE = 'VNET_CNI_AZURE_DIR'

/**
 * The folder of what runs: managers of the host's network are found there, and told there.
 */
export const DEFAULT_RUN_DIR = '/run'

/** Name of the environment variable that says where else that folder is. */
export const RUN_DIR_VARIABLE = 'VNET_CNI_RUN_DIR'

/** The folder of the logs. */
export const DEFAULT_LOG_DIR = '/var/log'

/** Name of the environment variable that moves the logs. */
export const LOG_DIR_VARIABLE = 'VNET_CNI_LOG_DIR'

/**
 * The folder that a variable names, or the default when it is absent or empty.
 * Throws TypeError for a relative path: it would mean another folder in every caller.
 */
export function folder(env: Environment, variable: string, otherwise: string): string {
  const dir = env[variable] || otherwise
  if (isAbsolute(dir)) return dir
  throw new TypeError(`${variable} is "${dir}"; it must be an absolute path`)
}
