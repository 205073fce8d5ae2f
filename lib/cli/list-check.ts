/**
 * All that can be said about a network configuration list without a host: what our plug-ins refuse,
 * and what they pass over. Plug-ins of others know their fields themselves.
 */
import { parseLogLevel } from '../cni/plugin/log.js'
import { LIST_FIELDS, type ListedPlugin, type NetworkList } from '../cni/runtime/list.js'
import { isObject } from '../cni/spec/config.js'
import { CniError, toCniError } from '../cni/spec/errors.js'
import { idleFields, refusedFields, type FieldTable } from '../cni/spec/fields.js'
import type { JsonObject } from '../cni/spec/types.js'

/** What there is to say about a list. */
export interface Findings {
  /** Fields that do nothing. */
  readonly warnings: string[]
  /** Why ADD would fail; each names place, field, value and cure. */
  readonly errors: CniError[]
}

/**
 * Looks at a list as a whole.
 *
 * @param json the file that it was read from: no plug-in gets the fields beside `plugins`
 */
export async function checkList(json: JsonObject, list: NetworkList): Promise<Findings> {
  const warnings = idleFields(json, LIST_FIELDS)
  const errors: CniError[] = []
  for (const [i, plugin] of list.plugins.entries()) {
    const rules = Object.hasOwn(OURS, plugin.type) ? OURS[plugin.type] : undefined
    if (!rules) continue
    const found = checkPlugin(plugin, await rules())
    const at = (text: string) => `plugins[${i}].${text}`
    warnings.push(...found.warnings.map(at))
    errors.push(
      ...found.errors.map(
        ({ code, msg, details }) => new CniError(code, at(msg), details),
      ),
    )
  }
  return { warnings, errors }
}

/** An object of a plug-in's config, and its fields. */
interface Section {
  /** Its key in the config; absent for the config itself. */
  readonly key?: string
  readonly table: FieldTable
}

/** What a plug-in asks of its config. */
interface Rules {
  sections(conf: ListedPlugin): Section[]
  /** Each throws CniError for the first field that is wrong. */
  parsers(conf: ListedPlugin): ((conf: JsonObject) => unknown)[]
}

function checkPlugin(plugin: ListedPlugin, rules: Rules): Findings {
  const errors: CniError[] = []
  const warnings: string[] = []
  let conf: JsonObject = plugin
  for (const { key, table } of rules.sections(plugin)) {
    const section = key === undefined ? conf : conf[key]
    if (!isObject(section)) continue
    const refused = refusedFields(section, table, key)
    errors.push(...refused.map(({ error }) => error))
    warnings.push(...idleFields(section, table, key))
    // The parsers end at the first error: without these they come to those behind them.
    const rest = { ...section }
    for (const field of refused) delete rest[field.key]
    conf = key === undefined ? rest : { ...conf, [key]: rest }
  }
  const parsers = [(one: JsonObject) => parseLogLevel(one['logLevel'])]
  for (const parse of [...parsers, ...rules.parsers(plugin)]) {
    try {
      parse(conf)
    } catch (thrown) {
      const error = toCniError(thrown)
      // Two parsers may look at one field.
      if (!errors.some(({ msg }) => msg === error.msg)) errors.push(error)
    }
  }
  return { warnings, errors }
}

/** "DNS" in SPEC.md. */
const DNS_FIELDS: FieldTable = {
  nameservers: 'read',
  domain: 'read',
  search: 'read',
  options: 'read',
}

const OURS: Readonly<Record<string, () => Promise<Rules>>> = {
  'azure-vnet': vnetRules,
  portmap: portmapRules,
  loopback: loopbackRules,
}

async function vnetRules(): Promise<Rules> {
  const [vnet, own] = await Promise.all([
    import('../plugins/azure-vnet/config.js'),
    import('../plugins/azure-vnet-ipam/config.js'),
  ])
  const isOwn = ({ ipam }: ListedPlugin) =>
    isObject(ipam) && ipam['type'] === vnet.OWN_IPAM
  const parseIpam = (conf: JsonObject) => own.parseIpamConfig(conf, new Map())
  return {
    sections: (conf) => [
      { table: vnet.VNET_FIELDS },
      { key: 'dns', table: DNS_FIELDS },
      ...(isOwn(conf) ? [{ key: 'ipam', table: own.IPAM_FIELDS }] : []),
    ],
    parsers: (conf) => [vnet.parseVnetConfig, ...(isOwn(conf) ? [parseIpam] : [])],
  }
}

async function portmapRules(): Promise<Rules> {
  const portmap = await import('../plugins/portmap/config.js')
  return {
    sections: () => [
      { table: portmap.PORTMAP_FIELDS },
      { key: 'capabilities', table: { portMappings: 'read' } },
    ],
    parsers: () => [portmap.parsePortmapConfig],
  }
}

async function loopbackRules(): Promise<Rules> {
  const { LOOPBACK_FIELDS } = await import('../plugins/loopback/add.js')
  return { sections: () => [{ table: LOOPBACK_FIELDS }], parsers: () => [] }
}
