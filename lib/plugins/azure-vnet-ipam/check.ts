/**
 * CHECK: whether the container still has its lease.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { requirePrevResult } from '../../cni/spec/prev-result.js'
import { AddressService } from '../../engine/leases.js'
import { addressOf } from '../../ip/index.js'
import { refuseDifferences } from '../differences.js'

/** Throws CniError Different when there is no lease, or it is of an address that was not told. */
export async function check(call: PluginCall): Promise<void> {
  const { host, log, owner } = call
  const told = requirePrevResult(
    call,
    'CHECK compares with the result of ADD',
    'The plug-in that calls this one must pass on what it was given.',
  )
  const leases = new AddressService(host, log).find(owner)
  const known = new Set((told.ips ?? []).map(({ address }) => addressOf(address)))
  const strange = leases.filter(({ address }) => !known.has(addressOf(address)))
  refuseDifferences(owner, [
    ...(leases.length === 0 ? ['no address is leased: others may get its own'] : []),
    ...strange.map(({ address }) => `${address} is leased, but is not in prevResult`),
  ])
}
