/**
 * `vnet-cni repair`: the host as the records say that it should be.
 */
import { loadList } from '../cni/runtime/list.js'
import { engineOf } from '../engine/engine.js'
import { repair as repairHost, type ChangedSettings } from '../engine/repair.js'
import { EXIT, optional, UsageError, type Command } from './command.js'
import { logOf } from './log.js'

const USAGE = `[options]

  --conflist FILE  apply the settings of this list (masquerade, bridgeLifetime) to the pods that
                   its network has already, instead of waiting for its next pod
  --json           print what was done

Makes or mends bridges, nft tables, pods' entries, Internet SNAT and host ports, as they are on
record: after "nft flush ruleset", or a bridge that was taken away. Pods keep their traffic.

example: vnet-cni repair --conflist /etc/cni/net.d/10-azure.conflist
`

/** The command. */
export const repair: Command = {
  name: 'repair',
  summary: 'brings bridges, tables, SNAT and host ports into the state on record',
  usage: USAGE,
  options: { conflist: { type: 'string' } },
  async run({ values, out, host }) {
    const file = optional(values, 'conflist')
    const changed = file === undefined ? undefined : await settingsOf(file)
    const done = await repairHost(engineOf(host, logOf(out)), changed)
    for (const { name, wasWhole } of done.networks) {
      out.line(`${name}: ${wasWhole ? 'in order' : 'mended'}`)
    }
    if (done.networks.length === 0) out.line('no network is on record')
    for (const owner of done.ports) out.line(`host ports of ${owner}: back`)
    out.json(done)
    return EXIT.ok
  },
}

async function settingsOf(file: string): Promise<ChangedSettings> {
  const { parseVnetConfig } = await import('../plugins/azure-vnet/config.js')
  const list = loadList(file)
  const plugin = list.plugins.find(({ type }) => type === 'azure-vnet')
  if (!plugin) throw new UsageError(`--conflist ${file}: it has no plug-in azure-vnet`)
  return { network: list.name, settings: parseVnetConfig(plugin).settings }
}
