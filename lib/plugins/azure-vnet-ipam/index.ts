/**
 * The program azure-vnet-ipam: addresses of Azure's pool for anybody's main plug-in.
 */
import { definePlugin, type PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { AddressService, AZURE_DNS } from '../../engine/leases.js'
import { defaultRoute, familyOf } from '../../ip/index.js'
import { cureOfUse, readAddressesInUse, readNics } from '../../vnet/index.js'
import { CNI_VERSIONS } from '../../cni/spec/version.js'
import { leaseFamily, type Lease, type Owner } from '../../ipam/index.js'
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
  const inUse = (ours: ReadonlySet<string>) => readAddressesInUse(host, { ours, warn })
  const leases = await all(settings.addresses, service, owner, (address) =>
    service.acquire(owner, { ...settings, address }, nics, { ...nic, inUse, cureOfUse }),
  )
  log.info('address given', { address: leases.map(({ address }) => address).join(', ') })
  return {
    ips: leases.map(({ address, gateway }) => ({ address, gateway })),
    routes: leases.map(({ gateway }) => ({
      dst: defaultRoute(familyOf(gateway)!),
      gw: gateway,
    })),
    dns: { nameservers: [AZURE_DNS] },
  }
}

/** A lease of each address that is wished for, or of any; all or none. */
async function all(
  wished: readonly string[],
  service: AddressService,
  owner: Owner,
  acquire: (address: string | undefined) => Promise<Lease>,
): Promise<Lease[]> {
  const leases: Lease[] = []
  try {
    for (const address of wished.length > 0 ? wished : [undefined])
      leases.push(await acquire(address))
    return leases
  } catch (error) {
    for (const lease of leases) await service.release(owner, leaseFamily(lease))
    throw error
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
