/**
 * CHECK of portmap.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { requirePrevResult } from '../../cni/spec/prev-result.js'
import { engineOf } from '../../engine/engine.js'
import { checkPorts } from '../../engine/ports.js'
import { refuseDifferences } from '../differences.js'
import { readConfig } from './config.js'
import { podAddress } from './verbs.js'

/** Throws CniError Different when the kernel's ports are not those of the configuration. */
export async function check(call: PluginCall): Promise<void> {
  const { mappings, snat } = readConfig(call)
  const told = requirePrevResult(
    call,
    'CHECK compares with the result of ADD',
    'The runtime must pass on what ADD answered.',
  )
  if (mappings.length === 0) return
  const ports = { pod: podAddress(call, told), mappings, snat }
  const engine = engineOf(call.host, call.log)
  refuseDifferences(call.owner, await checkPorts(engine, call.owner, ports))
}
