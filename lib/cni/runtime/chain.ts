/**
 * The runtime's side of CNI: runs the plug-ins of a list one after the other, each with the
 * result of the one before, as container runtimes do ("Lifecycle & Ordering" in SPEC.md).
 */
import type { Host } from '../../host/host.js'
import { isObject } from '../spec/config.js'
import { delegate, NotStartedError } from './delegate.js'
import { toCniError, type CniError } from '../spec/errors.js'
import type { ListedPlugin, NetworkList } from './list.js'
import { printResult } from '../spec/result.js'
import type { CniResult, JsonObject, NetConf } from '../spec/types.js'
import { isAtLeast } from '../spec/version.js'

/** A container's interface in a network: what ADD and DEL are told. */
export interface Attachment {
  /** CNI_CONTAINERID */
  readonly containerId: string
  /** CNI_NETNS; empty when the namespace is gone, and only DEL can be called. */
  readonly netns: string
  /** CNI_IFNAME */
  readonly ifname: string
  /** CNI_ARGS; empty for none. */
  readonly args: string
  /** Values for `runtimeConfig`, by the capability that a plug-in has to declare. */
  readonly capabilityArgs: JsonObject
}

/** What a plug-in reads on stdin; `type` is its program. */
export interface PluginConf extends NetConf {
  readonly type: string
}

/** A plug-in whose ADD was begun, with all that its DEL needs. */
export interface PluginRun {
  /** Its place in the list. */
  readonly position: number
  /** What ADD read on stdin, the result so far included. */
  readonly config: PluginConf
  /** Whether ADD ended well. */
  readonly ended: boolean
}

/** How far a list has come. */
export interface Progress {
  /** The plug-ins that may have something to take back, in the order of their ADD. */
  readonly runs: readonly PluginRun[]
  /** Of the last plug-in whose ADD ended well. */
  readonly result?: CniResult
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
  /**
   * Told how far it has come before a plug-in's ADD begins and after each call: who writes that
   * down can take everything back after a crash. What it throws ends the list as a failure does.
   */
  readonly note?: (progress: Progress) => void
}

/** What a removal needs. */
export interface RemovalOptions extends ChainOptions {
  /** Told of a plug-in whose DEL failed; the removal goes on then. Without it, it ends there. */
  readonly onFailure?: (failure: CniError) => void
}

/**
 * Runs ADD of all plug-ins in order. When one fails, DEL is run of those that were begun before the
 * failure is thrown, because a plug-in that failed may have left something.
 *
 * @returns the result of the last plug-in
 * @throws CniError of the plug-in that failed, or what `note` threw; ChainUndoError when it could
 *   not be undone
 */
export async function addChain(
  list: NetworkList,
  attachment: Attachment,
  options: ChainOptions,
): Promise<CniResult> {
  let last: Progress = { runs: [] }
  const note = (progress: Progress) => {
    last = progress
    options.note?.(progress)
  }
  try {
    return await runAll(list, attachment, { ...options, note })
  } catch (error) {
    throw await afterUndo(error, last, attachment, options)
  }
}

async function runAll(
  list: NetworkList,
  attachment: Attachment,
  options: ChainOptions & Required<Pick<ChainOptions, 'note'>>,
): Promise<CniResult> {
  let done: Progress = { runs: [] }
  for (const [position, plugin] of list.plugins.entries()) {
    const config = configFor(list, plugin, attachment.capabilityArgs, done.result)
    const before = done.runs
    options.note({ ...done, runs: [...before, { position, config, ended: false }] })
    try {
      const how = settings(attachment, options, position)
      const result = await delegate(plugin.type, 'ADD', config, how)
      done = { runs: [...before, { position, config, ended: true }], result }
    } catch (error) {
      // What never ran has nothing to take back, and its program may not even exist.
      if (error instanceof NotStartedError) options.note(done)
      throw error
    }
    options.note(done)
  }
  return done.result ?? {}
}

/**
 * Runs DEL of all plug-ins in reverse order; the first failure ends it, and DEL may then be
 * repeated. `result` is what ADD gave, for the versions that pass it on.
 *
 * @throws CniError of the plug-in that failed
 */
export function delChain(
  list: NetworkList,
  attachment: Attachment,
  options: RemovalOptions,
  result?: CniResult,
): Promise<void> {
  const runs = runsOf(list, attachment.capabilityArgs)
  return delRuns({ runs, ...(result && { result }) }, attachment, options)
}

/** The plug-ins of a list as if ADD of each had been called. */
export function runsOf(list: NetworkList, capabilityArgs: JsonObject): PluginRun[] {
  return list.plugins.map((plugin, position) => ({
    position,
    config: configFor(list, plugin, capabilityArgs),
    ended: true,
  }))
}

/**
 * Runs DEL of the plug-ins whose ADD was begun, in reverse order, with the config that each was run
 * with; the first failure ends it unless there is an `onFailure`, and it may then be repeated.
 *
 * @throws CniError of the plug-in that failed, NotStartedError when its program is missing
 */
export async function delRuns(
  progress: Progress,
  attachment: Attachment,
  options: RemovalOptions,
): Promise<void> {
  const { runs, result } = progress
  for (let i = runs.length - 1; i >= 0; i--) {
    const { position, config } = runs[i] as PluginRun
    try {
      const how = settings(attachment, options, position)
      await delegate(config.type, 'DEL', delConfig(config, result), how)
    } catch (error) {
      if (!options.onFailure) throw error
      options.onFailure(toCniError(error))
    }
    options.note?.({ ...progress, runs: runs.slice(0, i) })
  }
}

/** Plug-ins of older versions do not expect a result with DEL ("DEL" in SPEC.md 0.4.0). */
function delConfig(config: PluginConf, result: CniResult | undefined): PluginConf {
  const { prevResult, ...own } = config
  const { cniVersion } = config
  if (!isAtLeast(cniVersion, '0.4.0')) return own
  const known = result ? printResult(result, cniVersion) : prevResult
  return known === undefined ? own : { ...own, prevResult: known }
}

/** What a plug-in of a list reads on stdin. */
export function configFor(
  list: NetworkList,
  plugin: ListedPlugin,
  capabilityArgs: JsonObject,
  previous?: CniResult,
): PluginConf {
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
  progress: Progress,
  attachment: Attachment,
  options: ChainOptions,
): Promise<Error> {
  const error = toCniError(thrown)
  try {
    await delRuns(progress, attachment, options)
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
