/**
 * Runs another plug-in, an IPAM one for example ("Delegated Plugins" in SPEC.md): the same
 * environment, the whole config on stdin, its stderr on ours.
 *
 * After a failed ADD of a delegate the caller must delegate DEL before it fails itself.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecOutcome } from '../../host/exec.js'
import type { Host } from '../../host/host.js'
import type { Environment } from '../../host/world.js'
import { isObject } from '../spec/config.js'
import { CniCode, CniError, invalidConfig, toCniError } from '../spec/errors.js'
import { pluginTypeRule } from '../spec/names.js'
import { parseResult } from '../spec/result.js'
import type { CniResult, NetConf, Verb } from '../spec/types.js'

/** Settings of a delegation. */
export interface DelegateOptions {
  /** Runs the program. */
  host: Pick<Host, 'exec'>
  /** The program's environment; CNI_PATH tells where to search. */
  env: Environment
  /** Where the config names the plug-in, for messages; `ipam.type` unless given. */
  field?: string
  /** In milliseconds; 60,000 unless given. */
  timeoutMs?: number
  /** Gets what the delegate writes to stderr. */
  stderr: (text: string) => void
}

/** A plug-in's program is missing or could not be started: nothing of it ran (code 105). */
export class NotStartedError extends CniError {
  constructor(type: string, why: string) {
    super(CniCode.DelegateFailed, `${type}: ${why}`)
  }
}

/**
 * Runs a verb of the plug-in called `type` and waits for it.
 *
 * @returns the result of ADD; undefined for the other verbs
 * @throws CniError with the delegate's own code and words where it gave any, else 105, as a
 *   NotStartedError when it did not run at all; 7 for a `type` that is no plain file name
 */
export function delegate(
  type: string,
  verb: 'ADD',
  config: NetConf,
  options: DelegateOptions,
): Promise<CniResult>
export function delegate(
  type: string,
  verb: Exclude<Verb, 'ADD'>,
  config: NetConf,
  options: DelegateOptions,
): Promise<undefined>
export async function delegate(
  type: string,
  verb: Verb,
  config: NetConf,
  options: DelegateOptions,
): Promise<CniResult | undefined> {
  const { host, env, timeoutMs = 60_000, stderr } = options
  const file = findPlugin(type, env.CNI_PATH ?? '', options.field)
  const input = JSON.stringify(config)
  const child = await host.exec({
    file,
    env: { ...env, CNI_COMMAND: verb },
    input,
    timeoutMs,
  })
  if (child.stderr) stderr(child.stderr)
  if (child.status !== 0) throw failure(type, verb, child, timeoutMs)
  return verb === 'ADD' ? readAnswer(type, child.stdout, config.cniVersion) : undefined
}

/**
 * Path of the plug-in called `type` in the folders of a CNI_PATH.
 *
 * @throws CniError code 7 for a `type` that is no plain file name, NotStartedError when no folder
 *   has it
 */
export function findPlugin(type: string, cniPath: string, field = 'ipam.type'): string {
  if (!pluginTypeRule.fits(type)) throw invalidConfig(field, type, pluginTypeRule.cure)
  const folders = cniPath.split(':').filter(Boolean)
  const found = folders.map((folder) => join(folder, type)).find(isProgram)
  if (found) return found
  const searched = folders.join(', ') || 'no folder: CNI_PATH is empty'
  throw new NotStartedError(
    type,
    `not found (${field}): searched ${searched}: install it there or correct CNI_PATH`,
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function readAnswer(type: string, stdout: string, cniVersion: string): CniResult {
  const answer = tryJson(stdout)
  if (!isObject(answer)) throw failed(type, 'ADD gave no JSON object on stdout', stdout)
  // A result may be in a version of the delegate's choice; without one it is in ours.
  const version = typeof answer.cniVersion === 'string' && answer.cniVersion
  try {
    return parseResult(answer, version || cniVersion, 'result')
  } catch (error) {
    throw failed(type, `ADD gave a bad result: ${toCniError(error).msg}`)
  }
}

function failure(
  type: string,
  verb: Verb,
  child: ExecOutcome,
  timeoutMs: number,
): CniError {
  const { failure: error, stdout, stderr } = child
  if (error === 'ETIMEDOUT') {
    return failed(type, `${verb} did not end within ${timeoutMs / 1000} s`, stderr)
  }
  if (error) {
    const cure = 'look at its rights, and at what it was built for'
    return new NotStartedError(type, `${verb} could not run: ${error}: ${cure}`)
  }
  const said = tryJson(stdout)
  if (isObject(said) && typeof said.code === 'number') {
    const details = typeof said.details === 'string' ? said.details : undefined
    return new CniError(said.code, `${type}: ${String(said.msg ?? '')}`, details)
  }
  const end = child.signal
    ? `was ended by ${child.signal}`
    : `exited with ${child.status}`
  // As libcni does: without an error object, stderr has the reason.
  return failed(type, `${verb} ${end}`, (stdout || stderr).trim())
}

function failed(type: string, msg: string, details = ''): CniError {
  return new CniError(CniCode.DelegateFailed, `${type}: ${msg}`, details.slice(0, 2000))
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
