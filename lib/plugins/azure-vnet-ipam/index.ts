/**
 * The program azure-vnet-ipam: addresses of Azure's pool for anybody's main plug-in.
 */
import { definePlugin, type PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { AddressService, AZURE_DNS } from '../../engine/leases.js'
import { addressOf, defaultRoute, familyOf } from '../../ip/index.js'
import {
  cureOfUse,
  forgetNeighbours,
  readAddressesInUse,
  readNics,
} from '../../vnet/index.js'
import { leaseFamily, type Lease } from '../../ipam/index.js'
import { VERSION } from '../../version.js'
import { idleIpamFields, parseIpamConfig } from './config.js'

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
  const leases: Lease[] = []
  try {
    for (const address of settings.addresses.length > 0
      ? settings.addresses
      : [undefined]) {
      const lease = await service.acquire(owner, { ...settings, address }, nics, {
        ...nic,
        inUse: (ours) => readAddressesInUse(host, { ours, warn }),
        cureOfUse,
      })
      leases.push(lease)
    }
  } catch (error) {
    for (const lease of leases) await service.release(owner, leaseFamily(lease))
    throw error
  }
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

// The configuration is not looked at: what ADD would refuse still deletes.
async function del({ host, log, owner }: PluginCall): Promise<void> {
  const leases = await new AddressService(host, log).release(owner)
  const addresses = leases.map(({ address }) => address)
  if (leases.length === 0) return log.info('no address to take back')
  log.info('address taken back', { addresses })
  try {
    forgetNeighbours(host.current(), addresses.map(addressOf))
  } catch (error) {
    // The lease has ended. What the host still knows of the pod keeps the address back for a while.
    log.warn('the neighbour table keeps the address', { addresses, error: String(error) })
  }
}

export default definePlugin({
  name: 'azure-vnet-ipam',
  version: VERSION,
  about: 'gives pods addresses of an Azure virtual network',
  supportedVersions: ['0.3.0', '0.3.1'],
  add,
  del,
})
