/**
 * Numbers of errnos and signals. Loaded when they are first asked for: node:os takes half a
 * millisecond, and a plug-in whose call goes well asks for none.
 */
import type { constants } from 'node:os'

/** `constants` of node:os. */
export function osConstants(): typeof constants {
  return process.getBuiltinModule('node:os').constants
}
