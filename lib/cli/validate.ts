/**
 * `vnet-cni validate`: tells whether a network configuration list can be used.
 */
import { loadJson, parseList, type NetworkList } from '../cni/runtime/list.js'
import { toCniError } from '../cni/spec/errors.js'
import type { JsonObject } from '../cni/spec/types.js'
import type { Host } from '../host/host.js'
import { EXIT, type Command, type Output } from './command.js'
import type { Findings } from './list-check.js'

const USAGE = `FILE [options]

  --strict  warnings count as errors
  --json    print { name, cniVersion, plugins, warnings, errors }

An error is what ADD would fail for; a warning is a field that does nothing, such as one with a
typing error in its name, or what the firewall of this host (seen by root alone) would do to
containers. Exit code 0: no error, 1: errors.
`

/** The command. */
export const validate: Command = {
  name: 'validate',
  summary: 'checks a network configuration list',
  usage: USAGE,
  options: { strict: { type: 'boolean' } },
  positionals: ['FILE'],
  async run({ values, positionals: [file = ''], out, host }) {
    const { list, errors, ...found } = await read(file)
    const warnings = [...found.warnings, ...(await hostWarnings(host, list))]
    for (const text of warnings) out.warn(`vnet-cni validate: warning: ${text}\n`)
    for (const { msg } of errors) out.warn(`vnet-cni validate: ${msg}\n`)
    const isFine = errors.length === 0 && (warnings.length === 0 || !values['strict'])
    tell(out, file, isFine, { list, warnings, errors })
    return isFine ? EXIT.ok : EXIT.failed
  },
}

/** Findings about a list; the list is absent where there is none in the file. */
interface Reading extends Findings {
  readonly list: NetworkList | undefined
}

async function read(file: string): Promise<Reading> {
  let list: NetworkList | undefined
  try {
    const json = loadJson(file)
    list = parseList(json, file)
    const { checkList } = await import('./list-check.js')
    return { list, ...(await checkList(json as JsonObject, list)) }
  } catch (error) {
    return { list, warnings: [], errors: [toCniError(error)] }
  }
}

/** What the firewall of this host would do; nothing where that cannot be seen. */
async function hostWarnings(
  host: Host,
  list: NetworkList | undefined,
): Promise<string[]> {
  const plugin = list?.plugins.find(({ type }) => type === 'azure-vnet')
  if (!plugin) return []
  try {
    const { parseVnetConfig } = await import('../plugins/azure-vnet/config.js')
    const { firewallOf } = await import('../engine/firewall.js')
    const { mode, settings } = parseVnetConfig(plugin)
    const findings = firewallOf(host.current(), mode, settings)
    return findings.map(({ message, cure }) => `${message}; ${cure}`)
  } catch {
    // A list that is wrong has its errors; without rights, or elsewhere, there is no host to see.
    return []
  }
}

function tell(
  out: Output,
  file: string,
  isFine: boolean,
  { list, warnings, errors }: Reading,
): void {
  const plugins = list?.plugins.map(({ type }) => type)
  const [error] = errors
  if (isFine) out.line(`${file}: network ${list?.name}, ${plugins?.join(' + ')}`)
  out.json({
    ...(list && { name: list.name, cniVersion: list.cniVersion, plugins }),
    warnings,
    errors: errors.map(({ msg }) => msg),
    // As every command has it when it fails.
    ...(error && { error }),
  })
}
