/**
 * The program portmap: makes ports of the host lead to the container of the plug-in before it.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'portmap',
  version: VERSION,
  about: 'makes ports of the host lead to a container',
  supportedVersions: ['0.3.0', '0.3.1'],
  knownArgs: false,
  add: async (call) => (await import('./verbs.js')).add(call),
  del: async (call) => (await import('./verbs.js')).del(call),
})
