/**
 * The program azure-vnet-ipam: addresses of Azure's pool for anybody's main plug-in.
 */
import { definePlugin, type PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { defaultRoute, familyOf } from '../../ip/index.js'
import { VERSION } from '../../version.js'
import { parseIpamConfig } from './config.js'
import { AddressService, AZURE_DNS, readNics } from '../../engine/leases.js'

async function add(call: PluginCall): Promise<CniResult> {
  const config = parseIpamConfig(call.config, call.args)
  const master = call.config['master']
  const nics = readNics(call.host.current())
  // Only a name of one of our NICs restricts the choice: other plug-ins use "master" differently.
  const nic = nics.some(({ name }) => name === master) ? { nic: String(master) } : {}
  const lease = await new AddressService(call.host, call.log).acquire(
    call.owner,
    config,
    nics,
    nic,
  )
  call.log.info('address given', { address: lease.address })
  return {
    ips: [{ address: lease.address, gateway: lease.gateway }],
    routes: [{ dst: defaultRoute(familyOf(lease.gateway)!), gw: lease.gateway }],
    dns: { nameservers: [AZURE_DNS] },
  }
}

async function del(call: PluginCall): Promise<void> {
  const lease = await new AddressService(call.host, call.log).release(call.owner)
  call.log.info('address taken back', { address: lease?.address })
}

export default definePlugin({
  name: 'azure-vnet-ipam',
  version: VERSION,
  about: 'gives pods addresses of an Azure virtual network',
  supportedVersions: ['0.3.0', '0.3.1'],
  add,
  del,
})
