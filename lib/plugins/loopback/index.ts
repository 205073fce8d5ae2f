/**
 * The program loopback: brings the loopback interface of a container up.
 */
import { definePlugin, type PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { VERSION } from '../../version.js'

async function add(call: PluginCall): Promise<CniResult> {
  using pod = call.host.open(call.netns)
  const plan = pod.plan()
  plan.link.set(plan.link.get('lo'), { up: true })
  plan.runSync()
  if (call.prevResult) return call.prevResult
  return {
    interfaces: [{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: call.netns }],
    ips: [{ address: '127.0.0.1/8', interface: 0 }],
  }
}

export default definePlugin({
  name: 'loopback',
  version: VERSION,
  about: 'brings the loopback interface of a container up',
  supportedVersions: ['0.3.0', '0.3.1'],
  add,
  // The interface goes with its namespace.
  del: async () => undefined,
})
