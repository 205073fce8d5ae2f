/**
 * The program azure-vnet: attaches pods to an Azure virtual network.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { CNI_VERSIONS } from '../../cni/spec/version.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'azure-vnet',
  version: VERSION,
  about: 'attaches pods to an Azure virtual network',
  supportedVersions: CNI_VERSIONS,
  add: async (call) => (await import('./add.js')).add(call),
  del: async (call) => (await import('./del.js')).del(call),
  check: () => import('./check.js'),
  gc: () => import('./gc.js'),
  status: () => import('./status.js'),
})
