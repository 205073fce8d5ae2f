/**
 * The program azure-vnet: attaches pods to an Azure virtual network.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'azure-vnet',
  version: VERSION,
  about: 'attaches pods to an Azure virtual network',
  supportedVersions: ['0.3.0', '0.3.1'],
  add: async (call) => (await import('./add.js')).add(call),
  del: async (call) => (await import('./del.js')).del(call),
})
