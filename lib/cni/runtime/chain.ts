/**
 * The runtime's side of CNI: runs the plug-ins of a list one after the other, each with the
 * result of the one before, as container runtimes do ("Lifecycle & Ordering" in SPEC.md).
 */
import type { Host } from '../../host/host.js'
import { isObject } from '../spec/config.js'
import { delegate } from './delegate.js'
import { toCniError } from '../spec/errors.js'
import type { ListedPlugin, NetworkList } from './list.js'
import { printResult } from '../spec/result.js'
import type { CniResult, JsonObject, NetConf } from '../spec/types.js'
import { isAtLeast } from '../spec/version.js'

/** A container's interface in a network: what ADD and DEL are told. */
export interface Attachment {
  /** CNI_CONTAINERID */
  readonly containerId: string
  /** CNI_NETNS; empty when the namespace is gone, which only DEL can bear. */
  readonly netns: string
  /** CNI_IFNAME */
  readonly ifname: string
  /** CNI_ARGS; empty for none. */
  readonly args: string
  /** Values for `runtimeConfig`, by the capability that a plug-in has to declare. */
  readonly capabilityArgs: JsonObject
}

/** What running a list needs beside the list. */
export interface ChainOptions {
  /** Folders with plug-ins. */
  readonly path: readonly string[]
  /** Runs the plug-ins; they get its environment beside the CNI variables. */
  readonly host: Pick<Host, 'exec' | 'env'>
  /** Takes what they write to stderr. */
  readonly stderr: (text: string) => void
  /** In milliseconds, for one plug-in; 60,000 when absent. */
  readonly timeoutMs?: number
}

/**
 * Runs ADD of all plug-ins in order. When one fails, DEL of all is run before the failure is
 * thrown, because a plug-in that failed may have left something.
 *
 * @returns the result of the last plug-in
 * @throws CniError of the plug-in that failed; its details tell what could not be undone
 */
export async function addChain(
  list: NetworkList,
  attachment: Attachment,
  options: ChainOptions,
): Promise<CniResult> {
  let result: CniResult | undefined
  try {
    for (const [i, plugin] of list.plugins.entries()) {
      const config = configFor(list, plugin, attachment.capabilityArgs, result)
      const how = settings(attachment, options, i)
      result = await delegate(plugin.type, 'ADD', config, how)
    }
  } catch (error) {
    throw await afterUndo(error, list, attachment, options)
  }
  return result ?? {}
}

/**
 * Runs DEL of all plug-ins in reverse order; the first failure ends it, and DEL may then be
 * repeated. `result` is what ADD gave, for the versions that pass it on.
 *
 * @throws CniError of the plug-in that failed
 */
export async function delChain(
  list: NetworkList,
  attachment: Attachment,
  options: ChainOptions,
  result?: CniResult,
): Promise<void> {
  // Plug-ins of older versions do not expect a result with DEL ("DEL" in SPEC.md 0.4.0).
  const known = isAtLeast(list.cniVersion, '0.4.0') ? result : undefined
  const { plugins } = list
  for (let i = plugins.length - 1; i >= 0; i--) {
    const plugin = plugins[i] as ListedPlugin
    const config = configFor(list, plugin, attachment.capabilityArgs, known)
    await delegate(plugin.type, 'DEL', config, settings(attachment, options, i))
  }
}

/** What a plug-in of a list reads on stdin. */
export function configFor(
  list: NetworkList,
  plugin: ListedPlugin,
  capabilityArgs: JsonObject,
  previous?: CniResult,
): NetConf {
  const { capabilities, ...own } = plugin
  const wanted = isObject(capabilities) ? capabilities : {}
  const runtimeConfig = Object.fromEntries(
    Object.entries(capabilityArgs).filter(([name]) => wanted[name] === true),
  )
  return {
    ...own,
    cniVersion: list.cniVersion,
    name: list.name,
    ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
    ...(previous && { prevResult: printResult(previous, list.cniVersion) }),
  }
}

function settings(attachment: Attachment, options: ChainOptions, position: number) {
  const { containerId, netns, ifname, args } = attachment
  return {
    field: `plugins[${position}].type`,
    host: options.host,
    stderr: options.stderr,
    ...(options.timeoutMs && { timeoutMs: options.timeoutMs }),
    env: {
      ...options.host.env,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_ARGS: args,
      CNI_PATH: options.path.join(':'),
    },
  }
}

async function afterUndo(
  thrown: unknown,
  list: NetworkList,
  attachment: Attachment,
  options: ChainOptions,
): Promise<Error> {
  const error = toCniError(thrown)
  try {
    await delChain(list, attachment, options)
    return error
  } catch (failure) {
    return new ChainUndoError(error, toCniError(failure))
  }
}

/** ADD failed, and so did the DEL that had to undo it: DEL must be called again. */
export class ChainUndoError extends Error {
  override readonly name = 'ChainUndoError'

  constructor(
    /** Why ADD failed. */
    readonly reason: Error,
    /** Why DEL failed. */
    readonly undoFailure: Error,
  ) {
    super(`${reason.message}; undoing it failed too: ${undoFailure.message}`)
  }
}
