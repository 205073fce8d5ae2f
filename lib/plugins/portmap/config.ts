/**
 * The config of portmap.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { ConfigReader } from '../../cni/spec/config.js'
import { CniCode, CniError, show } from '../../cni/spec/errors.js'
import {
  COMMON_FIELDS,
  idleFields,
  refuseFields,
  type FieldTable,
} from '../../cni/spec/fields.js'
import type { JsonObject } from '../../cni/spec/types.js'
import { PORT_BACKENDS, type PortBackendName } from '../../portmap/backend.js'
import { parseMappings, type Mapping } from '../../portmap/mapping.js'

const CONDITIONS = 'leave it out, and let a firewall of the host say who may come'
const MARK = 'leave it out: what is to be translated is not marked, it is looked up'

/** The fields of portmap's config. */
export const PORTMAP_FIELDS: FieldTable = {
  ...COMMON_FIELDS,
  snat: 'read',
  backend: 'read',
  conditionsV4: { refused: CONDITIONS },
  conditionsV6: { refused: CONDITIONS },
  masqAll: {
    refused:
      'leave it out: only what a container or 127.0.0.1 sends to its own port is translated',
  },
  markMasqBit: { refused: MARK },
  externalSetMarkChain: { refused: MARK },
}

/** What portmap is asked for. */
export interface PortmapConfig {
  /** The ports that are to be mapped. */
  readonly mappings: readonly Mapping[]
  /** See PortsRecord; true unless the config says otherwise. */
  readonly snat: boolean
  /** What shall keep the ports. */
  readonly backend: PortBackendName
  /** What is in the config and does nothing, in words. */
  readonly warnings: readonly string[]
}

/**
 * Reads portmap's config.
 *
 * @throws CniError UnsupportedField for what would change access and does not work, InvalidConfig
 */
export function parsePortmapConfig(json: JsonObject): PortmapConfig {
  refuseFields(json, PORTMAP_FIELDS)
  const reader = new ConfigReader(json)
  const runtime = reader.optionalObject('runtimeConfig')
  const warnings = idleFields(json, PORTMAP_FIELDS)
  const mappings = parseMappings(runtime?.json['portMappings'], (text) => {
    warnings.push(text)
  })
  return {
    snat: reader.optionalBoolean('snat') ?? true,
    backend: parseBackend(json['backend']),
    mappings,
    warnings,
  }
}

function parseBackend(value: unknown): PortBackendName {
  // An empty text is how Go programs leave it out.
  if (value === undefined || value === null || value === '') return 'nftables'
  const known = PORT_BACKENDS.find((name) => name === value)
  if (known) return known
  const names = PORT_BACKENDS.map(show).join(' or ')
  throw new CniError(
    CniCode.UnsupportedField,
    `backend: ${show(value)} is not supported: leave it out, or use ${names}`,
  )
}

/** Reads the config of a call, and says in its log what does nothing. */
export function readConfig({ config, log }: PluginCall): PortmapConfig {
  const parsed = parsePortmapConfig(config)
  for (const warning of parsed.warnings) log.warn(warning)
  return parsed
}
