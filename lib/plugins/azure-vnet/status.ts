/**
 * STATUS: whether a container can be attached. Kubelets ask every few seconds: no lock, no source.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { engineOf } from '../../engine/engine.js'
import { AddressService } from '../../engine/leases.js'
import { status as look } from '../../engine/status.js'
import { refuseProblems } from '../differences.js'
import { OWN_IPAM, parseVnetConfig } from './config.js'

/** Throws CniError NotAvailable, LimitedConnectivity, or the error of a foreign IPAM. */
export async function status({ config, host, log, stderr }: PluginCall): Promise<void> {
  const { ipamType, settings } = parseVnetConfig(config)
  const service = ipamType === OWN_IPAM ? new AddressService(host, log) : undefined
  const problems = look(engineOf(host, log), {
    master: settings.master,
    pools: (nics) => service?.snapshot(nics),
  })
  refuseProblems(problems)
  if (service) return
  const { delegate } = await import('../../cni/runtime/delegate.js')
  await delegate(ipamType, 'STATUS', config, { host, stderr, env: host.env })
}
