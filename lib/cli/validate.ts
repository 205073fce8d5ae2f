/**
 * `vnet-cni validate`: tells whether a network configuration list can be used.
 */
import { loadList } from '../cni/runtime/list.js'
import { EXIT, type Command } from './command.js'

/** The command. */
export const validate: Command = {
  name: 'validate',
  summary: 'checks a network configuration list',
  usage: 'FILE [--json]\n',
  options: {},
  positionals: ['FILE'],
  async run({ positionals: [file = ''], out }) {
    const list = loadList(file)
    const { OWN_IPAM, parseVnetConfig } = await import('../plugins/azure-vnet/config.js')
    const { parseIpamConfig } = await import('../plugins/azure-vnet-ipam/config.js')
    for (const plugin of list.plugins) {
      if (plugin.type !== 'azure-vnet') continue
      const { ipamType } = parseVnetConfig(plugin)
      if (ipamType === OWN_IPAM) parseIpamConfig(plugin, new Map())
    }
    const types = list.plugins.map(({ type }) => type)
    out.line(`${file}: network ${list.name}, ${types.join(' + ')}`)
    out.json({ name: list.name, cniVersion: list.cniVersion, plugins: types })
    return EXIT.ok
  },
}
