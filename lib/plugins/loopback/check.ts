/**
 * CHECK of loopback.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { openSandbox } from '../../cni/plugin/sandbox.js'
import { refuseDifferences } from '../differences.js'
import { loopbackAddresses, NAME } from './add.js'

/** Throws CniError Different when the interface is down or has no loopback address. */
export async function check(call: PluginCall): Promise<void> {
  using pod = openSandbox(call)
  const plan = pod.plan()
  const link = plan.link.read(NAME)
  const addresses = plan.address.dump()
  const done = plan.runSync()
  const hasAddress = loopbackAddresses(done.of(addresses)).length > 0
  refuseDifferences(call.owner, [
    ...(done.of(link)?.up ? [] : [`${NAME} of the container is down`]),
    ...(hasAddress ? [] : [`${NAME} of the container has no loopback address`]),
  ])
}
