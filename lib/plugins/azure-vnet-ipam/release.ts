/**
 * Ending an owner's leases.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import type { Owner } from '../../cni/spec/owner.js'
import type { AddressService } from '../../engine/leases.js'
import { addressOf } from '../../ip/index.js'
import { forgetNeighbours } from '../../vnet/index.js'

/** Ends them, and takes what the host has learned of the addresses out of its neighbour table. */
export async function release(
  { host, log }: Pick<PluginCall, 'host' | 'log'>,
  service: AddressService,
  owner: Owner,
): Promise<void> {
  const leases = await service.release(owner)
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
