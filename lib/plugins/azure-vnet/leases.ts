/**
 * Where a pod's address comes from: our own address management in this process, or another
 * plug-in as a program.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { isObject } from '../../cni/spec/config.js'
import { pluginTypeRule } from '../../cni/spec/names.js'
import type { Leases } from '../../engine/engine.js'
import { cureOfUse } from '../../vnet/index.js'
import { checkArgs, checkWanted, OWN_IPAM, type VnetConfig } from './config.js'

/** The addresses for an ADD, as its configuration wants them. */
export async function leasesFor(call: PluginCall, config: VnetConfig): Promise<Leases> {
  if (config.ipamType !== OWN_IPAM) return anothers(call, config.ipamType)
  const [{ AddressService, AZURE_DNS }, { idleIpamFields, parseIpamConfig }] =
    await Promise.all([
      import('../../engine/leases.js'),
      import('../azure-vnet-ipam/config.js'),
    ])
  const { host, log, owner, args } = call
  const { master } = config.settings
  const ipam = parseIpamConfig(call.config, args)
  checkArgs(config.mode, args)
  checkWanted(config.mode, ipam.addresses)
  for (const finding of idleIpamFields(call.config)) log.warn(finding)
  const service = new AddressService(host, log, ipam.environment)
  return {
    name: OWN_IPAM,
    ofAllNetworks: true,
    takesHostAddresses: ipam.hostAddresses === 'take',
    async acquire({ nics, exclude, inUse }) {
      let isScarce = false
      const onScarce = () => void (isScarce = true)
      const wishes = {
        exclude,
        inUse,
        onScarce,
        cureOfUse,
        ...(master && { nic: master }),
      }
      const lease = await service.acquire(owner, ipam, nics(), wishes)
      return { addresses: [lease], dns: { nameservers: [AZURE_DNS] }, isScarce }
    },
    async release(one) {
      await service.release(one)
    },
  }
}

/** The type of an `ipam` section, when it can be the name of a plug-in. */
export function configuredIpam(ipam: unknown): string | undefined {
  const type = isObject(ipam) ? ipam['type'] : undefined
  return typeof type === 'string' && pluginTypeRule.fits(type) ? type : undefined
}

/**
 * Who takes the addresses of an attachment back. Without a record, the configuration tells who gives
 * addresses now: our own may have given this one before it was changed.
 *
 * @param recorded name of the IPAM plug-in that gave them
 */
export async function leasesOfRecord(
  call: PluginCall,
  recorded: string | undefined,
): Promise<Pick<Leases, 'release'>> {
  if (recorded !== undefined) return leasesOf(call, recorded)
  const own = await leasesOf(call, OWN_IPAM)
  const configured = configuredIpam(call.config.ipam) ?? OWN_IPAM
  if (configured === OWN_IPAM) return own
  const other = await leasesOf(call, configured)
  return {
    async release(owner) {
      await own.release(owner)
      await other.release(owner)
    },
  }
}

async function leasesOf(
  call: PluginCall,
  ipamType: string,
): Promise<Pick<Leases, 'release'>> {
  if (ipamType !== OWN_IPAM) return anothers(call, ipamType)
  const { AddressService } = await import('../../engine/leases.js')
  const service = new AddressService(call.host, call.log)
  return {
    async release(owner) {
      await service.release(owner)
    },
  }
}

async function anothers(call: PluginCall, type: string): Promise<Leases> {
  return (await import('./delegated.js')).delegated(call, type)
}
