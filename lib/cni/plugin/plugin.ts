/**
 * What a plug-in is: its name, its versions and one handler a verb.
 */
import type { Host } from '../../host/host.js'
import type { Logger } from './log.js'
import type { Owner } from '../spec/owner.js'
import type { CniResult, NetConf, Verb } from '../spec/types.js'
import { layoutOf } from '../spec/version.js'

/** One call, checked as far as the spec can tell without looking at the host. */
export interface PluginCall {
  command: Verb
  /** Empty for GC and STATUS, as are `netns` and `ifname`. */
  containerId: string
  /** Path of the namespace; empty for DEL when it is gone. Whether it exists is not checked. */
  netns: string
  ifname: string
  /** CNI_ARGS; empty where the plug-in does not look at it, and for DEL when it cannot be read. */
  args: Map<string, string>
  /** CNI_PATH: folders with plug-ins. */
  path: string[]
  /** The outside: namespaces, folders, lock, clock. */
  host: Host
  /** Takes text for people, such as what another plug-in wrote to its stderr. */
  stderr: (text: string) => void
  config: NetConf
  /** The config's version, one that the plug-in supports. */
  cniVersion: string
  /** Absent for the first plug-in of a list, and for DEL when it cannot be read. */
  prevResult?: CniResult
  owner: Owner
  log: Logger
}

/**
 * Serves one verb. Instead of a result it may answer with a module that exports a function
 * of the verb's name: `add: () => import('../add.js')` loads what ADD needs only for ADD.
 */
export type Handler<Name extends string, Result> = (
  call: PluginCall,
) => Answer<Name, Result> | Promise<Answer<Name, Result>>

type Answer<Name extends string, Result> =
  Result | { readonly [K in Name]: (call: PluginCall) => Result | Promise<Result> }

/** A plug-in. Handlers throw to fail; see `toCniError` for what becomes of it. */
export interface Plugin {
  /** Name of the program: `azure-vnet`. */
  name: string
  /** Version of the program: `0.1.0`. */
  version: string
  /** CNI versions, matched exactly against the config's. */
  supportedVersions: readonly string[]
  /** One line for people who start the program by hand. */
  about: string
  add: Handler<'add', CniResult>
  /** Must succeed when there is nothing to delete, and when it is called again. */
  del: Handler<'del', void>
  check?: Handler<'check', void>
  gc?: Handler<'gc', void>
  status?: Handler<'status', void>
  /** Keys of CNI_ARGS beside `KNOWN_ARGS`; false for a plug-in that does not look at it. */
  knownArgs?: readonly string[] | false
}

/** Checks what the types cannot, and gives the plug-in back. */
export function definePlugin(plugin: Plugin): Plugin {
  const { name, supportedVersions } = plugin
  if (supportedVersions.length === 0) {
    throw new TypeError(`plug-in ${name}: supportedVersions must not be empty`)
  }
  const unknown = supportedVersions.filter((version) => !layoutOf(version))
  if (unknown.length > 0) {
    throw new TypeError(`plug-in ${name}: no such CNI version: ${unknown.join(', ')}`)
  }
  return plugin
}
