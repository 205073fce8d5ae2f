/**
 * DEL: reads of the configuration only what helps to find an attachment without a record, and
 * judges none of it.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { isObject } from '../../cni/spec/config.js'
import { interfaceRule, pluginTypeRule } from '../../cni/spec/names.js'
import { detach } from '../../engine/detach.js'
import { engineOf, type Leases } from '../../engine/engine.js'
import { mark } from '../../trace.js'
import { OWN_IPAM } from './config.js'
import { leasesOf } from './leases.js'

/** Detaches a pod. Throws CniError, NetlinkError when something stays; the record stays too. */
export async function del(call: PluginCall): Promise<void> {
  mark('modules')
  const { config, host, log, owner } = call
  const { bridge, ipam } = config
  await detach(engineOf(host, log), {
    owner,
    networks: typeof bridge === 'string' && interfaceRule.fits(bridge) ? [bridge] : [],
    leases: (recorded) =>
      recorded === undefined ? anyLeases(call, typeOf(ipam)) : leasesOf(call, recorded),
  })
}

// Without a record, the configuration tells who gives addresses now: our own may have given this one
// before it was changed.
async function anyLeases(
  call: PluginCall,
  configured = OWN_IPAM,
): Promise<Pick<Leases, 'release'>> {
  const own = await leasesOf(call, OWN_IPAM)
  if (configured === OWN_IPAM) return own
  const other = await leasesOf(call, configured)
  return {
    async release(owner) {
      await own.release(owner)
      await other.release(owner)
    },
  }
}

function typeOf(ipam: unknown): string | undefined {
  const type = isObject(ipam) ? ipam['type'] : undefined
  return typeof type === 'string' && pluginTypeRule.fits(type) ? type : undefined
}
