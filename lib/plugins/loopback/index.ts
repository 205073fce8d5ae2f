/**
 * The program loopback: brings the loopback interface of a container up.
 */
import { definePlugin } from '../../cni/plugin/plugin.js'
import { CNI_VERSIONS } from '../../cni/spec/version.js'
import { VERSION } from '../../version.js'

export default definePlugin({
  name: 'loopback',
  version: VERSION,
  about: 'brings the loopback interface of a container up',
  supportedVersions: CNI_VERSIONS,
  knownArgs: false,
  add: () => import('./add.js'),
  // The interface goes with its namespace.
  del: async () => undefined,
  check: () => import('./check.js'),
  gc: async () => undefined,
  status: async () => undefined,
})
