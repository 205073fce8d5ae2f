/**
 * GC: takes back the addresses of containers that are gone.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { ownerKey, ownerTag } from '../../cni/spec/owner.js'
import { validAttachments } from '../../cni/spec/valid-attachments.js'
import { AddressService } from '../../engine/leases.js'
import { release } from './release.js'

/** Ends the leases of this network whose owners are not valid any more. */
export async function gc(call: PluginCall): Promise<void> {
  const { config, host, log, owner } = call
  const { network } = owner
  const valid = validAttachments(config)
  if (!valid) return log.info('no list of valid attachments: nothing is taken away')
  const keys = new Set(valid.map((one) => ownerKey({ ...one, network })))
  const service = new AddressService(host, log)
  const gone = service
    .snapshot()
    .leases.map((lease) => lease.owner)
    .filter((one) => one.network === network && !keys.has(ownerKey(one)))
  for (const one of gone) await release(call, service, one)
  log.info('collected', { valid: valid.length, removed: gone.map(ownerTag) })
}
