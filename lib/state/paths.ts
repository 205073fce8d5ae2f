/**
 * Where the state lives.
 */
import { isAbsolute } from 'node:path'

/**
 * The folder of all state files. /run is a tmpfs on every systemd host: what names pods
 * goes away with them at a reboot.
 */
export const DEFAULT_STATE_DIR = '/run/vnet-cni'

/** Name of the environment variable that moves the state folder. */
export const STATE_DIR_VARIABLE = 'VNET_CNI_STATE_DIR'

/**
 * The state folder: `VNET_CNI_STATE_DIR` when set and not empty, else the default.
 * Throws TypeError for a relative path: it would mean another folder in every caller.
 */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  const dir = env[STATE_DIR_VARIABLE] || DEFAULT_STATE_DIR
  if (isAbsolute(dir)) return dir
  throw new TypeError(`${STATE_DIR_VARIABLE} is "${dir}"; it must be an absolute path`)
}
