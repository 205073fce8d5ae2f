/**
 * The program azure-vnet-ipam: addresses of Azure's pool for anybody's main plug-in.
 */
import { definePlugin, type PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { AddressService, AZURE_DNS } from '../../engine/leases.js'
import { defaultRoute, familyOf } from '../../ip/index.js'
import { cureOfUse, readAddressesInUse, readNics } from '../../vnet/index.js'
import { CNI_VERSIONS } from '../../cni/spec/version.js'
import { VERSION } from '../../version.js'
import { idleIpamFields, parseIpamConfig } from './config.js'
import { release } from './release.js'

// What is taken off a NIC has to be on record, and to come back: that is for who has a network.
const TAKES_NOTHING =
  'ipam.hostAddresses "take" has no effect without azure-vnet as the main plug-in: addresses of ' +
  'the host are passed over'

async function add(call: PluginCall): Promise<CniResult> {
  const { config, host, log, owner } = call
  const settings = parseIpamConfig(config, call.args)
  const warn = (message: string) => log.warn(message)
  for (const sentence of idleIpamFields(config)) log.warn(sentence)
  if (settings.hostAddresses === 'take') warn(TAKES_NOTHING)
  const nics = readNics(host.current())
  const { master } = config
  // Only a name of one of our NICs restricts the choice: other plug-ins use "master" differently.
  const nic = nics.some(({ name }) => name === master) && { nic: String(master) }
  const service = new AddressService(host, log, settings.environment)
  const lease = await service.acquire(owner, settings, nics, {
    ...nic,
    inUse: (ours) => readAddressesInUse(host, { ours, warn }),
    cureOfUse,
  })
  log.info('address given', { address: lease.address })
  return {
    ips: [{ address: lease.address, gateway: lease.gateway }],
    routes: [{ dst: defaultRoute(familyOf(lease.gateway)!), gw: lease.gateway }],
    dns: { nameservers: [AZURE_DNS] },
  }
}

// The configuration is not looked at: what ADD would refuse still deletes.
function del(call: PluginCall): Promise<void> {
  const { host, log, owner } = call
  return release(call, new AddressService(host, log), owner)
}

export default definePlugin({
  name: 'azure-vnet-ipam',
  version: VERSION,
  about: 'gives pods addresses of an Azure virtual network',
  supportedVersions: CNI_VERSIONS,
  add,
  del,
  check: () => import('./check.js'),
  gc: () => import('./gc.js'),
  status: () => import('./status.js'),
})
