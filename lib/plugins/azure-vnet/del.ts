/**
 * DEL: reads of the configuration only what helps to find an attachment without a record, and
 * judges none of it.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { interfaceRule } from '../../cni/spec/names.js'
import { detach } from '../../engine/detach.js'
import { engineOf } from '../../engine/engine.js'
import { mark } from '../../trace.js'
import { leasesOfRecord } from './leases.js'

/** Detaches a pod. Throws CniError, NetlinkError when something stays; the record stays too. */
export async function del(call: PluginCall): Promise<void> {
  mark('modules')
  const { config, host, log, owner } = call
  const { bridge } = config
  await detach(engineOf(host, log), {
    owner,
    networks: typeof bridge === 'string' && interfaceRule.fits(bridge) ? [bridge] : [],
    leases: (recorded) => leasesOfRecord(call, recorded),
  })
}
