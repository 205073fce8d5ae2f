/**
 * The program portmap: makes ports of the host lead to the container of the plug-in before it.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { CNI_VERSIONS } from '../../cni/spec/version.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'portmap',
  version: VERSION,
  about: 'makes ports of the host lead to a container',
  supportedVersions: CNI_VERSIONS,
  knownArgs: false,
  add: async (call) => (await import('./verbs.js')).add(call),
  del: async (call) => (await import('./verbs.js')).del(call),
  check: () => import('./check.js'),
  gc: () => import('./gc.js'),
  status: () => import('./status.js'),
})
