/**
 * GC: takes away what is left of containers that are gone.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { toCniError } from '../../cni/spec/errors.js'
import { ownerTag } from '../../cni/spec/owner.js'
import { validAttachments } from '../../cni/spec/valid-attachments.js'
import { engineOf } from '../../engine/engine.js'
import { gc as collect } from '../../engine/gc.js'
import { AddressService } from '../../engine/leases.js'
import { refuseFailures } from '../differences.js'
import { OWN_IPAM } from './config.js'
import { configuredIpam, leasesOfRecord } from './leases.js'

/**
 * Detaches what the network has beside its valid attachments, and has a foreign IPAM do the same.
 * Throws CniError NotCollected for what stays, or the error of the foreign IPAM.
 */
export async function gc(call: PluginCall): Promise<void> {
  const { config, host, log, owner } = call
  const valid = validAttachments(config)
  const failures: { owner: typeof owner; error: unknown }[] = []
  if (valid) {
    const service = new AddressService(host, log)
    const done = await collect(engineOf(host, log), {
      network: owner.network,
      valid,
      leaseholders: () => service.snapshot().leases.map((lease) => lease.owner),
      leases: (recorded) => leasesOfRecord(call, recorded),
    })
    failures.push(...done.failures)
    log.info('collected', { valid: valid.length, removed: done.removed.map(ownerTag) })
  } else {
    log.info('no list of valid attachments: nothing is taken away')
  }
  await passOn(call).catch((thrown: unknown) => {
    if (failures.length === 0) throw thrown
    log.error('the IPAM plug-in failed too', { error: toCniError(thrown).msg })
  })
  refuseFailures({ failures })
}

async function passOn(call: PluginCall): Promise<void> {
  const { config, host, stderr } = call
  const type = configuredIpam(config.ipam) ?? OWN_IPAM
  if (type === OWN_IPAM) return
  const { delegate } = await import('../../cni/runtime/delegate.js')
  await delegate(type, 'GC', config, { host, stderr, env: host.env })
}
