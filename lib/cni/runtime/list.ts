/**
 * A network configuration list: the file that tells a runtime which plug-ins to run
 * ("Network configuration format" in SPEC.md).
 */
import { readFileSync } from 'node:fs'
import { ConfigReader, isObject } from '../spec/config.js'
import { CniCode, CniError } from '../spec/errors.js'
import type { FieldTable } from '../spec/fields.js'
import { identifierRule, pluginTypeRule } from '../spec/names.js'
import type { JsonObject } from '../spec/types.js'
import { DEFAULT_VERSION, layoutOf } from '../spec/version.js'

/** One plug-in's object in a list. */
export interface ListedPlugin extends JsonObject {
  /** File name of the program. */
  readonly type: string
}

/** A list, checked. */
export interface NetworkList {
  readonly cniVersion: string
  /** Name of the network. */
  readonly name: string
  /** At least one. */
  readonly plugins: readonly ListedPlugin[]
}

/** The fields of a list beside those of its plug-ins ("Network configuration format"). */
export const LIST_FIELDS: FieldTable = {
  cniVersion: 'read',
  cniVersions: { noEffect: 'the version is the one of "cniVersion"' },
  name: 'read',
  plugins: 'read',
  disableCheck: { noEffect: 'it is for runtimes that call CHECK' },
  disableGC: { noEffect: 'it is for runtimes that call GC' },
  loadOnlyInlinedPlugins: { noEffect: 'plug-ins are read from the list alone' },
}

/**
 * Reads a list from a file.
 *
 * @throws CniError code 5 when it cannot be read, 6 when it is not JSON, 7 for a wrong field;
 *   each names the file
 */
export function loadList(file: string): NetworkList {
  return parseList(loadJson(file), file)
}

/** The text of a file as JSON. Throws as `loadList` does: code 5 and 6. */
export function loadJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    const cure = 'name a network configuration list that exists'
    throw new CniError(CniCode.Io, `${file} cannot be read: ${code}: ${cure}`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = (error as Error).message
    throw new CniError(CniCode.Decode, `${file} is not JSON: ${why}: correct it`)
  }
}

/** Checks a list; `file` is named in errors (CniError code 7). */
export function parseList(json: unknown, file: string): NetworkList {
  if (!isObject(json)) {
    const cure = 'write an object with cniVersion, name and plugins'
    throw new CniError(CniCode.InvalidConfig, `${file}: not a JSON object: ${cure}`)
  }
  try {
    return checkList(json)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError(error.code, `${file}: ${error.msg}`, error.details)
  }
}

function checkList(json: JsonObject): NetworkList {
  const reader = new ConfigReader(json)
  const cniVersion = reader.optionalString('cniVersion') ?? DEFAULT_VERSION
  if (!layoutOf(cniVersion)) {
    throw reader.invalid('cniVersion', 'use a released version, such as "0.3.1"')
  }
  const name = reader.string('name')
  if (!identifierRule.fits(name)) throw reader.invalid('name', identifierRule.cure)
  const plugins = reader.array('plugins').map((plugin) => {
    const type = plugin.string('type')
    if (!pluginTypeRule.fits(type)) throw plugin.invalid('type', pluginTypeRule.cure)
    plugin.optionalObject('capabilities')
    return { ...plugin.json, type }
  })
  if (plugins.length === 0) {
    throw reader.invalid(
      'plugins',
      'list at least one plug-in; a single .conf is no list',
    )
  }
  return { cniVersion, name, plugins }
}
