/**
 * GC of portmap.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { ownerTag } from '../../cni/spec/owner.js'
import { validAttachments } from '../../cni/spec/valid-attachments.js'
import { engineOf } from '../../engine/engine.js'
import { gcPorts } from '../../engine/gc.js'
import { refuseFailures } from '../differences.js'

/** Gives back the ports of this network's containers that are gone. */
export async function gc({ config, host, log, owner }: PluginCall): Promise<void> {
  const valid = validAttachments(config)
  if (!valid) return log.info('no list of valid attachments: nothing is taken away')
  const { network } = owner
  const done = await gcPorts(engineOf(host, log), { network, valid })
  log.info('collected', { valid: valid.length, removed: done.removed.map(ownerTag) })
  refuseFailures(done)
}
