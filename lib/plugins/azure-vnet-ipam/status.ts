/**
 * STATUS: whether there is an address to give.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { AddressService } from '../../engine/leases.js'
import { exhausted } from '../../engine/status.js'
import { readNics } from '../../vnet/index.js'
import { refuseProblems } from '../differences.js'
import { parseIpamConfig } from './config.js'

/** Throws CniError NotAvailable, with the numbers of the pools. */
export async function status({ config, args, host, log }: PluginCall): Promise<void> {
  parseIpamConfig(config, args)
  const nics = readNics(host.current())
  refuseProblems(exhausted(new AddressService(host, log).snapshot(nics)))
}
