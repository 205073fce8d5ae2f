/**
 * CHECK: compares an attachment with its record, and with what the runtime was told of it.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { openSandbox } from '../../cni/plugin/sandbox.js'
import { ipsOn, requirePrevResult } from '../../cni/spec/prev-result.js'
import { check as compare } from '../../engine/check.js'
import { engineOf } from '../../engine/engine.js'
import { AddressService } from '../../engine/leases.js'
import { refuseDifferences } from '../differences.js'
import { OWN_IPAM, parseVnetConfig } from './config.js'

/** Throws CniError Different that names each difference, or what a foreign IPAM found. */
export async function check(call: PluginCall): Promise<void> {
  const { config, host, log, owner, ifname } = call
  parseVnetConfig(config)
  const told = requirePrevResult(
    call,
    'CHECK compares with the result of ADD',
    'The runtime must pass on what ADD answered.',
  )
  using sandbox = openSandbox(call, host.current())
  const differences = await compare(engineOf(host, log), {
    owner,
    sandbox,
    expected: ipsOn(told, ifname).map(({ address }) => address),
    leased: (recorded) => leased(call, recorded),
  })
  refuseDifferences(owner, differences)
}

async function leased(
  call: PluginCall,
  recorded: string | undefined,
): Promise<string[] | undefined> {
  const { config, host, log, owner, stderr } = call
  if (recorded === undefined) return undefined
  if (recorded === OWN_IPAM) {
    return new AddressService(host, log).find(owner).map(({ address }) => address)
  }
  const { delegate } = await import('../../cni/runtime/delegate.js')
  await delegate(recorded, 'CHECK', config, { host, stderr, env: host.env })
  return undefined
}
