/**
 * DEL: works from the record, from the kernel alone, or from nothing; and repeats.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { mark } from '../../trace.js'
import { addressesFor } from './addresses.js'
import { parseVnetConfig } from './config.js'
import { forgetEndpoint, mend, removeEndpoint } from './removal.js'
import { nodeStore } from './state.js'

/** Detaches a pod. Throws CniError, NetlinkError when something stays; the record stays too. */
export async function del(call: PluginCall): Promise<void> {
  mark('modules')
  const config = parseVnetConfig(call.config)
  const host = call.host.current()
  const store = nodeStore(call.host, (message) => call.log.warn(message))
  const addresses = await addressesFor(call, config)
  const state = store.read()
  mark('checks')
  removeEndpoint(host, state, call.owner, config.bridge ? [config.bridge] : [])
  mark('kernel')
  await addresses.release(call.owner)
  mark('lease')
  const rest = await forgetEndpoint(host, store, call.owner)
  mark('record')
  await mend({ call, host, store, addresses }, rest)
  call.log.info('pod detached')
}
