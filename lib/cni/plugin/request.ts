/**
 * The checks of a call that need nothing but its environment and stdin. Their order is that
 * of the Go library's `skel`, because runtimes and test suites know it: environment, stdin,
 * JSON, network name, cniVersion.
 */
import { KNOWN_ARGS, parseArgs } from '../spec/args.js'
import { isObject } from '../spec/config.js'
import {
  CniCode,
  CniError,
  invalidConfig,
  invalidEnvironment,
  show,
} from '../spec/errors.js'
import type { Host } from '../../host/host.js'
import type { PluginIo } from './io.js'
import type { Plugin } from './plugin.js'
import { identifierRule, interfaceRule, type NameRule } from '../spec/names.js'
import type { JsonObject, NetConf, Verb } from '../spec/types.js'
import { DEFAULT_VERSION, isAtLeast } from '../spec/version.js'

type Env = PluginIo['env']

/** What the spec says about a verb. */
export interface VerbRule {
  handler: 'add' | 'del' | 'check' | 'gc' | 'status'
  /** The CNI version that brought the verb. */
  since: string
  /** Variables that must be there and not be empty ("CNI operations" in SPEC.md). */
  requires: readonly string[]
}

const ATTACHMENT = ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME']

/** The verbs that reach a handler. */
export const VERBS: Record<Verb, VerbRule> = {
  ADD: { handler: 'add', since: '0.1.0', requires: ATTACHMENT },
  DEL: { handler: 'del', since: '0.1.0', requires: ['CNI_CONTAINERID', 'CNI_IFNAME'] },
  CHECK: { handler: 'check', since: '0.4.0', requires: ATTACHMENT },
  GC: { handler: 'gc', since: '1.1.0', requires: ['CNI_PATH'] },
  STATUS: { handler: 'status', since: '1.1.0', requires: [] },
}

/**
 * The verb of a call, when the environment has all that it needs.
 *
 * @throws CniError code 4; one error names all variables that are missing
 */
export function readVerb(env: Env): Verb {
  const verb = env.CNI_COMMAND ?? ''
  if (!isVerb(verb)) {
    const known = [...Object.keys(VERBS), 'VERSION'].join(', ')
    throw invalidEnvironment('CNI_COMMAND', verb, `use one of ${known}`)
  }
  const { requires } = VERBS[verb]
  const missing = requires.filter((name) => !env[name])
  if (missing.length > 0) {
    throw new CniError(
      CniCode.InvalidEnvironment,
      `required environment variables are missing: ${missing.join(',')}: ` +
        `set them for ${verb}`,
    )
  }
  if (requires.includes('CNI_CONTAINERID')) {
    checkName('CNI_CONTAINERID', env.CNI_CONTAINERID, identifierRule)
  }
  if (requires.includes('CNI_IFNAME')) {
    checkName('CNI_IFNAME', env.CNI_IFNAME, interfaceRule)
  }
  return verb
}

function isVerb(command: string): command is Verb {
  return Object.hasOwn(VERBS, command)
}

function checkName(variable: string, value = '', { fits, cure }: NameRule): void {
  if (!fits(value)) throw invalidEnvironment(variable, value, cure)
}

/**
 * Reads stdin as a JSON object.
 *
 * @throws CniError code 5 when it cannot be read, 6 when it is anything else
 */
export function readJson(stdin: PluginIo['stdin']): JsonObject {
  let text: string
  try {
    text = stdin()
  } catch (error) {
    throw new CniError(CniCode.Io, `stdin cannot be read: ${String(error)}`)
  }
  const hint = 'the runtime must write the network config, a JSON object, to stdin'
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const why = text.trim() ? `stdin is not JSON: ${String(error)}` : 'stdin is empty'
    throw new CniError(CniCode.Decode, `${why}: ${hint}`)
  }
  if (isObject(json)) return json
  throw new CniError(CniCode.Decode, `stdin: ${show(json)} is not valid: ${hint}`)
}

/**
 * Checks what the spec says about a config: its network name, and a version that both the
 * verb and the plug-in know. DEL goes on with any version: it has no result to print, and refusing
 * would keep the container's addresses for ever.
 *
 * @throws CniError code 7 for the name, 6 and 1 for the version
 */
export function checkConfig(plugin: Plugin, verb: Verb, json: JsonObject): NetConf {
  const { name } = json
  if (typeof name !== 'string' || !identifierRule.fits(name)) {
    throw invalidConfig('name', name, identifierRule.cure)
  }
  if (verb === 'DEL') {
    if (!plugin.del) throw hasNo(plugin, verb)
    const { cniVersion } = json
    return {
      ...json,
      name,
      cniVersion: isText(cniVersion) ? cniVersion : DEFAULT_VERSION,
    }
  }
  const version = json.cniVersion ?? DEFAULT_VERSION
  if (typeof version !== 'string') {
    const found = show(version)
    throw new CniError(CniCode.Decode, `cniVersion: ${found} is not valid: use a string`)
  }
  const cniVersion = version || DEFAULT_VERSION
  checkVersion(plugin, verb, cniVersion)
  return { ...json, name, cniVersion }
}

function checkVersion(plugin: Plugin, verb: Verb, cniVersion: string): void {
  const { name, supportedVersions } = plugin
  const { since, handler } = VERBS[verb]
  if (isAtLeast(cniVersion, '0.1.0') && !isAtLeast(cniVersion, since)) {
    throw incompatible(`cniVersion "${cniVersion}" has no ${verb}: it came with ${since}`)
  }
  if (!supportedVersions.includes(cniVersion)) {
    throw incompatible(
      `cniVersion "${cniVersion}" is not supported: use ${supportedVersions.join(' or ')}`,
      `config is "${cniVersion}", ${name} supports ${JSON.stringify(supportedVersions)}`,
    )
  }
  if (!plugin[handler]) throw hasNo(plugin, verb)
}

function hasNo({ name }: Plugin, verb: Verb): CniError {
  return incompatible(`${name} has no ${verb}: use it for ADD and DEL only`)
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== ''

function incompatible(msg: string, details?: string): CniError {
  return new CniError(CniCode.IncompatibleVersion, msg, details)
}

/**
 * CNI_ARGS as a plug-in's handlers get it; empty for a plug-in that does not look at it.
 *
 * @throws CniError code 4
 */
export function readArgs({ knownArgs = [] }: Plugin, env: Env): Map<string, string> {
  if (knownArgs === false) return new Map()
  return parseArgs(env.CNI_ARGS ?? '', [...KNOWN_ARGS, ...knownArgs])
}

/** CNI_PATH as the handlers get it. */
export function readPath(env: Env): string[] {
  return (env.CNI_PATH ?? '').split(':').filter(Boolean)
}

/**
 * Checks the variables that move our folders, before anything is written anywhere.
 *
 * @throws CniError code 4 that names the variable
 */
export function checkFolders(host: Host): void {
  try {
    void [host.stateDir, host.logDir, host.keepDir, host.azureDir, host.runDir]
  } catch (error) {
    throw new CniError(CniCode.InvalidEnvironment, (error as Error).message)
  }
}
