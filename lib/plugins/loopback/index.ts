/**
 * The program loopback: brings the loopback interface of a container up.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'loopback',
  version: VERSION,
  about: 'brings the loopback interface of a container up',
  supportedVersions: ['0.3.0', '0.3.1'],
  knownArgs: false,
  add: () => import('./add.js'),
  // The interface goes with its namespace.
  del: async () => undefined,
})
