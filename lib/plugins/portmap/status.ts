/**
 * STATUS of portmap.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { portBackend } from '../../portmap/backend.js'
import { readConfig } from './config.js'

/** Throws CniError 7, or NetlinkError when the kernel does not answer for its rules. */
export async function status(call: PluginCall): Promise<void> {
  const { backend } = readConfig(call)
  const plan = call.host.current().plan()
  ;(await portBackend(backend)).planIsThere(plan)
  plan.runSync()
}
